package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// backends is how many send at the same time.
const backends = 4

// BenchmarkComet measures what CppComet is used for: a backend's INSERT to everybody who listens to a pipe.
func BenchmarkComet(b *testing.B) {
	b.Run("waiting", measureCometWaiting)
	b.Run("steady", measureCometSteady)
}

// startComet starts a node for browsers of CppComet, and gives backends that have signed in.
func startComet(b *testing.B) (s *server, all []*backend, adminURL string) {
	b.Helper()
	const password = "a password of the bench"
	file := filepath.Join(b.TempDir(), "password")
	must(b, os.WriteFile(file, []byte(password), 0o600))
	browsers, sql := "127.0.0.1:"+strconv.Itoa(process.ReservePort(b)), "127.0.0.1:"+strconv.Itoa(process.ReservePort(b))
	node := process.StartChatnode(b, process.ChatnodeOptions{Flags: []string{
		"--dev", "--comet-listen", browsers, "--comet-sql-listen", sql, "--comet-password-file", file,
	}})
	s = &server{system: ours, address: browsers, pid: node.PID(), dialect: comet{}, collectURL: node.AdminURL() + "/debug/pprof/heap?gc=1"}
	all = make([]*backend, backends)
	for i := range all {
		var err error
		all[i], err = dialBackend(b.Context(), sql, password)
		must(b, err)
		b.Cleanup(func() { _ = all[i].conn.Close() })
	}
	return s, all, node.AdminURL()
}

// insert publishes message number seq.
func (b *backend) insert(seq int) error {
	return b.query(fmt.Sprintf("INSERT INTO pipes_messages (name, event, message) VALUES ('%s', 'ev', '%s')", theRoom, markedText(seq, size.Text)))
}

// measureCometWaiting has backends send as fast as their messages reach a browser.
func measureCometWaiting(b *testing.B) {
	s, all, _ := startComet(b)
	var room [backends]chan struct{}
	for i := range room {
		room[i] = make(chan struct{}, ahead)
	}
	members := gather(b, s, size.Members, func(i int) plan {
		p := plan{room: theRoom, buffer: busyBuffer}
		if i < backends {
			p.heard = func(_ *member, seq int) {
				if seq%backends == i {
					<-room[i]
				}
			}
		}
		return p
	})
	m, err := startMeter(s.pid)
	must(b, err)
	began := time.Now()
	counts, errs := make([]int, backends), make([]error, backends)
	var sending sync.WaitGroup
	for i, backend := range all {
		sending.Go(func() {
			for seq := i; time.Since(began) < size.duration() && errs[i] == nil; seq += backends {
				select {
				case room[i] <- struct{}{}:
				case <-members[i].ended:
					errs[i] = members[i].err
					return
				}
				counts[i]++
				errs[i] = backend.insert(seq)
			}
		})
	}
	sending.Wait()
	sent := 0
	for i := range all {
		must(b, errs[i])
		sent += counts[i]
	}
	must(b, members.hear(b.Context(), sent))
	deliveries := int64(sent * len(members))
	record(b, s.system, "comet-deliveries/s", float64(deliveries)/time.Since(began).Seconds())
	record(b, s.system, "comet-µs/delivery", perUnit(b, m, deliveries))
	b.ReportMetric(0, "ns/op")
}

// measureCometSteady has one backend send one message at a time, and measures how long it waits for the acknowledgement.
//
// The connections of the members and of the backend are served by one process here, beside the node on the same cores; so the node's own time
// is measured, too: from the statement until its answer is written.
func measureCometSteady(b *testing.B) {
	const metric = "chatnode_comet_answer_duration_seconds"
	s, all, adminURL := startComet(b)
	members := gather(b, s, size.Members, func(int) plan { return plan{room: theRoom, buffer: busyBuffer} })
	messages := steadyRate * size.Seconds
	took := make([]time.Duration, messages)
	before, err := readHistogram(b.Context(), adminURL, metric)
	must(b, err)
	began := time.Now()
	for seq := range messages {
		must(b, pause(b.Context(), time.Until(began.Add(time.Duration(seq)*time.Second/steadyRate))))
		sent := time.Now()
		must(b, all[0].insert(seq))
		took[seq] = time.Since(sent)
	}
	must(b, members.hear(b.Context(), messages))
	after, err := readHistogram(b.Context(), adminURL, metric)
	must(b, err)
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		record(b, s.system, fmt.Sprintf("comet-ack-p%d-ms", percent), percentile(took, percent).Seconds()*1000)
		record(b, s.system, fmt.Sprintf("comet-answer-p%d-ms", percent), after.since(before).percentile(float64(percent))*1000)
	}
	b.ReportMetric(0, "ns/op")
}

func TestCometIsSpokenAsItsServerUnderstandsIt(t *testing.T) {
	if !strings.HasSuffix(string(comet{}.join(joinID, theRoom)), "\nm2\n1") {
		t.Error("a member does not ask for what tells that it has joined")
	}
	ids := []int{}
	if err := (comet{}).answers([]byte(`{"data":"","marker":"m2","pipe":"_answer"}`), func(id int) { ids = append(ids, id) }); err != nil || !slices.Equal(ids, []int{joinID}) {
		t.Errorf("the answer has the ids %v, %v", ids, err)
	}
}
