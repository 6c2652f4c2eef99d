package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// server is one system under test, as a running process.
type server struct {
	system  string
	address string // host:port for clients
	pid     int
	dialect dialect
	// collectURL makes it collect its garbage.
	collectURL string
	// sign makes a user's token; nil: the system knows no users.
	sign func(user string) (string, error)
}

// token is what a user connects with; "" for the anonymous one.
func (s *server) token(user string) (string, error) {
	if user == "" || s.sign == nil {
		return "", nil
	}
	return s.sign(user)
}

// fetches keeps no connection, which would count as one of the server's.
var fetches = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}

func fetch(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := fetches.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch %s: %s", url, response.Status)
	}
	return nil
}

const (
	// settleStep is the time between two looks at a server's memory, settleLimit that of all looks.
	settleStep  = 500 * time.Millisecond
	settleLimit = 8 * time.Second
	// settled is how much memory may still move from one look to the next.
	settled = 64 << 10
)

// memory is the server's resident memory in bytes, after its garbage was collected and what it gives back was given back.
func (s *server) memory(ctx context.Context) (int64, error) {
	deadline := time.Now().Add(settleLimit)
	last, quiet := int64(0), 0
	for {
		if err := fetch(ctx, s.collectURL); err != nil {
			return 0, fmt.Errorf("collect garbage of %s: %w", s.system, err)
		}
		if err := pause(ctx, settleStep); err != nil {
			return 0, err
		}
		now, err := residentBytes(s.pid)
		if err != nil {
			return 0, err
		}
		if quiet++; now < last-settled || now > last+settled {
			quiet = 0
		}
		if quiet >= 2 || time.Now().After(deadline) {
			return now, nil
		}
		last = now
	}
}

// pause lets a measurement run on.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
