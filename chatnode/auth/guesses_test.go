package auth

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// guessClock stands still until it is moved.
type guessClock struct{ now time.Time }

func (c *guessClock) read() time.Time { return c.now }

func (c *guessClock) pass(d time.Duration) { c.now = c.now.Add(d) }

func newGuesses(o GuessOptions) (*Guesses, *guessClock) {
	clock := &guessClock{testNow}
	o.Clock = clock.read
	return NewGuesses(o), clock
}

func guess(from, account string) Guess {
	return Guess{From: netip.MustParseAddr(from), App: "shop", Account: account}
}

// wrong guesses until it has to wait, at most most times.
func wrong(g *Guesses, one Guess, most int) (judged int) {
	for judged < most && g.Wait(one) == 0 {
		g.Wrong(one)
		judged++
	}
	return judged
}

func TestAnAddressHasTenGuessesAMinuteForAnAccount(t *testing.T) {
	g, clock := newGuesses(GuessOptions{})
	ann := guess("192.0.2.1", "ann")
	if n := wrong(g, ann, 100); n != 10 {
		t.Fatalf("%d were judged at once", n)
	}
	if wait := g.Wait(ann); wait != 6*time.Second {
		t.Errorf("the next may be made after %v", wait)
	}
	clock.pass(30 * time.Second)
	if n := wrong(g, ann, 100); n != 5 {
		t.Errorf("%d were judged half a minute later", n)
	}
	clock.pass(time.Hour)
	if n := wrong(g, ann, 100); n != 10 {
		t.Errorf("%d were judged an hour later", n)
	}
}

func TestGuessesOfOneHinderNobodyElse(t *testing.T) {
	g, _ := newGuesses(GuessOptions{})
	wrong(g, guess("192.0.2.1", "ann"), 100)
	other := guess("192.0.2.1", "ann")
	other.App = "bank"
	for name, one := range map[string]Guess{
		"the account's owner, elsewhere": guess("192.0.2.2", "ann"),
		"another account":                guess("192.0.2.1", "bob"),
		"another app":                    other,
	} {
		if wait := g.Wait(one); wait != 0 {
			t.Errorf("%s waits for %v", name, wait)
		}
	}
}

func TestAnAddressHasAHundredGuessesForAllAccounts(t *testing.T) {
	g, _ := newGuesses(GuessOptions{})
	judged := 0
	for i := range 200 {
		judged += wrong(g, guess("192.0.2.1", fmt.Sprint(i)), 1)
	}
	if judged != 100 {
		t.Errorf("%d were judged", judged)
	}
	if g.Wait(guess("192.0.2.2", "7")) != 0 {
		t.Error("another address waits")
	}
}

func TestNeighboursInOneIPv6NetworkAreOneAddress(t *testing.T) {
	g, _ := newGuesses(GuessOptions{})
	wrong(g, guess("2001:db8::1", "ann"), 100)
	wrong(g, guess("::ffff:192.0.2.1", "ann"), 100)
	for from, waits := range map[string]bool{"2001:db8::ffff:1%eth0": true, "2001:db8:0:1::1": false, "192.0.2.1": true} {
		if got := g.Wait(guess(from, "ann")) > 0; got != waits {
			t.Errorf("%s waits: %v", from, got)
		}
	}
}

func TestGuessesMadeAtOnceAreAllCounted(t *testing.T) {
	g, _ := newGuesses(GuessOptions{})
	ann := guess("192.0.2.1", "ann")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { g.Wrong(ann) })
	}
	all.Wait()
	if wait, want := g.Wait(ann), 41*6*time.Second; wait.Round(time.Millisecond) != want {
		t.Errorf("the next may be made after %v, want %v", wait, want)
	}
}

func TestGuessesAreForgottenBeyondWhatIsRemembered(t *testing.T) {
	const most = 100
	g, clock := newGuesses(GuessOptions{Remembered: most, PerAddress: 1_000_000})
	for i := range 10 * most {
		g.Wrong(guess(fmt.Sprintf("192.0.%d.1", i%250), fmt.Sprint(i)))
		if len(g.accounts.by) > most || len(g.addresses.by) > most {
			t.Fatalf("%d accounts, %d addresses after %d guesses", len(g.accounts.by), len(g.addresses.by), i+1)
		}
	}
	ann := guess("192.0.2.1", "ann")
	clock.pass(time.Hour)
	wrong(g, ann, 100)
	for i := range most - 1 {
		g.Wrong(guess("192.0.3.1", fmt.Sprint(i)))
	}
	if g.Wait(ann) == 0 {
		t.Error("one that guesses was forgotten although others had rested")
	}
}
