package pki

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// An authority is replaced while pods take Secrets up late: in every step, a part that still has the Secrets of the step before must get on
// with one that has the new ones.
func TestAnAuthorityIsReplacedWithoutARefusedHandshake(t *testing.T) {
	tests := []struct {
		name  string
		begin func(t *testing.T, s store) (before store, now time.Time)
	}{
		{"because it is old", func(t *testing.T, s store) (store, time.Time) {
			now := start
			for {
				before := maps.Clone(s)
				now = s.nextOf(t, now)
				if len(parseAll(s[caName][KeyAuthorities])) > 1 {
					return before, now
				}
			}
		}},
		{"because its secret is lost", func(t *testing.T, s store) (store, time.Time) {
			before := maps.Clone(s)
			delete(s, caName)
			s.issue(t, start.Add(time.Hour))
			return before, start.Add(time.Hour)
		}},
		{"because its secret is lost when leafs are due", func(t *testing.T, s store) (store, time.Time) {
			before, due := maps.Clone(s), s.issue(t, start).RenewAt
			delete(s, caName)
			s.issue(t, due)
			return before, due
		}},
		{"because somebody put in another one", func(t *testing.T, s store) (store, time.Time) {
			before, other := maps.Clone(s), store{}
			other.issue(t, start)
			s[caName] = maps.Clone(s[caName])
			s[caName][KeyCert], s[caName][KeyPrivate] = other[caName][KeyCert], other[caName][KeyPrivate]
			s.issue(t, start.Add(time.Hour))
			return before, start.Add(time.Hour)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := store{}
			s.issue(t, start)
			before, now := test.begin(t, s)
			began := now
			steps := 0
			for {
				getOn(t, s, before, now)
				if len(parseAll(s[caName][KeyAuthorities])) == 1 {
					break
				}
				before = maps.Clone(s)
				now = s.nextOf(t, now)
				if steps++; steps > 4 {
					t.Fatalf("after %d steps there are still several authorities", steps)
				}
			}
			if steps != 2 || now.Sub(began) != 2*Overlap {
				t.Errorf("it took %d more steps and %v", steps, now.Sub(began))
			}
			authority := parseAll(s[caName][KeyCert])[0]
			for _, w := range wanted {
				if cert := parseAll(s[w.Name][KeyCert])[0]; cert.CheckSignatureFrom(authority) != nil {
					t.Errorf("%s is not of the new authority", w.Name)
				}
			}
		})
	}
}

// The next step is never in the past, or nobody would come back for it.
func TestALeafThatIsMadeAnewLateHoldsTheOldAuthorityUp(t *testing.T) {
	s := store{}
	s.issue(t, start)
	delete(s, caName)
	now := s.issue(t, start.Add(time.Hour)).RenewAt
	s.issue(t, now) // all leafs are of the new authority
	delete(s, wanted[0].Name)
	late := now.Add(Overlap / 2)
	s.issue(t, late)
	next := s.issue(t, now.Add(Overlap)).RenewAt
	if !next.Equal(late.Add(Overlap)) {
		t.Errorf("the next step is at %v, want %v", next, late.Add(Overlap))
	}
	if s.issue(t, next); len(parseAll(s[caName][KeyAuthorities])) != 1 {
		t.Error("the old authority is trusted still")
	}
}

// nextOf goes to the next renewal.
func (s store) nextOf(t *testing.T, now time.Time) time.Time {
	t.Helper()
	at, err := Issue(caName, wanted, s, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(at.Secrets) > 0 {
		t.Fatalf("at %v there is something to write still: %v", now, slices.Collect(maps.Keys(at.Secrets)))
	}
	s.issue(t, at.RenewAt)
	return at.RenewAt
}

// getOn checks that servers and clients get on, whichever has the newer Secrets.
func getOn(t *testing.T, newer, older store, now time.Time) {
	t.Helper()
	for _, server := range []store{newer, older} {
		for _, client := range []store{newer, older} {
			if err := handshake(server["lobby-nats-tls"], client["lobby-operator-tls"], "localhost", now); err != nil {
				t.Errorf("at %v: %v", now, err)
			}
		}
	}
}
