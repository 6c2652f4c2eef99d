package chat

import (
	"fmt"
	"testing"
)

func TestAnApplicationCannotUseUpTheRevocationsOfOthers(t *testing.T) {
	var r revocations
	r.init()
	r.ofApp, r.ofAll = 100, 500
	r.reading()
	r.replace(map[string]record[revokedRecord]{})
	put := func(app string, user int) string {
		key := personKey(app, fmt.Sprint("user", user))
		r.set(key, record[revokedRecord]{revokedRecord{Banned: true}, 1})
		return key
	}
	for i := range r.ofApp {
		put("big", i)
	}
	expect(t, Limit, r.roomFor(personKey("big", "new")))
	for _, app := range []string{"small", "bi", "bigger", ""} {
		if err := r.roomFor(personKey(app, "new")); err != nil {
			t.Errorf("%q: %v", app, err)
		}
	}
	one := put("big", 0) // again, and away
	r.set(one, record[revokedRecord]{})
	r.set(one, record[revokedRecord]{})
	if err := r.roomFor(personKey("big", "new")); err != nil {
		t.Errorf("after one has gone: %v", err)
	}
	r.reading()
	rows := map[string]record[revokedRecord]{}
	for app := range r.ofAll / r.ofApp {
		for i := range r.ofApp {
			rows[personKey(fmt.Sprint("app", app), fmt.Sprint(i))] = record[revokedRecord]{revokedRecord{Banned: true}, 1}
		}
	}
	r.replace(rows)
	expect(t, Limit, r.roomFor(personKey("small", "new")))
	if len(r.apps) != r.ofAll/r.ofApp || r.apps[appOf(personKey("app1", ""))] != r.ofApp {
		t.Errorf("counted are %v", r.apps)
	}
}
