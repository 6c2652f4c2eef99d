package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// probes are the paths that the kubelet asks, and what the server is asked for each.
var probes = map[string]string{
	// All streams and consumers of the server have caught up.
	"/startz": "/healthz",
	// The server takes part in JetStream; single streams may lag.
	"/readyz": "/healthz?js-server-only=true",
	// JetStream has not given up, as it does when it can't write.
	"/livez": "/healthz?js-enabled-only=true",
}

// listenForProbes answers probes with the status and the body that the server gives, or with 503 if it gives none.
func listenForProbes(ctx context.Context, address string, m *monitor) (*http.Server, error) {
	mux := http.NewServeMux()
	for path, question := range probes {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			status, body, err := m.get(r.Context(), question)
			if err != nil {
				status, body = http.StatusServiceUnavailable, []byte(err.Error())
			}
			w.WriteHeader(status)
			_, _ = w.Write(body) // a kubelet that hung up has its answer
		})
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for probes: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: monitorWait, ReadTimeout: monitorWait, WriteTimeout: 2 * monitorWait, IdleTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // ends when it is closed
	return server, nil
}
