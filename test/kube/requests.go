package kube

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
)

// Request is one request that went to the API server.
type Request struct {
	Method string
	Path   string // such as /apis/chatfleet.dev/v1alpha1/namespaces/x/chatclusters/lobby/status
	Query  string // not decoded, such as fieldManager=chat-operator&force=true
	Watch  bool
	Agent  string // the User-Agent
}

func (r Request) String() string {
	if r.Query == "" {
		return r.Method + " " + r.Path
	}
	return r.Method + " " + r.Path + "?" + r.Query
}

// maxRequests bounds what a Requests keeps.
const maxRequests = 1 << 17

// Requests keeps the requests of the clients made from its configurations, in the order they were sent. The zero value is ready.
type Requests struct {
	mu   sync.Mutex
	sent []Request
}

// Through returns a copy of the configuration whose clients are recorded.
func (r *Requests) Through(config *rest.Config) *rest.Config {
	recorded := rest.CopyConfig(config)
	recorded.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			r.add(request)
			return next.RoundTrip(request)
		})
	})
	return recorded
}

// Count is how many were sent so far: a mark for Since.
func (r *Requests) Count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sent)
}

// Since returns what was sent after the first mark requests; all with 0.
func (r *Requests) Since(mark int) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent[mark:])
}

func (r *Requests) add(request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.sent) == maxRequests {
		panic(fmt.Sprintf("kube.Requests is full: %d requests", maxRequests))
	}
	query := request.URL.Query()
	r.sent = append(r.sent, Request{
		Method: request.Method,
		Path:   request.URL.Path,
		Query:  request.URL.RawQuery,
		Watch:  query.Get("watch") == "true" || query.Get("watch") == "1",
		Agent:  request.UserAgent(),
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
