package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// fetchDeadline bounds one fetch of a key set, redirects included.
	fetchDeadline = 5 * time.Second
	maxRedirects  = 3
	// A key set is believed no shorter and no longer than this, whatever its
	// max-age says: the one protects its server, the other lets a withdrawn key end.
	leastFresh = time.Minute
	mostFresh  = 24 * time.Hour
)

func newHTTPClient() *http.Client {
	return &http.Client{CheckRedirect: func(next *http.Request, before []*http.Request) error {
		if len(before) > maxRedirects {
			return errors.New("too many redirects")
		}
		if before[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return errors.New("redirected from https to http")
		}
		return nil
	}}
}

// fetchKeySet gets a key set and how long it may be used. Errors do not
// contain the URL, which may hold credentials.
func fetchKeySet(ctx context.Context, client *http.Client, address *url.URL, fallback time.Duration) (keySet, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchDeadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, 0, errors.New("make the request")
	}
	request.Close = true // the next fetch is minutes away
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return nil, 0, fmt.Errorf("get the key set: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("get the key set: answered %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxKeySetBytes+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the key set: %w", err)
	}
	if len(content) > maxKeySetBytes {
		return nil, 0, fmt.Errorf("read the key set: over %d bytes", maxKeySetBytes)
	}
	keys, err := parseKeySet(content)
	return keys, freshFor(response.Header, fallback), err
}

// freshFor reads max-age from Cache-Control (RFC 9111, section 5.2.2.1).
func freshFor(h http.Header, fallback time.Duration) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if err != nil {
			break
		}
		return min(max(time.Duration(seconds)*time.Second, leastFresh), mostFresh)
	}
	return fallback
}
