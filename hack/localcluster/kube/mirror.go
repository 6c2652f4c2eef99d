package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Meta is what every object has.
type Meta struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace,omitempty"`
	UID               string            `json:"uid,omitempty"`
	ResourceVersion   string            `json:"resourceVersion,omitempty"`
	CreationTimestamp time.Time         `json:"creationTimestamp,omitzero"`
	DeletionTimestamp *time.Time        `json:"deletionTimestamp,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
}

// Key is "namespace/name", or "name" for what lies in no namespace.
func (m Meta) Key() string {
	if m.Namespace == "" {
		return m.Name
	}
	return m.Namespace + "/" + m.Name
}

// Mirror holds all objects of one collection as they were a moment ago.
type Mirror[T any] struct {
	client  *Client
	path    string
	changed chan<- struct{}

	mu      sync.Mutex
	objects map[string]T
	synced  bool
}

// NewMirror mirrors the collection at path until ctx ends, and sends to changed, if there is room, after each change.
func NewMirror[T any](ctx context.Context, c *Client, path string, changed chan<- struct{}) *Mirror[T] {
	m := &Mirror[T]{client: c, path: path, changed: changed}
	go m.run(ctx)
	return m
}

// All gives a copy of the map from key to object, and false as long as nothing was heard.
func (m *Mirror[T]) All() (map[string]T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.objects), m.synced
}

func (m *Mirror[T]) run(ctx context.Context) {
	said := "" // each trouble is told once: the rights of a new cluster take a moment to arrive
	for ctx.Err() == nil {
		if err := m.follow(ctx); err == nil {
			said = ""
		} else if said != err.Error() && ctx.Err() == nil {
			said = err.Error()
			fmt.Fprintln(os.Stderr, "watch:", said)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// follow lists the collection and applies what happens to it, until the server ends the watch.
func (m *Mirror[T]) follow(ctx context.Context) error {
	var list struct {
		Metadata Meta
		Items    []json.RawMessage
	}
	if err := m.client.Get(ctx, m.path, &list); err != nil {
		return err
	}
	objects := map[string]T{}
	for _, raw := range list.Items {
		key, object, err := decode[T](raw)
		if err != nil {
			return err
		}
		objects[key] = object
	}
	m.mu.Lock()
	m.objects, m.synced = objects, true
	m.mu.Unlock()
	m.signal()
	return m.watch(ctx, list.Metadata.ResourceVersion)
}

func (m *Mirror[T]) watch(ctx context.Context, from string) error {
	sep := "?"
	if strings.Contains(m.path, "?") {
		sep = "&"
	}
	body, err := m.client.open(ctx, http.MethodGet, m.path+sep+"watch=true&timeoutSeconds=600&resourceVersion="+from, "", nil)
	if err != nil {
		return fmt.Errorf("watch %s: %w", m.path, err)
	}
	defer body.Close()
	events := json.NewDecoder(body)
	for {
		var event struct {
			Type   string
			Object json.RawMessage
		}
		if err := events.Decode(&event); err != nil {
			return nil // a watch ends as it pleases the server; the next list catches up
		}
		if event.Type == "ERROR" {
			return errors.New("watch " + m.path + ": " + string(event.Object))
		}
		key, object, err := decode[T](event.Object)
		if err != nil {
			return err
		}
		m.mu.Lock()
		if event.Type == "DELETED" {
			delete(m.objects, key)
		} else {
			m.objects[key] = object
		}
		m.mu.Unlock()
		m.signal()
	}
}

func (m *Mirror[T]) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func decode[T any](raw json.RawMessage) (key string, object T, err error) {
	var head struct{ Metadata Meta }
	if err := json.Unmarshal(raw, &head); err != nil {
		return "", object, fmt.Errorf("decode an object: %w", err)
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return "", object, fmt.Errorf("decode %s: %w", head.Metadata.Key(), err)
	}
	return head.Metadata.Key(), object, nil
}
