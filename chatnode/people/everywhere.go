package people

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

const (
	// devicesQuestion asks a node which devices of users are connected to it.
	devicesQuestion = "devices"
	// devicesWait is how long a node may take to answer that; one that is so slow counts as one without the users.
	devicesWait = 500 * time.Millisecond
)

// Nodes is what Everywhere needs of the backbone.
type Nodes interface {
	NodeID() string
	Nodes() []backbone.Node
	Ask(ctx context.Context, node, kind string, data []byte) ([]byte, error)
	Answer(kind string, answer func(ctx context.Context, data []byte) ([]byte, error)) error
}

// Devices tells which of the users of an application are connected to this node: for each, the name of every connection's device, which may
// be empty.
type Devices func(app string, users []string) map[string][]string

// Everywhere tells which users are connected to any node, by whichever protocol. Its methods are safe for concurrent use.
type Everywhere struct {
	nodes   Nodes
	unasked prometheus.Counter

	mu   sync.Mutex
	here []Devices
}

// NewEverywhere gives one that answers the questions of other nodes. r takes its metric; nil: it is not registered.
func NewEverywhere(nodes Nodes, r prometheus.Registerer) (*Everywhere, error) {
	e := &Everywhere{nodes: nodes, unasked: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "chatnode_presence_unanswered_questions_total", Help: "Questions about connected users that another node did not answer in time.",
	})}
	if r != nil {
		r.MustRegister(e.unasked)
	}
	return e, nodes.Answer(devicesQuestion, e.answer)
}

// Add has the users of a gateway told, too.
func (e *Everywhere) Add(here Devices) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.here = append(e.here, here)
}

// question names users of one application. The answer is an object with the names of the devices of each who is there.
type question struct {
	App   string   `json:"app"`
	Users []string `json:"users"`
}

// Devices tells which of the users are connected to any living node: for each, the name of every connection's device. Nodes that don't
// answer in time are left out.
func (e *Everywhere) Devices(ctx context.Context, app string, users []string) (map[string][]string, error) {
	asked, err := json.Marshal(question{app, users})
	if err != nil {
		return nil, fmt.Errorf("ask for devices: %w", err)
	}
	all := e.onThisNode(app, users)
	ctx, cancel := context.WithTimeout(ctx, devicesWait)
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, node := range e.nodes.Nodes() {
		if node.ID == e.nodes.NodeID() {
			continue
		}
		asking.Go(func() {
			var there map[string][]string
			answer, err := e.nodes.Ask(ctx, node.ID, devicesQuestion, asked)
			if err != nil || json.Unmarshal(answer, &there) != nil {
				e.unasked.Inc()
				return
			}
			mu.Lock()
			defer mu.Unlock()
			merge(all, there)
		})
	}
	asking.Wait()
	return all, nil
}

func (e *Everywhere) onThisNode(app string, users []string) map[string][]string {
	e.mu.Lock()
	here := e.here
	e.mu.Unlock()
	all := map[string][]string{}
	for _, devices := range here {
		merge(all, devices(app, users))
	}
	return all
}

func merge(into, more map[string][]string) {
	for user, devices := range more {
		into[user] = append(into[user], devices...)
	}
}

// answer answers another node's question.
func (e *Everywhere) answer(_ context.Context, asked []byte) ([]byte, error) {
	var q question
	if err := json.Unmarshal(asked, &q); err != nil {
		return nil, fmt.Errorf("read a question about devices: %w", err)
	}
	return json.Marshal(e.onThisNode(q.App, q.Users))
}
