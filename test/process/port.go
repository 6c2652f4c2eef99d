package process

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Ports are taken from below the range that the kernel gives to outgoing
// connections: one of those could sit on a server's port while it is restarted.
const (
	firstPort = 12000
	portCount = 20000
)

// reservePort finds a free loopback port and keeps it for the test, also from
// other test binaries, so that a killed program gets it again.
func reservePort(tb testing.TB) int {
	tb.Helper()
	dir := filepath.Join(os.TempDir(), "chatfleet-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		tb.Fatalf("reserve a port: %v", err)
	}
	offset := rand.IntN(portCount)
	for i := range portCount {
		port := firstPort + (offset+i)%portCount
		claim, err := claimPort(dir, port)
		if err != nil {
			continue
		}
		tb.Cleanup(func() { claim.Close() })
		return port
	}
	tb.Fatalf("reserve a port: none of %d is free", portCount)
	return 0
}

// claimPort locks the port's file for as long as the returned file is open.
func claimPort(dir string, port int) (*os.File, error) {
	claim, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(port)), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, fmt.Errorf("claim port %d: %w", port, err)
	}
	if err := syscall.Flock(int(claim.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		claim.Close()
		return nil, fmt.Errorf("claim port %d: %w", port, err)
	}
	listener, err := net.Listen("tcp", address(port))
	if err != nil {
		claim.Close()
		return nil, fmt.Errorf("claim port %d: %w", port, err)
	}
	listener.Close()
	return claim, nil
}

func address(port int) string {
	return fmt.Sprintf("127.0.0.1:%d", port)
}
