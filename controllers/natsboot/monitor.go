package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// monitorWait bounds one question to the server.
	monitorWait = 2 * time.Second
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 1 << 20
)

// monitor is the server's monitor port.
type monitor struct {
	url, ca string
}

// get asks for a path, and gives the status and the body.
func (m *monitor) get(ctx context.Context, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, monitorWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the monitor port: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if m.ca != "" { // read every time: it changes with the certificates
		authorities, err := os.ReadFile(m.ca)
		if err != nil {
			return 0, nil, fmt.Errorf("ask the monitor port: %w", err)
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(authorities) {
			return 0, nil, fmt.Errorf("ask the monitor port: %s holds no certificate", m.ca)
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the monitor port: %w", err)
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, nil, fmt.Errorf("ask the monitor port: %w", err)
	}
	return response.StatusCode, body, nil
}

// hasRoutes says whether the server has others to talk to.
func (m *monitor) hasRoutes(ctx context.Context) bool {
	var answer struct {
		Routes int `json:"routes"`
	}
	return m.ask(ctx, "/varz", &answer) && answer.Routes > 0
}

// ask decodes the answer, and says whether there was one.
func (m *monitor) ask(ctx context.Context, path string, answer any) bool {
	_, body, err := m.get(ctx, path)
	return err == nil && json.Unmarshal(body, answer) == nil
}
