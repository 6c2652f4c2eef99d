package process

import "testing"

// NATSServer returns the path of nats-server in the version that go.mod names,
// for tests of what starts it.
func NATSServer(tb testing.TB) string {
	tb.Helper()
	path, err := buildNATSServer()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// Address is a port on the loopback interface, as host:port.
func Address(port int) string { return address(port) }

// ReservePort finds a free loopback port and keeps it for the test.
func ReservePort(tb testing.TB) int { return reservePort(tb) }
