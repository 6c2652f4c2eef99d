package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
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
