package interwork

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/chatfleet/chatfleet/chatnode/load"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

// Each of them has a node of its own, which ends.
var draining = capability{
	name: "a draining node",
	native: can(func(s *stage) {
		s = s.elsewhere()
		end := make(chan error, 1)
		c := s.native(s.ctx, s.ann, client.Options{OnDisconnect: func(err error) { end <- err }})
		s.Stop()
		s.closedWith(end, "3001")
		<-c.Done()
	}),
	heimdallr: can(func(s *stage) {
		s = s.elsewhere()
		p := s.page(s.room)
		p.say(said("page", 0))
		s.Stop()
		s.closedWith(p.end, "3001")
		p.texts.await(s.t, "a notice", func(text string) bool { return strings.HasPrefix(text, `{"protocol":"heimdallr"`) })
	}),
	pull: can(func(s *stage) {
		s = s.onNATS()
		keeping := &http.Client{Transport: &http.Transport{}}
		s.t.Cleanup(keeping.CloseIdleConnections)
		s.must(s.ping(s.ctx, keeping, false))
		self, err := os.FindProcess(s.PID())
		s.must(err)
		s.must(self.Signal(syscall.SIGTERM))
		s.eventually("an answer that ends its connection", func(ctx context.Context) error { return s.ping(ctx, keeping, true) })
		s.Kill()
	}),
	push: can(func(s *stage) {
		s = s.elsewhere()
		bob := s.chattpUser(s.bob)
		_, err := bob.poll(s.ctx)
		s.must(err)
		answered := make(chan error, 1)
		go func() {
			_, err := bob.poll(s.ctx)
			answered <- err
		}()
		s.wantMetric("chatnode_push_waiting_polls")
		s.Stop()
		s.closedWith(answered, "304")
	}),
	comet: can(func(s *stage) {
		s = s.elsewhere()
		b := s.browser(s.ann)
		s.Stop()
		s.closedWith(b.end, "1006")
	}),
	chat21: can(func(s *stage) {
		s = s.elsewhere()
		u := s.mqtt(s.ann)
		s.Stop()
		s.closedWith(u.end, "close")
	}),
}

// elsewhere is the stage on a node of its own, which drains at once since there is no other.
func (s *stage) elsewhere() *stage {
	s.t.Helper()
	return start(s.t).on(s.t)
}

// onNATS is the stage on a node of its own, which drains for a long time.
func (s *stage) onNATS() *stage {
	s.t.Helper()
	return startOn(s.t, process.StartNATS(s.t, 1).URL(), "--drain-period=5m").on(s.t)
}

// ping asks distributed-chat's port whether it is there, and whether the answer ends the connection.
func (s *stage) ping(ctx context.Context, by *http.Client, end bool) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.node.pull+"/ping", nil)
	if err != nil {
		return err
	}
	a, err := by.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	if body, err := io.ReadAll(a.Body); err != nil || string(body) != `{"message":"pong"}` || a.Close != end {
		return fmt.Errorf("%q, %w, and the connection ends: %v", body, err, a.Close)
	}
	return nil
}

// Nodes count for their operators; what else they count in the tests goes on meanwhile.
var numbers = capability{
	name: "numbers of users for operators",
	native: can(func(s *stage) {
		s.person(s.ann)
		s.wantMetric(`chatnode_centrifuge_sessions`)
		s.wantLoad()
	}),
	heimdallr: can(func(s *stage) {
		s.page(s.room)
		s.wantMetric("chatnode_heimdallr_sessions")
		s.wantCount(1)
	}),
	pull: can(func(s *stage) {
		s.must(s.pullSend(s.room, s.ann)(s.ctx, said("ann", 0)))
		s.wantMetric("chatnode_pull_requests_total")
	}),
	push: can(func(s *stage) {
		s.chattpUser(s.bob).polling()
		s.wantMetric("chatnode_push_waiting_polls")
	}),
	comet: can(func(s *stage) {
		s.browser(s.ann, s.room)
		s.wantMetric("chatnode_comet_sessions")
		s.wantRows("select users from pipes where name = '"+s.room+"'", "1")
		rows, err := s.rows(s.ctx, "show global status")
		s.must(err)
		if !slices.Contains(rows, "flag\tglobal") {
			s.t.Errorf("the status is %q", rows)
		}
	}),
	chat21: can(func(s *stage) {
		s.mqtt(s.ann)
		s.wantMetric("chatnode_mqtt_sessions")
		s.wantLoad()
	}),
}

// wantMetric waits until a metric, summed over its labels, is one at least.
func (s *stage) wantMetric(name string) {
	s.t.Helper()
	s.eventually(name, func(ctx context.Context) error {
		page, _, err := request(ctx, http.MethodGet, s.AdminURL()+"/metrics", nil)
		sum := 0.0
		for line := range strings.Lines(page) {
			series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			if family, _, _ := strings.Cut(series, "{"); family == name {
				number, err := strconv.ParseFloat(value, 64)
				s.must(err)
				sum += number
			}
		}
		if err == nil && sum < 1 {
			err = fmt.Errorf("%s is %v", name, sum)
		}
		return err
	})
}

// wantLoad waits until the load document counts a connection.
func (s *stage) wantLoad() {
	s.t.Helper()
	s.eventually("the load", func(ctx context.Context) error {
		body, _, err := request(ctx, http.MethodGet, s.AdminURL()+"/load", nil)
		if err != nil {
			return err
		}
		var document load.Document
		if err := json.Unmarshal([]byte(body), &document); err != nil || document.Connections < 1 {
			return fmt.Errorf("%s (%w)", body, err)
		}
		return nil
	})
}
