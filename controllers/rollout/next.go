package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pod is one pod of the backbone's StatefulSet.
type Pod struct {
	Name string
	// Ready is the pod's condition.
	Ready bool
	// Current says that the pod was made from the newest template.
	Current bool
	// Deleting says that the pod is being ended.
	Deleting bool
}

// NextServer names the pod that may be restarted now: one that isn't current, from the highest ordinal down, the meta leader last. An empty
// name means none; why says what is waited for, and is empty if there is nothing to restart.
//
// A pod that isn't ready anyway goes first, whatever the gate says, if it is the only one: its restart takes nothing away, and may be what
// it needs. With one server there is nothing to wait for, so it goes even if the gate is shut.
func NextServer(pods []Pod, gate Gate) (pod, why string) {
	var old, unready []Pod
	for _, p := range pods {
		if p.Deleting {
			return "", fmt.Sprintf("pod %s is ending", p.Name)
		}
		if !p.Current {
			old = append(old, p)
		}
		if !p.Ready {
			unready = append(unready, p)
		}
	}
	switch {
	case len(old) == 0:
		return "", ""
	case len(unready) > 1:
		return "", fmt.Sprintf("pods %s are not ready", names(unready))
	case len(unready) == 1 && unready[0].Current:
		return "", fmt.Sprintf("pod %s is not ready", unready[0].Name)
	case len(unready) == 1:
		return unready[0].Name, ""
	case len(pods) > 1 && !gate.Healthy:
		return "", gate.Why
	}
	return slices.MinFunc(old, func(a, b Pod) int { return before(a, b, gate.leaderPod()) }).Name, ""
}

// before orders pods as they are restarted.
func before(a, b Pod, leader string) int {
	switch {
	case a.Name == leader:
		return 1
	case b.Name == leader:
		return -1
	case len(a.Name) != len(b.Name): // ordinals of one and of two digits
		return cmp.Compare(len(b.Name), len(a.Name))
	default:
		return strings.Compare(b.Name, a.Name)
	}
}

// leaderPod is the pod of the meta leader.
func (g Gate) leaderPod() string {
	for _, s := range g.Servers {
		if s.Name == g.MetaLeader {
			return s.Pod
		}
	}
	return ""
}

func names(pods []Pod) string {
	all := make([]string, len(pods))
	for i, p := range pods {
		all[i] = p.Name
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
