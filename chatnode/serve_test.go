package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestNodeThatCannotServeFreesItsPorts(t *testing.T) {
	args := []string{"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--shards=1", "--data-dir=" + t.TempDir(), "--tls-cert=none", "--tls-key=none"}
	o, err := parseOptions(args, environment(nil), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.serve(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("served without a certificate: %v", err)
	}
	for _, taken := range []net.Listener{n.clients, n.admin} {
		l, err := net.Listen("tcp", taken.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
}

// A request whose body never comes may be answered at once, but the HTTP server waits for the body before it closes the socket.
func TestBodyThatNobodyReadsHasATimeLimit(t *testing.T) {
	n := startTestNode(t, "--anonymous")
	s, err := n.clientServer()
	if err != nil {
		t.Fatal(err)
	}
	if s.ReadTimeout == 0 {
		t.Fatal("no time limit")
	}
	s.ReadTimeout = 200 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := fmt.Fprint(client, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, client); err != nil {
		t.Fatalf("the socket stays open: %v", err)
	}
	streamOutlives(t, "http://"+l.Addr().String(), s.ReadTimeout)
}

// streamOutlives checks that the limit is none of a streamed response.
func streamOutlives(t *testing.T, url string, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/connection/http_stream", strings.NewReader(`{"id":1,"connect":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%s, then the stream ended with %q, %v", response.Status, got, err)
	}
}
