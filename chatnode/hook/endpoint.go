package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 128 << 10
	// maxAnswerHeader bounds its header.
	maxAnswerHeader = 64 << 10
	idleConnection  = 60 * time.Second
)

// CheckURL says what is wrong with the address of a receiver, if anything is. Passwords don't belong into it, since it stands on the
// command line.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("it must be an absolute http or https URL")
	case u.User != nil:
		return errors.New("it must hold no user and no password: requests are signed")
	}
	return nil
}

// endpoint is where requests are posted to.
type endpoint struct {
	url     string
	secrets func() [][]byte
	client  *http.Client
}

// newEndpoint gives one with connections of its own, as many as there may be requests at a time. It follows no redirects: they would
// carry what users say to whoever the answer names.
func newEndpoint(address string, secrets func() [][]byte, parallel int) (*endpoint, error) {
	if err := CheckURL(address); err != nil {
		return nil, err
	}
	return &endpoint{url: address, secrets: secrets, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			MaxIdleConns: parallel, MaxIdleConnsPerHost: parallel, IdleConnTimeout: idleConnection,
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
	}}, nil
}

func (e *endpoint) close() { e.client.CloseIdleConnections() }

// answer is what the receiver said.
type answer struct {
	status int
	// body, as far as maxAnswer; whole says whether that was all.
	body  []byte
	whole bool
	// after is for how long the receiver asks not to be asked again; 0 if it doesn't say.
	after time.Duration
}

// post sends a signed request, and reads the answer. Errors do not hold the address, which may be a secret.
func (e *endpoint) post(ctx context.Context, id string, body []byte) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return answer{}, errors.New("make the request")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "chatfleet")
	r.Header.Set(DeliveryHeader, id)
	r.Header.Set(SignatureHeader, Sign(e.secrets(), time.Now(), body))
	r.Header["Idempotency-Key"] = nil // sends nothing, and lets the client repeat on a new connection what an idle one didn't take
	response, err := e.client.Do(r)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return answer{}, fmt.Errorf("post: %w", err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1)); err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	a.whole = len(a.body) <= maxAnswer
	if seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31); err == nil {
		a.after = time.Duration(seconds) * time.Second
	}
	return a, nil
}
