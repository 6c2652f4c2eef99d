package comet

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

const (
	// usersQuestion asks a node which users are connected to it.
	usersQuestion = "comet-users"
	// usersWait is how long a node may take to answer that; one that is so slow counts as one without the users.
	usersWait = 500 * time.Millisecond
)

// userQuestion names users of one application. The answer counts the connections of each who is there.
type userQuestion struct {
	App   string   `json:"app"`
	Users []string `json:"users"`
	// Told leaves those out of whose coming the other node has yet to tell: of those who come to several nodes at once more than one may
	// tell, but one does.
	Told bool `json:"told,omitempty"`
}

// Devices implements people.Devices. Devices of browsers have no names.
func (g *Gateway) Devices(app string, users []string) map[string][]string {
	found := map[string][]string{}
	for _, user := range users {
		if n := g.here(app, user); n > 0 {
			found[user] = make([]string, n)
		}
	}
	return found
}

// elsewhere counts the connections of users to other nodes. Nodes that don't answer in time are left out.
func (g *Gateway) elsewhere(ctx context.Context, q userQuestion) (map[string]int, error) {
	question, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("ask for users: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, usersWait)
	defer cancel()
	all := map[string]int{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, node := range g.options.Log.Nodes() {
		if node.ID == g.options.Log.NodeID() {
			continue
		}
		asking.Go(func() {
			var there map[string]int
			answer, err := g.options.Log.Ask(ctx, node.ID, usersQuestion, question)
			if err != nil || json.Unmarshal(answer, &there) != nil {
				g.metrics.unasked.Inc()
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for user, n := range there {
				all[user] += n
			}
		})
	}
	asking.Wait()
	return all, nil
}

// answerUsers answers another node's question.
func (g *Gateway) answerUsers(_ context.Context, question []byte) ([]byte, error) {
	var q userQuestion
	if err := json.Unmarshal(question, &q); err != nil {
		return nil, fmt.Errorf("read a question about users: %w", err)
	}
	found := map[string]int{}
	for _, user := range q.Users {
		_, coming := g.coming.Load(people.Person{App: q.App, User: user})
		if n := g.here(q.App, user); n > 0 && !(q.Told && coming) {
			found[user] = n
		}
	}
	return json.Marshal(found)
}

// status is that a user has come to this node, or left it.
type status struct {
	people.Person
	online bool
}

// maxStatuses is how many of them wait to be told; more are dropped.
const maxStatuses = 4096

// tellStatus has the pipe of the user told that the user came or went, if that is so anywhere in the fleet. It does not block.
func (g *Gateway) tellStatus(s status) {
	select {
	case g.statuses <- s:
	default:
		g.coming.Delete(s.Person)
		g.metrics.dropped.WithLabelValues("status").Inc()
	}
}

// tellStatuses does so until ctx ends.
func (g *Gateway) tellStatuses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-g.statuses:
			g.tellIfSo(ctx, s)
		}
	}
}

// tellIfSo tells of a status, unless that has changed since.
func (g *Gateway) tellIfSo(ctx context.Context, s status) {
	counts, err := g.elsewhere(ctx, userQuestion{App: s.App, Users: []string{s.User}, Told: s.online})
	if s.online {
		g.coming.Delete(s.Person)
	}
	here := g.here(s.App, s.User) > 0
	if err != nil || counts[s.User] > 0 || here != s.online {
		return
	}
	word := "offline"
	if s.online {
		word = "online"
	}
	feed := backbone.Feed{Kind: layout.Room, App: s.App, Name: roomPrefix + "user_status_" + s.User}
	_ = g.options.Hub.Signal(feed, marshal(statusSignal{word, newID()})) // it may be lost
}
