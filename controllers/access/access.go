// Package access opens namespaces: it gives the operator its rights in each namespace that has a ChatCluster, and shows what is there. In go
// names of namespaces; out come a view on the children, pods and claims of the ChatClusters in each, and a call for everything that changes.
// Secrets are seen by name and version only. Nothing is watched outside the opened namespaces.
package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// syncDeadline bounds how long Open waits; the namespace goes on being opened in the background.
const syncDeadline = 5 * time.Second

// Options are what namespaces are opened with.
type Options struct {
	Config     *rest.Config
	HTTPClient *http.Client
	Mapper     meta.RESTMapper
	Scheme     *runtime.Scheme
	// Client reads from the API server, not from a cache.
	Client client.Client

	// ServiceAccount is whom rights are given to. Empty: the rights are there already, as in namespaced mode.
	ServiceAccount types.NamespacedName

	// Changed is called when a child, a pod or a claim of a ChatCluster was added, changed or deleted. It must not block.
	Changed func(namespace, cluster string)
	// SecretChanged is called for every secret that was added, changed or deleted. It must not block.
	SecretChanged func(namespace, name string)
}

// Namespaces are the opened namespaces. It is safe for concurrent use.
type Namespaces struct {
	options Options
	base    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mutex  sync.Mutex
	opened map[string]*View
}

// New returns no opened namespace. Start ends what is opened.
func New(o Options) *Namespaces {
	base, end := context.WithCancel(context.Background())
	return &Namespaces{options: o, base: base, end: end, opened: map[string]*View{}}
}

// Start waits for the context to end, and then for all watches.
func (n *Namespaces) Start(ctx context.Context) error {
	<-ctx.Done()
	n.mutex.Lock()
	n.end()
	n.mutex.Unlock()
	n.running.Wait()
	return nil
}

// Open returns the view on a namespace, in which also objects of the optional kinds are watched. It binds the operator's rights there first.
// When the watches don't begin within five seconds the error says so, and a later call finds them further.
func (n *Namespaces) Open(ctx context.Context, namespace string, optional []schema.GroupVersionKind) (*View, error) {
	view, err := n.view(namespace)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, syncDeadline)
	defer cancel()
	if err := view.ready(ctx, n, optional); err != nil {
		return nil, fmt.Errorf("opening namespace %s: %w", namespace, err)
	}
	return view, nil
}

// Rebind gives the operator its rights in the namespace again, after a request there was forbidden.
func (n *Namespaces) Rebind(ctx context.Context, namespace string) error {
	return n.options.bind(ctx, namespace)
}

// Close ends all watches in a namespace and gives the operator's rights there back, unless the namespace is still needed. That is asked while
// nobody can open it.
func (n *Namespaces) Close(ctx context.Context, namespace string, needed func() bool) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	view, found := n.opened[namespace]
	if !found || needed() {
		return nil
	}
	delete(n.opened, namespace)
	view.end()
	return n.options.unbind(ctx, namespace)
}

// run begins something that ends with the base context, unless that has ended.
func (n *Namespaces) run(f func()) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.base.Err() != nil {
		return
	}
	n.running.Go(f)
}

func (n *Namespaces) view(namespace string) (*View, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if view, found := n.opened[namespace]; found {
		return view, nil
	}
	if n.base.Err() != nil {
		return nil, errors.New("the operator is ending")
	}
	o := n.options
	c, err := cache.New(o.Config, cacheOptions(o, namespace))
	if err != nil {
		return nil, fmt.Errorf("making the cache of namespace %s: %w", namespace, err)
	}
	ctx, end := context.WithCancel(n.base)
	view := &View{namespace: namespace, cache: c, ctx: ctx, end: end, watched: map[schema.GroupVersionKind]bool{}}
	n.opened[namespace] = view
	return view, nil
}
