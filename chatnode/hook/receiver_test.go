package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

const patience = time.Minute

func secrets() [][]byte { return [][]byte{another, secret} }

// receiver is a webhook that verifies signatures and remembers what it was sent.
type receiver struct {
	*httptest.Server
	// decide gives the status of a delivery; 0 is 200. It may block.
	decide func(d delivery) int

	mu        sync.Mutex
	all       []delivery // in the order in which they came
	taken     []delivery // that were answered with 2xx
	unsigned  int
	conflicts int // times that a room had two requests out
	out       map[string]bool
}

// delivery is one request.
type delivery struct {
	ID     string `json:"-"`
	App    string `json:"app"`
	Room   string `json:"room"`
	Offset uint64 `json:"offset"`
	Epoch  string `json:"epoch"`
	Event  struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Sender string `json:"sender"`
	} `json:"event"`
}

func newReceiver(t testing.TB, decide func(d delivery) int) *receiver {
	t.Helper()
	r := &receiver{decide: decide, out: map[string]bool{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	d := delivery{ID: q.Header.Get(DeliveryHeader)}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(&d)
	}
	if err == nil {
		err = Verify(secret, q.Header.Get(SignatureHeader), time.Now(), time.Minute, body)
	}
	r.mu.Lock()
	if err != nil || q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/json" || d.ID == "" {
		r.unsigned++
	}
	if r.out[d.Room] {
		r.conflicts++
	}
	r.out[d.Room] = true
	r.all = append(r.all, d)
	r.mu.Unlock()
	status := 0
	if r.decide != nil {
		status = r.decide(d)
	}
	r.mu.Lock()
	r.out[d.Room] = false
	if status == 0 || status/100 == 2 {
		status = max(status, http.StatusOK)
		r.taken = append(r.taken, d)
	}
	r.mu.Unlock()
	w.WriteHeader(status)
}

// texts are those that were taken of a room, in order, without repetitions of the same delivery; doubles says how many there were.
func (r *receiver) texts(room string) (texts []string, doubles int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, d := range r.taken {
		switch {
		case d.Room != room:
		case seen[d.ID]:
			doubles++
		default:
			seen[d.ID] = true
			texts = append(texts, d.Event.Text)
		}
	}
	return texts, doubles
}

// await waits until the room's texts are those, and nothing else.
func (r *receiver) await(t testing.TB, room string, want []string) (doubles int) {
	t.Helper()
	wait.For(t, patience, "deliveries of "+room, func(context.Context) error {
		got, d := r.texts(room)
		doubles = d
		if len(got) < len(want) {
			return fmt.Errorf("%d of %d: %v", len(got), len(want), got)
		}
		return nil
	})
	if got, _ := r.texts(room); !slices.Equal(got, want) {
		t.Fatalf("%s was told %v, want %v", room, got, want)
	}
	return doubles
}

// requests counts those of a room, whatever was answered.
func (r *receiver) requests(room string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.all {
		if d.Room == room {
			n++
		}
	}
	return n
}

// verify checks what must hold for everything that was received.
func (r *receiver) verify(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unsigned > 0 {
		t.Errorf("%d requests were not signed, or not as they should be", r.unsigned)
	}
}
