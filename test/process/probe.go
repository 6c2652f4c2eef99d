package process

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// probes holds no idle connections, whose goroutines a leak check would find.
var probes = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	Timeout:   2 * time.Second,
}

// probe fetches url, demands status 200 and decodes the JSON answer into
// answer unless that is nil.
func probe(ctx context.Context, url string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("probe %s: %w", url, err)
	}
	response, err := probes.Do(request)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("probe %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("probe %s: %s: %s", url, response.Status, body)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("probe %s: %w", url, err)
	}
	return nil
}
