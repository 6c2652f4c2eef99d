package backbone

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/rollout"
	"github.com/chatfleet/chatfleet/test/process"
)

// A server whose volume is lost comes back empty and under another name. Its replicas are made anew there, and the old name counts nowhere
// any more: after that, the loss of another server costs nothing again.
func TestAServerWhoseVolumeIsLostIsReplaced(t *testing.T) {
	servers := startSecured(t, 3, "")
	p := newPool(t)
	tg := target(servers.URLs(), 3)
	tg.TLS, tg.System = servers.tls(operatorSecret), servers.tls(systemSecret)
	await(t, p, tg, "all streams", fine)

	lost := servers.Server(1)
	name := lost.Name()
	lost.Kill()
	r := await(t, p, tg, "a replica to be missed", func(r Report) bool { return r.Reason == v1alpha1.ReasonReplicasLag && len(r.Lagging) == r.Wanted })
	if r := p.Ensure(t.Context(), tg); len(r.Changed) > 0 {
		t.Fatalf("while it may come back, it is given up: %v, before that %+v", r.Changed, r)
	}
	servers.Wipe(1, "nats-2-012345")
	lost.Start()
	var told []string
	r = await(t, p, tg, "all replicas", func(r Report) bool {
		told = append(told, r.Changed...)
		return fine(r)
	})
	if r.Servers != 3 || len(told) != 1 || !strings.Contains(told[0], name) {
		t.Errorf("got %+v after %q", r, told)
	}
	awaitGate(t, p, tg, servers, "an open gate", func(g rollout.Gate) bool { return g.Healthy })
	leader := servers.MetaLeader()
	if got := metaID(t, leader); got != idOf(leader.Name()) {
		t.Errorf("%s has the id %s, not %s", leader.Name(), got, idOf(leader.Name()))
	}

	servers.Server(2).Kill()
	await(t, p, tg, "all streams to be led", func(r Report) bool {
		return r.Servers == 2 && !strings.Contains(strings.Join(r.Lagging, "\n"), ": no ")
	})
}

// metaID is the id that the leader of the meta group has in it.
func metaID(t *testing.T, leader *process.NATS) string {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	response, err := http.Get(leader.AdminURL() + "/jsz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Meta struct {
			Peer string `json:"peer"`
		} `json:"meta_cluster"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Meta.Peer
}

func TestOnlyWhomNobodyMissesIsLost(t *testing.T) {
	here := func(name string) metaPeer {
		return metaPeer{PeerInfo: jetstream.PeerInfo{Name: name, Current: true, Active: time.Second}, ID: idOf(name)}
	}
	away := func(name string) metaPeer {
		return metaPeer{PeerInfo: jetstream.PeerInfo{Name: name, Offline: true, Active: time.Minute}, ID: idOf(name)}
	}
	nameless := away("n-1-b")
	nameless.Name = "Server name unknown at this time"
	tests := []struct {
		name    string
		answers []string // of whom; the first leads
		others  []metaPeer
		lost    string // its id is that of this name
	}{
		{"all are here", []string{"n-0-a", "n-1-b", "n-2-c"}, []metaPeer{here("n-1-b"), here("n-2-c")}, ""},
		{"one is away", []string{"n-0-a", "n-2-c"}, []metaPeer{away("n-1-b"), here("n-2-c")}, ""},
		{"one has come back and is not seen yet", []string{"n-0-a", "n-1-b", "n-2-c"}, []metaPeer{away("n-1-b"), here("n-2-c")}, ""},
		{"one has come back anew, and not joined yet", []string{"n-0-a", "n-1-x", "n-2-c"}, []metaPeer{away("n-1-b"), here("n-2-c")}, ""},
		{"one has come back anew", []string{"n-0-a", "n-1-x", "n-2-c"}, []metaPeer{away("n-1-b"), here("n-1-x"), here("n-2-c")}, "n-1-b"},
		{"one has come back anew, and its name is forgotten", []string{"n-0-a", "n-1-x", "n-2-c"}, []metaPeer{nameless, here("n-1-x"), here("n-2-c")}, "n-1-b"},
		{"one has come back anew, and another one is away", []string{"n-0-a", "n-1-x"}, []metaPeer{away("n-1-b"), here("n-1-x"), away("n-2-c")}, ""},
		{"an extra one that is here", []string{"n-0-a", "n-1-b", "n-2-c"}, []metaPeer{here("n-1-b"), here("n-2-c"), here("n-3-d")}, ""},
		{"the leader knows no name", []string{"n-0-a", "n-1-b", "n-2-x"}, []metaPeer{nameless, here("n-2-x"), here("n-2-c")}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var answers []jszAnswer
			for i, name := range test.answers {
				var a jszAnswer
				a.Server.Name, a.Data.Meta.Leader = name, test.answers[0]
				if i == 0 {
					a.Data.Meta.Replicas = test.others
				}
				answers = append(answers, a)
			}
			got, is := lost(answers, 3)
			if is != (test.lost != "") || is && got.ID != idOf(test.lost) {
				t.Errorf("lost is %v %+v, want %q", is, got, test.lost)
			}
		})
	}
}
