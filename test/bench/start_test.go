package bench

import (
	"os"
	"testing"
	"time"
)

const (
	readyStep = 2 * time.Millisecond
	// calm is the time after a start in which a server may finish what it does once.
	calm = 3 * time.Second
)

// BenchmarkIdle measures what a server costs that nobody uses.
func BenchmarkIdle(b *testing.B) {
	each(b, func(b *testing.B, s *server) {
		must(b, pause(b.Context(), calm))
		m, err := startMeter(s.pid)
		must(b, err)
		must(b, pause(b.Context(), 2*size.duration())) // CPU time is counted in steps of 10 ms
		used, passed, err := m.read()
		must(b, err)
		record(b, s.system, "idle-ms/s", float64(used.Milliseconds())/passed.Seconds())
	})
}

// BenchmarkStart measures the time until clients can be served. The peers store nothing: for them a restart is a start.
func BenchmarkStart(b *testing.B) {
	b.Run(ours, func(b *testing.B) {
		node, _ := newChatnode(b)
		for _, key := range []string{"start-ms", "restart-ms"} {
			node.Stop()
			if key == "start-ms" {
				must(b, os.RemoveAll(node.DataDir()))
			}
			began := time.Now()
			node.Start()
			awaitReady(b, node.AdminURL()+"/readyz")
			recordStart(b, ours, key, began)
		}
	})
	for _, system := range systems[1:] {
		b.Run(system.name, func(b *testing.B) {
			system.start(b) // which installs or builds it
			began := time.Now()
			s := system.start(b)
			awaitReady(b, "http://"+s.address+"/")
			recordStart(b, s.system, "start-ms", began)
		})
	}
}

func recordStart(b *testing.B, system, key string, began time.Time) {
	record(b, system, key, float64(time.Since(began).Microseconds())/1000)
	b.ReportMetric(0, "ns/op")
}

func awaitReady(b *testing.B, url string) {
	deadline := time.Now().Add(startLimit)
	for {
		err := fetch(b.Context(), url)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
		must(b, pause(b.Context(), readyStep))
	}
}
