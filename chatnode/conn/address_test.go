package conn

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

func TestClientAddress(t *testing.T) {
	tests := map[string]struct {
		peer    string
		headers []string
		want    string
	}{
		"no header":                      {"203.0.113.7:1234", nil, "203.0.113.7"},
		"header of a stranger":           {"203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		"one proxy":                      {"10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"two proxies":                    {"10.0.0.1:1234", []string{"198.51.100.1, 10.2.3.4"}, "198.51.100.1"},
		"forged by the client":           {"10.0.0.1:1234", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		"two header lines":               {"10.0.0.1:1234", []string{"1.1.1.1", "198.51.100.1,10.9.9.9"}, "198.51.100.1"},
		"only proxies":                   {"10.0.0.1:1234", []string{"10.3.3.3,10.2.2.2"}, "10.3.3.3"},
		"not an address":                 {"10.0.0.1:1234", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		"not an address behind a proxy":  {"10.0.0.1:1234", []string{"evil, 10.7.7.7"}, "10.7.7.7"},
		"empty header":                   {"10.0.0.1:1234", []string{""}, "10.0.0.1"},
		"with a port":                    {"10.0.0.1:1234", []string{"198.51.100.1:99"}, "198.51.100.1"},
		"IPv6":                           {"[fd00::1]:1234", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 in brackets":               {"[fd00::1]:1234", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"IPv6 in brackets with a port":   {"[fd00::1]:1234", []string{"[2001:db8::7]:99"}, "2001:db8::7"},
		"IPv6 with a zone":               {"[fd00::1%eth0]:1234", []string{"fe80::1%x"}, "fe80::1"},
		"IPv4 as IPv6":                   {"[::ffff:10.0.0.1]:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"bracket without an end":         {"10.0.0.1:1234", []string{"[2001:db8::7"}, "10.0.0.1"},
		"peer of a Unix socket":          {"@", []string{"198.51.100.1"}, "invalid IP"},
		"more commas than addresses":     {"10.0.0.1:1234", []string{",,,198.51.100.1"}, "198.51.100.1"},
		"a stranger in front of a proxy": {"10.0.0.1:1234", []string{"10.5.5.5, 198.51.100.1"}, "198.51.100.1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.headers}}
			if got := ClientAddress(r, proxies).String(); got != test.want {
				t.Fatalf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestLimitCountsA64OfIPv6AsOne(t *testing.T) {
	key := func(a string) netip.Addr { return limitKey(netip.MustParseAddr(a)) }
	if key("2001:db8::1") != key("2001:db8::ffff:1") || key("2001:db8::1") == key("2001:db8:0:1::1") || key("192.0.2.1") == key("192.0.2.2") {
		t.Fatal("wrong neighbours")
	}
}

func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "1.2.3.4", "1.2.3.4, 10.0.0.1", "[::1]:80,fd00::1", ",", "[", "%", "::ffff:1.2.3.4", "1.2.3.4\n5.6.7.8"} {
		f.Add(seed)
	}
	stranger, proxy := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, header string) {
		if got := forwardedFor(stranger, []string{header}, proxies); got != stranger {
			t.Fatalf("a stranger became %s", got)
		}
		got := forwardedFor(proxy, []string{header}, proxies)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Fatalf("got %s", got)
		}
		// Whatever a client writes to the left of what its proxy saw changes nothing.
		seen := header + ", 198.51.100.9"
		if got := forwardedFor(proxy, []string{seen}, proxies); got.String() != "198.51.100.9" {
			t.Fatalf("forged to %s", got)
		}
		// One line or several are the same.
		if split := forwardedFor(proxy, strings.Split(header, ","), proxies); split != got {
			t.Fatalf("%s in one line, %s in several", got, split)
		}
	})
}
