// Package kube is a small client of the Kubernetes API server: paths and JSON in, JSON out. It knows no types; its callers declare the few
// fields that they read. It needs nothing but the standard library, so that the tool builds in seconds.
package kube

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// deadline bounds a request that is not a watch.
const deadline = 15 * time.Second

// Client speaks to one API server as one user.
type Client struct {
	server string
	http   *http.Client
}

// Dial connects to an address.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Error is an answer of the API server that is not success.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

// IsCode says whether err is an answer of the API server with this HTTP status.
func IsCode(err error, code int) bool {
	var answer *Error
	return errors.As(err, &answer) && answer.Code == code
}

// New makes a client from a kubeconfig that package authority wrote (JSON). dial may be nil.
func New(kubeconfig string, dial Dial) (*Client, error) {
	text, err := os.ReadFile(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string
				CA     []byte `json:"certificate-authority-data"`
			}
		}
		Users []struct {
			User struct {
				Cert []byte `json:"client-certificate-data"`
				Key  []byte `json:"client-key-data"`
			}
		}
	}
	if err := json.Unmarshal(text, &config); err != nil || len(config.Clusters) == 0 || len(config.Users) == 0 {
		return nil, fmt.Errorf("read the kubeconfig %s: it holds no cluster and user (%w)", kubeconfig, err)
	}
	user, cluster := config.Users[0].User, config.Clusters[0].Cluster
	pair, err := tls.X509KeyPair(user.Cert, user.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate in %s: %w", kubeconfig, err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cluster.CA)
	transport := &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	return &Client{server: cluster.Server, http: &http.Client{Transport: transport}}, nil
}

// Get reads path into out.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.call(ctx, http.MethodGet, path, "", nil, out)
}

// Create posts an object to the collection path.
func (c *Client) Create(ctx context.Context, path string, object any) error {
	return c.call(ctx, http.MethodPost, path, "application/json", object, nil)
}

// Merge patches the object at path (JSON merge patch).
func (c *Client) Merge(ctx context.Context, path string, patch any) error {
	return c.call(ctx, http.MethodPatch, path, "application/merge-patch+json", patch, nil)
}

// Delete deletes the object at path; that it is not there is no error.
func (c *Client) Delete(ctx context.Context, path string) error {
	err := c.call(ctx, http.MethodDelete, path, "", nil, nil)
	if IsCode(err, http.StatusNotFound) {
		return nil
	}
	return err
}

func (c *Client) call(ctx context.Context, method, path, kind string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	body, err := c.open(ctx, method, path, kind, in)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(text)
		return nil
	default:
		if err := json.Unmarshal(text, out); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		return nil
	}
}

// open sends a request and gives the body of a good answer.
func (c *Client) open(ctx context.Context, method, path, kind string, in any) (io.ReadCloser, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, body)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		var status struct{ Message string }
		if json.Unmarshal(text, &status) == nil && status.Message != "" {
			text = []byte(status.Message)
		}
		return nil, &Error{Code: answer.StatusCode, Message: string(text)}
	}
	return answer.Body, nil
}
