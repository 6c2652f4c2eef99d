//go:build !linux

package conn

// parker exists only where there is epoll.
type parker struct{}

func newParker() *parker { return nil }

func (*parker) close() {}

func (*parker) watch(int, *Conn) bool { return false }

func (*parker) forget(int, *Conn) {}
