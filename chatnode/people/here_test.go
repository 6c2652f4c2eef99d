package people

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

type session struct {
	name    string
	sibling *session
}

func (s *session) Sibling() **session { return &s.sibling }

var ann, bob = Person{"shop", "ann"}, Person{"shop", "bob"}

// names are those of sessions, in order.
func names(sessions []*session) string {
	var all []string
	for _, s := range sessions {
		all = append(all, s.name)
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

func TestSessionsAreFoundByTheirUsersUntilTheyGo(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		var h Here[*session]
		anns := []*session{{name: "a"}, {name: "b"}, {name: "c"}}
		for i, s := range anns {
			h.Reserve("shop", 0)
			if others := h.Add(ann, s); len(others) != i {
				t.Errorf("%s came to %s", s.name, names(others))
			}
		}
		h.Reserve("shop", 0)
		h.Add(bob, &session{name: "d"})
		if all, of := names(h.All()), names(h.Of(ann)); all != "[a b c d]" || of != "[a b c]" {
			t.Errorf("%s are here, %s ann's", all, of)
		}
		for left, i := range order {
			if last := h.Remove(ann, anns[i]); last != (left == 2) {
				t.Errorf("order %v: the %dth to go is the last: %v", order, left, last)
			}
			if slices.Contains(h.Of(ann), anns[i]) || len(h.Of(ann)) != 2-left {
				t.Errorf("order %v: %s are left", order, names(h.Of(ann)))
			}
		}
		if all := names(h.All()); all != "[d]" || h.Reserved("shop") != 1 {
			t.Errorf("%s are left with %d places", all, h.Reserved("shop"))
		}
	}
}

func TestWhoHasNoNameTakesAPlaceOnly(t *testing.T) {
	var h Here[*session]
	s := &session{}
	h.Reserve("shop", 0)
	h.Add(Person{App: "shop"}, s)
	if len(h.All()) > 0 || h.Reserved("shop") != 1 {
		t.Errorf("%d are here, with %d places", len(h.All()), h.Reserved("shop"))
	}
	if h.Remove(Person{App: "shop"}, s) || h.Reserved("shop") != 0 {
		t.Error("nobody was the last of a user, or the place is still taken")
	}
}

func TestAnApplicationHasNoMorePlacesThanItMay(t *testing.T) {
	var h Here[*session]
	var took sync.WaitGroup
	taken := make(chan bool, 100)
	for range 100 {
		took.Go(func() { taken <- h.Reserve("shop", 10) })
	}
	took.Wait()
	close(taken)
	got := 0
	for ok := range taken {
		if ok {
			got++
		}
	}
	if got != 10 || h.Reserved("shop") != 10 || !h.Reserve("other", 10) {
		t.Errorf("%d of 100 got a place, %d are taken", got, h.Reserved("shop"))
	}
	h.Release("shop")
	if !h.Reserve("shop", 10) || h.Reserve("shop", 10) {
		t.Error("a place that was given back can't be taken once")
	}
}
