package conn

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress is where a request comes from: its peer, or, if that is a trusted proxy, the last address in X-Forwarded-For that is not a
// trusted proxy itself. What is left of that one anybody may have written, so it is not looked at; neither is anything left of an entry
// that is no address.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, _ := parseAddress(r.RemoteAddr)
	return forwardedFor(peer, r.Header["X-Forwarded-For"], trusted)
}

func forwardedFor(peer netip.Addr, headers []string, trusted []netip.Prefix) netip.Addr {
	client := peer
	for i := len(headers) - 1; i >= 0; i-- {
		for rest := headers[i]; ; {
			if !isTrusted(client, trusted) {
				return client
			}
			comma := strings.LastIndexByte(rest, ',')
			entry, ok := parseAddress(strings.TrimSpace(rest[comma+1:]))
			if !ok {
				return client
			}
			client = entry
			if comma < 0 {
				break
			}
			rest = rest[:comma]
		}
	}
	return client
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddress reads an address with or without a port, IPv6 with or without brackets. A zone is dropped: it means nothing elsewhere.
func parseAddress(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return plain(withPort.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
		text = inner
	}
	a, err := netip.ParseAddr(text)
	return plain(a), err == nil
}

func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// limitKey is whom a limit per address counts: with IPv6 the /64, all of which usually belongs to one host.
func limitKey(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return prefix.Addr()
}
