package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chatfleet/chatfleet/chatnode/load"
)

// loadQuestion is the kind of question by which nodes ask each other for their load document.
const loadQuestion = "load"

// fleetWait bounds how long the fleet page waits for the slowest node.
const fleetWait = 800 * time.Millisecond

func (n *node) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.Handle("GET /readyz", n.whenOpen(http.HandlerFunc(n.ready)))
	mux.Handle("GET /metrics", n.whenOpen(promhttp.HandlerFor(n.registry, promhttp.HandlerOpts{})))
	mux.Handle("GET /load", n.whenOpen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, n.load()) })))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// whenOpen answers with what the node waits for while it starts.
func (n *node) whenOpen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !n.opened.Load() {
			writeText(w, http.StatusServiceUnavailable, fmt.Sprintln(n.missing.Load()))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ready says whether new connections should come here. It stays true while NATS elects a leader.
func (n *node) ready(w http.ResponseWriter, _ *http.Request) {
	switch err := n.messages.Ready(); {
	case n.draining.Load():
		writeText(w, http.StatusServiceUnavailable, "draining\n")
	case err != nil:
		writeText(w, http.StatusServiceUnavailable, err.Error()+"\n")
	default:
		writeText(w, http.StatusOK, "ok\n")
	}
}

// load is this node's load document.
func (n *node) load() load.Document {
	now := time.Now()
	d := load.Document{
		Node: n.o.name, State: load.Ready, Connections: n.connections(), Rooms: n.hub.Rooms(), ShardsOwned: n.messages.Owned(),
		MessagesPerSecond: n.meter.Rate(now, n.messages.Appended()), MemoryBytes: memory(), UptimeSeconds: int64(now.Sub(n.started).Seconds()),
	}
	if n.draining.Load() {
		d.State, d.Draining = load.Draining, d.Connections
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		d.MemoryLimitBytes = uint64(limit)
	}
	return d
}

// memory is what the process holds of the system's memory, in bytes.
func memory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

func (n *node) answerLoad(context.Context, []byte) ([]byte, error) { return json.Marshal(n.load()) }

// fleet gives the load documents of all nodes, for the fleet page.
func (n *node) fleet(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), fleetWait)
	defer cancel()
	nodes := n.messages.Nodes()
	answers := make([]json.RawMessage, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() {
			if raw, err := n.messages.Ask(ctx, node.ID, loadQuestion, nil); err == nil {
				answers[i] = raw
			}
		})
	}
	all.Wait()
	documents := []json.RawMessage{}
	for _, a := range answers {
		if a != nil { // a node that has just died
			documents = append(documents, a)
		}
	}
	writeJSON(w, documents)
}

func writeJSON(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		writeText(w, http.StatusInternalServerError, "cannot encode\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(raw)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}
