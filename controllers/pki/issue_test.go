package pki

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

const caName = "lobby-ca"

var wanted = []Wanted{
	{Name: "lobby-nats-tls", DNSNames: []string{"lobby-nats.team.svc", "*.lobby-nats-peers.team.svc", "localhost", "127.0.0.1"}, Server: true, Client: true},
	{Name: "lobby-operator-tls", DNSNames: []string{"operator.chatfleet.internal"}, Client: true},
}

// The year of the tests is not this one: no clock but the given one may be used.
var start = time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC)

// store holds Secrets as Kubernetes would.
type store map[string]map[string][]byte

func (s store) issue(t *testing.T, now time.Time) Result {
	t.Helper()
	result, err := Issue(caName, wanted, s, now)
	if err != nil {
		t.Fatal(err)
	}
	if !result.RenewAt.After(now) {
		t.Fatalf("at %v, the next renewal is at %v", now, result.RenewAt)
	}
	maps.Copy(s, result.Secrets)
	return result
}

func TestAServerAndAClientTrustEachOther(t *testing.T) {
	s := store{}
	if first := s.issue(t, start); len(first.Secrets) != 3 {
		t.Fatalf("made %d secrets", len(first.Secrets))
	}
	for _, name := range []string{"lobby-nats.team.svc", "lobby-nats-1.lobby-nats-peers.team.svc", "127.0.0.1"} {
		if err := handshake(s["lobby-nats-tls"], s["lobby-operator-tls"], name, start); err != nil {
			t.Errorf("as %s: %v", name, err)
		}
	}
	if err := handshake(s["lobby-nats-tls"], s["lobby-nats-tls"], "localhost", start); err != nil {
		t.Errorf("between servers: %v", err)
	}
}

func TestWhoHasNoGoodCertificateIsRefused(t *testing.T) {
	s, other := store{}, store{}
	s.issue(t, start)
	other.issue(t, start)
	server, client := s["lobby-nats-tls"], s["lobby-operator-tls"]
	for name, err := range map[string]error{
		"another authority's client": handshake(server, mixed(other["lobby-operator-tls"], client), "localhost", start),
		"another authority's server": handshake(mixed(other["lobby-nats-tls"], server), client, "localhost", start),
		"a server of another name":   handshake(server, client, "elsewhere.example", start),
		"a client as a server":       handshake(client, client, "operator.chatfleet.internal", start),
		"an old certificate":         handshake(server, client, "localhost", start.Add(LeafLife+time.Hour)),
		"one of the future":          handshake(server, client, "localhost", start.Add(-time.Hour)),
	} {
		if err == nil {
			t.Errorf("%s was let in", name)
		}
	}
}

func TestNothingIsWrittenWhileAllIsGood(t *testing.T) {
	s := store{}
	renewAt := s.issue(t, start).RenewAt
	for _, now := range []time.Time{start, start.Add(time.Hour), renewAt.Add(-time.Second)} {
		if again := s.issue(t, now); len(again.Secrets) > 0 || !again.RenewAt.Equal(renewAt) {
			t.Errorf("at %v: wrote %v, next at %v", now, slices.Collect(maps.Keys(again.Secrets)), again.RenewAt)
		}
	}
	if life := renewAt.Sub(start); life < LeafLife*6/10 || life > LeafLife*7/10 {
		t.Errorf("the first renewal is after %v", life)
	}
}

