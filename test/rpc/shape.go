package rpc

import (
	"fmt"
	"maps"
	"slices"
)

// chosen are names whose texts each node chooses anew.
var chosen = map[string]bool{"epoch": true, "cursor": true}

// difference says where two JSON values differ, in what documentation promises: names, texts, and how long lists are. Numbers are places
// and times.
func difference(path string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		other, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, not an object", path, got)
		}
		names := slices.Sorted(maps.Keys(want))
		if others := slices.Sorted(maps.Keys(other)); !slices.Equal(names, others) {
			return fmt.Sprintf("%s has %v, not %v", path, others, names)
		}
		for _, name := range names {
			if chosen[name] {
				continue
			}
			if d := difference(path+"."+name, want[name], other[name]); d != "" {
				return d
			}
		}
	case []any:
		other, ok := got.([]any)
		if !ok || len(other) != len(want) {
			return fmt.Sprintf("%s is %v, not %d of them", path, got, len(want))
		}
		for i := range want {
			if d := difference(fmt.Sprintf("%s[%d]", path, i), want[i], other[i]); d != "" {
				return d
			}
		}
	case float64:
		if _, ok := got.(float64); !ok {
			return fmt.Sprintf("%s is %v, not a number", path, got)
		}
	default:
		if got != want {
			return fmt.Sprintf("%s is %v, not %v", path, got, want)
		}
	}
	return ""
}
