package bench

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// chat21Rate is how many messages a second are said.
	chat21Rate = 200
	// chat21Users is how many take part, all of them in one group, or in pairs.
	chat21Users = 20
)

// BenchmarkChat21 measures what clients of chat21 cost and how long their messages take: to the other user, and to the last of a group's
// members. Times count from when a message was due.
func BenchmarkChat21(b *testing.B) {
	for _, web := range []bool{false, true} {
		name := map[bool]string{false: "tcp", true: "ws"}[web]
		b.Run("Memory/"+name, func(b *testing.B) { measureChat21Memory(b, web, "chat21-"+name+"-KB/user") })
	}
	b.Run("Direct", func(b *testing.B) {
		measureChat21(b, "direct", 1, func(i int) string { return "user-" + strconv.Itoa(i^1) })
	})
	b.Run("Group", func(b *testing.B) { measureChat21(b, "group", chat21Users, func(int) string { return "group-bench" }) })
}

func measureChat21Memory(b *testing.B, web bool, key string) {
	s := startChat21(b)
	size.Connections = openFiles(b, size.Connections)
	leave21(crowdOf21(b, s, web, warmUp, nil))
	before, err := s.memory(b.Context())
	must(b, err)
	clients := crowdOf21(b, s, web, size.Connections, nil)
	after, err := s.memory(b.Context())
	must(b, err)
	defer leave21(clients)
	record(b, ours, key, float64(after-before)/1000/float64(size.Connections))
	b.ReportMetric(0, "ns/op")
}

// measureChat21 measures messages that each reach so many others.
func measureChat21(b *testing.B, kind string, readers int32, to func(i int) string) {
	s := startChat21(b)
	warm, messages := chat21Rate, chat21Rate*(1+size.Seconds)
	journeys := make([]journey, messages)
	base := time.Now()
	var arrived atomic.Int64
	clients := crowdOf21(b, s, true, chat21Users, func(c *chat21Client, payload []byte) {
		own := bytes.Contains(payload, []byte(`"sender":"`+c.user+`"`))
		if kind == "direct" && own {
			return
		}
		_ = marks(payload, func(seq int) {
			j := &journeys[seq]
			if j.heard.Add(1) == readers {
				j.last.Store(int64(time.Since(base)) - j.due.Load())
				arrived.Add(1)
			}
		})
	})
	defer leave21(clients)
	if kind == "group" {
		makeChat21Group(b, s)
	} else { // conversations that have begun
		for i, c := range clients {
			must(b, c.say(to(i), "hello"))
		}
	}
	must(b, pause(b.Context(), time.Second))
	began := time.Now()
	for seq := range journeys {
		due := began.Add(time.Duration(seq) * time.Second / chat21Rate)
		journeys[seq].due.Store(int64(due.Sub(base)))
		must(b, pause(b.Context(), time.Until(due)))
		i := seq % chat21Users
		must(b, clients[i].say(to(i), markedText(seq, size.Text)))
	}
	for deadline := time.Now().Add(startLimit); arrived.Load() < int64(messages); must(b, pause(b.Context(), settleStep/10)) {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d messages arrived", arrived.Load(), messages)
		}
	}
	var times []time.Duration
	total := time.Duration(0)
	for i := range journeys[warm:] {
		took := time.Duration(journeys[warm+i].last.Load())
		times, total = append(times, took), total+took
	}
	slices.Sort(times)
	record(b, ours, "chat21-"+kind+"-mean-ms", total.Seconds()*1000/float64(len(times)))
	record(b, ours, "chat21-"+kind+"-p99-ms", percentile(times, 99).Seconds()*1000)
	b.ReportMetric(0, "ns/op")
}

func makeChat21Group(b *testing.B, s *chat21Server) {
	b.Helper()
	var members []string
	for i := range chat21Users {
		members = append(members, `"user-`+strconv.Itoa(i)+`":1`)
	}
	body := `{"group_id":"group-bench","group_name":"Bench","group_members":{` + strings.Join(members, ",") + `}}`
	q, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+s.web+"/api/tilechat/groups", strings.NewReader(body))
	must(b, err)
	q.Header.Set("Authorization", s.tokenOf("user-0"))
	response, err := fetches.Do(q)
	must(b, err)
	must(b, response.Body.Close())
	if response.StatusCode != http.StatusCreated {
		b.Fatalf("make a group: %s", response.Status)
	}
}
