package centrifuge

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

const (
	// devicesQuestion asks a node which devices of users are connected to it.
	devicesQuestion = "devices"
	// devicesWait is how long a node may take to answer that; one that is so slow counts as one without the users.
	devicesWait = 500 * time.Millisecond
	// maxDeviceName is the length in bytes up to which a device's name is kept.
	maxDeviceName = 32
)

// presenceQuestion names users of one application. The answer is an object with the names of the devices of each who is there.
type presenceQuestion struct {
	App   string   `json:"app"`
	Users []string `json:"users"`
}

// Devices tells which of the users are connected to any living node: for each, the name of every connection's device, which is that
// of the connect command and may be empty. Nodes that don't answer in time are left out.
func (g *Gateway) Devices(ctx context.Context, app string, users []string) (map[string][]string, error) {
	question, err := json.Marshal(presenceQuestion{app, users})
	if err != nil {
		return nil, fmt.Errorf("ask for devices: %w", err)
	}
	all := g.devicesHere(app, users)
	ctx, cancel := context.WithTimeout(ctx, devicesWait)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, node := range g.options.Log.Nodes() {
		if node.ID == g.node {
			continue
		}
		asking.Go(func() {
			var there map[string][]string
			answer, err := g.options.Log.Ask(ctx, node.ID, devicesQuestion, question)
			if err != nil || json.Unmarshal(answer, &there) != nil {
				g.metrics.unasked.Inc()
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for user, devices := range there {
				all[user] = append(all[user], devices...)
			}
		})
	}
	asking.Wait()
	return all, nil
}

// devicesHere is Devices for this node.
func (g *Gateway) devicesHere(app string, users []string) map[string][]string {
	found := map[string][]string{}
	for _, user := range users {
		for _, s := range g.people.of(person{app, user}) {
			found[user] = append(found[user], s.device)
		}
	}
	return found
}

// answerDevices answers another node's question.
func (g *Gateway) answerDevices(_ context.Context, question []byte) ([]byte, error) {
	var q presenceQuestion
	if err := json.Unmarshal(question, &q); err != nil {
		return nil, fmt.Errorf("read a question about devices: %w", err)
	}
	return json.Marshal(g.devicesHere(q.App, q.Users))
}

// deviceName is what is kept of the name that a client gave itself.
func deviceName(name string) string {
	if len(name) > maxDeviceName {
		return ""
	}
	return name
}
