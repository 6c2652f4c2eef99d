package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// shown is what a device reads of an event.
type shown struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Room   string `json:"room"`
	Read   uint64 `json:"read"`
	Target uint64 `json:"target"`
	User   string `json:"user"`
	Role   string `json:"role"`
	Status string `json:"status"`
	Title  string `json:"title"`
	Remove bool   `json:"remove"`
}

// key is by what the change that an event shows is waited for.
func (e *shown) key() string {
	switch e.Type {
	case "mark":
		return "mark " + e.Room
	case "member":
		return "member " + e.User + e.Role
	case "room":
		return e.Title
	case "status":
		return "status " + e.Status
	case "block":
		return fmt.Sprint("block ", e.Remove)
	default:
		return e.ID
	}
}

// expect notes that a change is called now.
func (o *owner) expect(key, kind string) {
	o.mu.Lock()
	o.waiting[key] = change{kind: kind, at: time.Now()}
	o.mu.Unlock()
}

// heardFirst is told what comes to the first device.
func (o *owner) heardFirst(channel string, p *protocol.Publication) {
	var e shown
	if json.Unmarshal(p.Data, &e) != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case e.Type == "message":
		o.newest[channel] = p.Offset
	case e.Type == "delete" && e.Target == o.newest[channel]:
		o.newest[channel] = 0
	}
}

// heardThen is told what comes to the second.
func (o *owner) heardThen(_ string, p *protocol.Publication) {
	now := time.Now()
	var e shown
	if json.Unmarshal(p.Data, &e) != nil {
		return
	}
	key := e.key()
	o.mu.Lock()
	if c, ok := o.waiting[key]; ok && e.Read >= c.read {
		delete(o.waiting, key)
		o.times[c.kind] = append(o.times[c.kind], now.Sub(c.at))
	}
	o.mu.Unlock()
}

// settled returns when every change is on the second device.
func (o *owner) settled(ctx context.Context) error {
	for {
		o.mu.Lock()
		left := len(o.waiting)
		var one string
		for key := range o.waiting {
			one = key
		}
		o.mu.Unlock()
		if left == 0 {
			return nil
		}
		if err := pause(ctx, hearStep); err != nil {
			return fmt.Errorf("%d changes of %s never came to the other device, such as %q: %w", left, o.name, one, err)
		}
	}
}
