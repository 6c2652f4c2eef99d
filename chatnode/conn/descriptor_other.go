//go:build !unix

package conn

import "net"

func newLink(c net.Conn) link { return socket{c} }
