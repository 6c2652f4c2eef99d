package apply

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// target is what one field manager applies to, within one owner.
type target struct {
	manager string
	kind    schema.GroupKind
	name    string
}

// record is what was applied, and what the object was right after.
type record struct {
	sum        [sha256.Size]byte
	uid        types.UID
	version    string
	generation int64
}

func recordOf(sum [sha256.Size]byte, applied *unstructured.Unstructured) record {
	return record{sum: sum, uid: applied.GetUID(), version: applied.GetResourceVersion(), generation: applied.GetGeneration()}
}

// holds tells that the live object is still as it was left by applying what has that sum. Where the API server counts generations, changes of
// the status alone don't matter; labels and annotations are compared then, since they don't count.
func (r record) holds(sum [sha256.Size]byte, live *metav1.PartialObjectMetadata, wanted *unstructured.Unstructured) bool {
	if r.sum != sum || r.uid != live.UID {
		return false
	}
	if r.version == live.ResourceVersion || older(live.ResourceVersion, r.version) {
		return true
	}
	return r.generation != 0 && r.generation == live.Generation &&
		contains(live.Labels, wanted.GetLabels()) && contains(live.Annotations, wanted.GetAnnotations()) &&
		metav1.GetControllerOfNoCopy(live) != nil
}

// older tells that the cache has not seen the last write yet: resource versions of one kind are numbers that grow.
func older(version, than string) bool {
	a, errA := strconv.ParseUint(version, 10, 64)
	b, errB := strconv.ParseUint(than, 10, 64)
	return errA == nil && errB == nil && a < b
}

// contains tells that all entries of part are in whole.
func contains(whole, part map[string]string) bool {
	for key, value := range part {
		if got, found := whole[key]; !found || got != value {
			return false
		}
	}
	return true
}

// hash is the same for the same configuration: JSON sorts the keys of objects.
func hash(u *unstructured.Unstructured) ([sha256.Size]byte, error) {
	text, err := json.Marshal(u.Object)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(text), nil
}