func TestLeafsAreRenewedInTime(t *testing.T) {
	s := store{}
	now := s.issue(t, start).RenewAt
	before := maps.Clone(s)
	renewed := s.issue(t, now)
	if len(renewed.Secrets) != 2 || renewed.Secrets[caName] != nil {
		t.Fatalf("wrote %v", slices.Collect(maps.Keys(renewed.Secrets)))
	}
	for name, err := range map[string]error{
		"new both":   handshake(s["lobby-nats-tls"], s["lobby-operator-tls"], "localhost", now),
		"new server": handshake(s["lobby-nats-tls"], before["lobby-operator-tls"], "localhost", now),
		"new client": handshake(before["lobby-nats-tls"], s["lobby-operator-tls"], "localhost", now),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALeafIsReplacedIfItIsNotWhatIsWanted(t *testing.T) {
	spoil := map[string]func(map[string][]byte){
		"gone":         func(d map[string][]byte) { clear(d) },
		"no key":       func(d map[string][]byte) { delete(d, KeyPrivate) },
		"garbage":      func(d map[string][]byte) { d[KeyCert] = []byte("garbage") },
		"not to trust": func(d map[string][]byte) { d[KeyAuthorities] = nil },
		"another's": func(d map[string][]byte) {
			other := store{}
			other.issue(t, start)
			maps.Copy(d, other["lobby-nats-tls"])
		},
		"foreign leaf": func(d map[string][]byte) {
			other := store{}
			other.issue(t, start)
			d[KeyCert], d[KeyPrivate] = other["lobby-nats-tls"][KeyCert], other["lobby-nats-tls"][KeyPrivate]
		},
		"with a rogue": func(d map[string][]byte) {
			other := store{}
			other.issue(t, start)
			d[KeyAuthorities] = append(slices.Clone(d[KeyAuthorities]), other[caName][KeyCert]...)
		},
	}
	for name, spoil := range spoil {
		t.Run(name, func(t *testing.T) {
			s := store{}
			s.issue(t, start)
			trusted := s[caName][KeyAuthorities]
			s["lobby-nats-tls"] = maps.Clone(s["lobby-nats-tls"])
			spoil(s["lobby-nats-tls"])
			if result := s.issue(t, start.Add(time.Hour)); len(result.Secrets) != 1 {
				t.Errorf("wrote %v", slices.Collect(maps.Keys(result.Secrets)))
			}
			if err := handshake(s["lobby-nats-tls"], s["lobby-operator-tls"], "localhost", start.Add(time.Hour)); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(s["lobby-nats-tls"][KeyAuthorities], trusted) {
				t.Error("it trusts others than before")
			}
		})
	}
}

func TestALeafIsReplacedIfItsNamesChange(t *testing.T) {
	s := store{}
	s.issue(t, start)
	other := []Wanted{{Name: "lobby-nats-tls", DNSNames: []string{"renamed.team.svc"}, Server: true, Client: true}, wanted[1]}
	result, err := Issue(caName, other, s, start)
	if err != nil || len(result.Secrets) != 1 {
		t.Fatalf("wrote %d, %v", len(result.Secrets), err)
	}
	if err := handshake(result.Secrets["lobby-nats-tls"], s["lobby-operator-tls"], "renamed.team.svc", start); err != nil {
		t.Error(err)
	}
}

func TestAnAuthorityThatCanNotSignIsLeftAlone(t *testing.T) {
	s := store{}
	s.issue(t, start)
	for name, data := range map[string]map[string][]byte{
		"garbage":          {KeyCert: []byte("garbage"), KeyPrivate: []byte("garbage")},
		"key of another":   {KeyCert: s[caName][KeyCert], KeyPrivate: s["lobby-nats-tls"][KeyPrivate]},
		"not an authority": s["lobby-nats-tls"],
	} {
		if _, err := Issue(caName, wanted, store{caName: data}, start); err == nil || !strings.Contains(err.Error(), caName) || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// mixed shows one's certificate and trusts whom the other trusts.
func mixed(shows, trusts map[string][]byte) map[string][]byte {
	return map[string][]byte{KeyCert: shows[KeyCert], KeyPrivate: shows[KeyPrivate], KeyAuthorities: trusts[KeyAuthorities]}
}

// handshake connects a client to a server, each with the data of its Secret, and says whether both are content.
func handshake(server, client map[string][]byte, name string, now time.Time) error {
	s, errS := config(server, now)
	c, errC := config(client, now)
	if err := errors.Join(errS, errC); err != nil {
		return err
	}
	s.ClientAuth, s.ClientCAs = tls.RequireAndVerifyClientCert, s.RootCAs
	c.ServerName = name
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() {
		peer := tls.Server(far, s)
		err := peer.Handshake()
		if err == nil {
			_, err = peer.Write([]byte("hello"))
		}
		done <- errors.Join(err, far.Close())
	}()
	peer := tls.Client(near, c)
	err := peer.Handshake()
	if err == nil {
		_, err = io.ReadFull(peer, make([]byte, 5)) // a refusal of the client arrives here
	}
	return errors.Join(err, near.Close(), <-done)
}

func config(data map[string][]byte, now time.Time) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(data[KeyCert], data[KeyPrivate])
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data[KeyAuthorities])
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, Time: func() time.Time { return now }}, nil
}
