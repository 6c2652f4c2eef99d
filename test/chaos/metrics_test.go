package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// admin talks to the admin ports, and leaves no idle connection behind.
var admin = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// get hands the body of an answer with status 200 to read.
func get(ctx context.Context, url string, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := admin.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return read(response.Body)
}

func getJSON(ctx context.Context, url string, to any) error {
	return get(ctx, url, func(body io.Reader) error { return json.NewDecoder(body).Decode(to) })
}

// metricsOf reads the metrics without labels of a node's admin port, by name.
func metricsOf(ctx context.Context, adminURL string) (map[string]float64, error) {
	metrics := map[string]float64{}
	err := get(ctx, adminURL+"/metrics", func(body io.Reader) error {
		lines := bufio.NewScanner(body)
		for lines.Scan() {
			name, text, ok := strings.Cut(lines.Text(), " ")
			if value, err := strconv.ParseFloat(text, 64); ok && err == nil {
				metrics[name] = value
			}
		}
		return lines.Err()
	})
	return metrics, err
}
