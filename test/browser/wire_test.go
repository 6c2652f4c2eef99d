package browser_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// wire is the network between one page and its node, which can be cut.
type wire struct {
	listener net.Listener
	to       string
	work     sync.WaitGroup

	mu    sync.Mutex
	ends  []net.Conn
	isCut bool
}

func startWire(t *testing.T, node string) *wire {
	t.Helper()
	address, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, to: address.Host}
	w.work.Go(w.serve)
	t.Cleanup(func() {
		listener.Close()
		w.cut(true)
		w.work.Wait()
	})
	return w
}

func (w *wire) url() string { return "http://" + w.listener.Addr().String() }

// cut ends what is connected and refuses more, until it is mended.
func (w *wire) cut(isCut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut = isCut; isCut {
		for _, end := range w.ends {
			end.Close()
		}
		w.ends = nil
	}
}

func (w *wire) serve() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		if err != nil {
			near.Close()
			continue
		}
		if !w.keep(near, far) {
			continue
		}
		for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
			w.work.Go(func() {
				_, _ = io.Copy(ends[0], ends[1])
				ends[0].Close()
				ends[1].Close()
			})
		}
	}
}

func (w *wire) keep(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		for _, end := range ends {
			end.Close()
		}
		return false
	}
	w.ends = append(w.ends, ends...)
	return true
}
