// Package apply brings children to the API server: server-side apply under a field manager, and deletion of what is planned no longer. In go
// objects as they should be, and what the cache shows of them; out come as few requests as possible: none for an object that is as it was
// left. Nobody's objects but the owner's own are touched.
package apply

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The field managers. They never change: a field that nobody applies any more would be reset.
const (
	// Operator applies everything but the number of nodes.
	Operator = "chat-operator"
	// Scale applies the number of nodes, and nothing else.
	Scale = "chat-scale"
)

// Owner is the object that children belong to.
type Owner struct {
	UID       types.UID
	Namespace string
	Name      string
}

// Lives shows objects as a cache has them.
type Lives interface {
	// Live is the metadata of an object, with its managed fields left out; nil if the cache has none.
	Live(ctx context.Context, kind schema.GroupVersionKind, name string) (*metav1.PartialObjectMetadata, error)
}

// Applier applies objects, and remembers what it applied. It is safe for concurrent use, though not for the same owner at once.
type Applier struct {
	client client.Client

	mutex   sync.Mutex
	records map[types.UID]map[target]record
}

// New returns an Applier. The client must read from the API server, not from a cache.
func New(c client.Client) *Applier {
	return &Applier{client: c, records: map[types.UID]map[target]record{}}
}

// Apply makes the object what it should be, for all fields that obj has, and tells whether that took a request that changes something. What
// isn't there is made like first, the same object with what it has in the beginning only; nil: like obj. An object of that name that isn't the
// owner's is left as it is: the error is a *NameTakenError.
func (a *Applier) Apply(ctx context.Context, owner Owner, lives Lives, obj, first client.Object) (bool, error) {
	kind := obj.GetObjectKind().GroupVersionKind()
	at := target{manager: Operator, kind: kind.GroupKind(), name: obj.GetName()}
	live, err := a.live(ctx, owner, lives, kind, at.name)
	if err != nil {
		return false, err
	}
	if live == nil && first != nil {
		obj = first
	}
	wanted, err := desired(obj)
	if err != nil {
		return false, err
	}
	sum, err := hash(wanted)
	if err != nil {
		return false, fmt.Errorf("hashing %s: %w", describe(kind, at.name), err)
	}
	if live != nil {
		if !Owned(live, owner) {
			return false, &NameTakenError{Kind: kind.Kind, Name: at.name}
		}
		if last, found := a.record(owner, at); found && last.holds(sum, live, wanted) {
			return false, nil
		}
		// An object that was replaced meanwhile by another of the same name must not be taken for this one.
		wanted.SetUID(live.UID)
	}
	if err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner(Operator), client.ForceOwnership); err != nil {
		return false, fmt.Errorf("applying %s: %w", describe(kind, at.name), err)
	}
	a.remember(owner, at, recordOf(sum, wanted))
	return live == nil || live.ResourceVersion != wanted.GetResourceVersion(), nil
}

// live asks the cache, and the API server about what the cache doesn't have: it may be too new for it, or somebody else's.
func (a *Applier) live(ctx context.Context, owner Owner, lives Lives, kind schema.GroupVersionKind, name string) (*metav1.PartialObjectMetadata, error) {
	live, err := lives.Live(ctx, kind, name)
	if err != nil || live != nil {
		return live, err
	}
	live = &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(kind)
	err = a.client.Get(ctx, client.ObjectKey{Namespace: owner.Namespace, Name: name}, live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", describe(kind, name), err)
	}
	return live, nil
}

// Forget drops what is remembered of an owner that is gone.
func (a *Applier) Forget(uid types.UID) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.records, uid)
}

func (a *Applier) record(owner Owner, at target) (record, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	last, found := a.records[owner.UID][at]
	return last, found
}

func (a *Applier) remember(owner Owner, at target, r record) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.records[owner.UID] == nil {
		a.records[owner.UID] = map[target]record{}
	}
	a.records[owner.UID][at] = r
}

func (a *Applier) drop(owner Owner, at target) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	delete(a.records[owner.UID], at)
}

func describe(kind schema.GroupVersionKind, name string) string { return kind.Kind + " " + name }
