package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// histogram is how many of a node's durations did not exceed each bound, in the order of the bounds.
type histogram []bucket

type bucket struct{ seconds, count float64 }

// readHistogram reads one of a node's metrics; it has no labels.
func readHistogram(ctx context.Context, adminURL, name string) (histogram, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := fetches.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var all histogram
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		line, ours := strings.CutPrefix(lines.Text(), name+`_bucket{le="`)
		if !ours {
			continue
		}
		var b bucket
		if _, err := fmt.Sscanf(strings.Replace(line, `"}`, "", 1), "%g %g", &b.seconds, &b.count); err != nil {
			return nil, fmt.Errorf("read %q: %w", lines.Text(), err)
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the node has no metric %s", name)
	}
	return all, lines.Err()
}

// since leaves out what had been counted before.
func (h histogram) since(before histogram) histogram {
	rest := make(histogram, len(h))
	for i := range h {
		rest[i] = bucket{h[i].seconds, h[i].count - before[i].count}
	}
	return rest
}

// percentile is what at least percent of the durations don't exceed, in seconds, as if they were spread evenly between two bounds.
func (h histogram) percentile(percent float64) float64 {
	wanted := h[len(h)-1].count * percent / 100
	var below bucket
	for _, b := range h {
		if b.count >= wanted && b.count > below.count {
			return below.seconds + (b.seconds-below.seconds)*(wanted-below.count)/(b.count-below.count)
		}
		below = b
	}
	return below.seconds
}
