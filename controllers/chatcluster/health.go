package chatcluster

import (
	"context"
	"math/rand/v2"
	"reflect"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chatfleet/chatfleet/controllers/backbone"
)

const (
	// healthInterval lies between two looks at a backbone that is well.
	healthInterval = 15 * time.Second
	// firstRetry and lastRetry bound the time between two looks at one that isn't.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
	// looks bounds how many backbones are looked at at a time.
	looks = 64
)

// health looks after the backbones, apart from reconciling: one that doesn't answer keeps no other ChatCluster waiting.
type health struct {
	ensure  func(context.Context, backbone.Target) backbone.Report
	changed func(types.NamespacedName)
	slots   *semaphore.Weighted
	base    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mutex   sync.Mutex
	patient map[types.NamespacedName]*patient
}

// patient is one backbone.
type patient struct {
	target backbone.Target
	end    context.CancelFunc
	kick   chan struct{}
	report *backbone.Report
	// made lists what looks have made or changed, until somebody takes it.
	made []string
}

func newHealth(ensure func(context.Context, backbone.Target) backbone.Report, changed func(types.NamespacedName)) *health {
	base, end := context.WithCancel(context.Background())
	return &health{ensure: ensure, changed: changed, slots: semaphore.NewWeighted(looks), base: base, end: end,
		patient: map[types.NamespacedName]*patient{}}
}

// Start waits for the context to end, and then for all looks.
func (h *health) Start(ctx context.Context) error {
	<-ctx.Done()
	h.mutex.Lock()
	h.end()
	h.mutex.Unlock()
	h.running.Wait()
	return nil
}

// watch has the backbone made what it should be, and looked at from now on. The report of one with other settings is dropped only when there
// is a newer.
func (h *health) watch(key types.NamespacedName, target backbone.Target) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	old := h.patient[key]
	if h.base.Err() != nil || old != nil && reflect.DeepEqual(old.target, target) {
		return
	}
	ctx, end := context.WithCancel(h.base)
	p := &patient{target: target, end: end, kick: make(chan struct{}, 1)}
	if old != nil {
		old.end()
		p.report, p.made = old.report, old.made
	}
	h.patient[key] = p
	h.running.Add(1)
	go func() {
		defer h.running.Done()
		h.look(ctx, key, p)
	}()
}

// pause stops looking, and keeps the last report.
func (h *health) pause(key types.NamespacedName) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if p := h.patient[key]; p != nil {
		p.end()
		p.target = backbone.Target{}
	}
}

// kick has the backbone looked at now.
func (h *health) kick(key types.NamespacedName) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if p := h.patient[key]; p != nil {
		select {
		case p.kick <- struct{}{}:
		default:
		}
	}
}

// last is the last report, nil before the first.
func (h *health) last(key types.NamespacedName) *backbone.Report {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if p := h.patient[key]; p != nil {
		return p.report
	}
	return nil
}

// take returns what was made or changed since the last time.
func (h *health) take(key types.NamespacedName) []string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	p := h.patient[key]
	if p == nil {
		return nil
	}
	made := p.made
	p.made = nil
	return made
}

// forget stops looking.
func (h *health) forget(key types.NamespacedName) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if p := h.patient[key]; p != nil {
		p.end()
		delete(h.patient, key)
	}
}

// look repeats until the context ends.
func (h *health) look(ctx context.Context, key types.NamespacedName, p *patient) {
	retry := firstRetry
	for {
		if h.slots.Acquire(ctx, 1) != nil {
			return
		}
		report := h.ensure(ctx, p.target)
		h.slots.Release(1)
		if ctx.Err() != nil {
			return
		}
		if h.keep(p, report) {
			h.changed(key)
		}
		wait := healthInterval
		if report.Reason != "" {
			wait, retry = retry, min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
		timer := time.NewTimer(wait + rand.N(wait/4))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-p.kick:
			timer.Stop()
			retry = firstRetry
		case <-timer.C:
		}
	}
}

// keep tells whether the report says anything new.
func (h *health) keep(p *patient, report backbone.Report) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	before := p.report
	p.report = &report
	if len(report.Changed) > 0 {
		p.made = report.Changed // of one look only, so that it stays bounded
		return true
	}
	return before == nil || !reflect.DeepEqual(lasting(*before), lasting(report))
}

// lasting leaves out what differs every time.
func lasting(r backbone.Report) backbone.Report {
	r.RTT, r.Changed = 0, nil
	return r
}
