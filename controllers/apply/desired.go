package apply

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// desired is the apply configuration of an object: typed structs carry an empty status and nulls, which would claim fields that nobody meant.
func desired(obj client.Object) (*unstructured.Unstructured, error) {
	kind := obj.GetObjectKind().GroupVersionKind()
	if kind.Empty() {
		return nil, fmt.Errorf("applying %T %s: it doesn't say its kind", obj, obj.GetName())
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return nil, fmt.Errorf("converting %s: %w", describe(kind, obj.GetName()), err)
	}
	if _, ours := obj.(*unstructured.Unstructured); ours {
		content = runtime.DeepCopyJSON(content)
	}
	delete(content, "status")
	withoutNulls(content)
	return &unstructured.Unstructured{Object: content}, nil
}

func withoutNulls(value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			if inner == nil {
				delete(value, key)
				continue
			}
			withoutNulls(inner)
		}
	case []any:
		for _, inner := range value {
			withoutNulls(inner)
		}
	}
}
