package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestNodeThatCannotServeFreesItsPorts(t *testing.T) {
	n := launch(t, "--tls-cert=none", "--tls-key=none")
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

// startClientServer serves the node's clients on another port with a short limit, and says when a socket is closed.
func startClientServer(t *testing.T, limit time.Duration) (address string, closed <-chan struct{}) {
	t.Helper()
	s, err := startTestNode(t, "--anonymous").clientServer()
	if err != nil {
		t.Fatal(err)
	}
	if s.ReadTimeout == 0 || s.WriteTimeout == 0 {
		t.Fatal("no time limit")
	}
	s.ReadTimeout, s.WriteTimeout = limit, limit
	ends := make(chan struct{}, 16)
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			ends <- struct{}{}
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String(), ends
}

// The HTTP server waits for a body before it closes the socket, whatever it has answered, and for a client that takes no answers.
func TestClientsThatHoldRequestsUpAreClosed(t *testing.T) {
	for name, request := range map[string]string{
		"body that never comes":     "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
		"answers that nobody reads": strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 50_000),
	} {
		t.Run(name, func(t *testing.T) {
			address, closed := startClientServer(t, 300*time.Millisecond)
			client, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			written := make(chan struct{})
			go func() {
				defer close(written)
				_, _ = io.WriteString(client, request) // what does not go through is not needed
			}()
			select {
			case <-closed:
			case <-time.After(20 * time.Second):
				t.Error("the socket stays open")
			}
			_ = client.Close()
			<-written
		})
	}
}

func TestStreamsOutliveTheTimeLimitsOfRequests(t *testing.T) {
	t.Parallel()
	const limit = 3 * time.Second
	address, _ := startClientServer(t, limit)
	streamOutlives(t, "http://"+address, limit)
}

// streamOutlives checks that the limit is none of a streamed response.
func streamOutlives(t *testing.T, url string, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
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
	defer time.AfterFunc(2*limit, cancel).Stop()
	if got, err := io.ReadAll(response.Body); !errors.Is(err, context.Canceled) {
		t.Fatalf("%s, then the stream ended with %q, %v", response.Status, got, err)
	}
}
