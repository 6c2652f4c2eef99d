package plan

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// chatArgs say what holds for rooms and applications, and which programs of the user's are told and asked. What a user has written in
// them is literal.
func chatArgs(c *v1alpha1.ChatCluster) (args []string) {
	if c.Spec.Rooms.Explicit {
		args = append(args, "--explicit-rooms")
	}
	if len(c.Spec.AppLimits) > 0 {
		args = append(args, "--app-limits-file="+limitsDir+"/"+limitsFile)
	}
	args = append(args, searchArgs(c.Spec.Search)...)
	if c.Spec.Hooks != nil {
		args = append(args, hookArgs(*c.Spec.Hooks)...)
	}
	return args
}

func searchArgs(search v1alpha1.SearchSpec) []string {
	if search.Engine != v1alpha1.SearchEmbedded {
		return []string{"--search=off"}
	}
	return []string{"--search=embedded", "--search-bytes=" + strconv.FormatInt(search.Size.Value(), 10), "--data-dir=" + nodeDataDir}
}

func hookArgs(hooks v1alpha1.HooksSpec) []string {
	args := []string{"--webhook-secret-file=" + hooksDir + "/" + hooksFile}
	if w := hooks.Webhook; w != nil {
		events := make([]string, len(w.Events))
		for i, e := range w.Events {
			events[i] = string(e)
		}
		args = append(args, "--webhook-url="+literal(string(w.URL)), "--webhook-events="+strings.Join(events, ","),
			"--webhook-timeout="+w.Timeout.Duration.String(), "--webhook-give-up="+w.GiveUp.Duration.String())
		if w.Form == v1alpha1.WebhookFormChat21 {
			args = append(args, "--webhook-form=chat21")
		}
	}
	if m := hooks.Moderation; m != nil {
		args = append(args, "--moderation-url="+literal(string(m.URL)), "--moderation-timeout="+m.Timeout.Duration.String(),
			"--moderation-failure="+strings.ToLower(string(m.FailurePolicy)))
	}
	return args
}

// searchVolume is where the index of a chat node is; nil if it has none. Beyond its bound the kubelet ends the pod, so that the index, which
// takes more than its size for a while, has room.
func searchVolume(c *v1alpha1.ChatCluster) *corev1.Volume {
	if c.Spec.Search.Engine != v1alpha1.SearchEmbedded {
		return nil
	}
	bound := resource.NewQuantity(2*c.Spec.Search.Size.Value(), resource.BinarySI)
	return &corev1.Volume{Name: dataVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: bound}}}
}

// chatFiles are what these arguments name.
func (r rendering) chatFiles() (files []mounted) {
	if len(r.c.Spec.AppLimits) > 0 {
		files = append(files, mounted{configVolume("app-limits", r.names.Node), limitsDir})
	}
	if hooks := r.c.Spec.Hooks; hooks != nil {
		files = append(files, mounted{secretVolume("hooks", hooks.SecretRef.Name, item(hooks.SecretRef.Key, hooksFile)), hooksDir})
	}
	return files
}

// nodeConfig holds the limits of applications, which nodes read again when they change.
func (r rendering) nodeConfig() (Object, error) {
	type limits struct {
		Rooms             int32 `json:"rooms,omitempty"`
		MembersPerRoom    int32 `json:"members_per_room,omitempty"`
		MessagesPerSecond int32 `json:"messages_per_second,omitempty"`
		Connections       int32 `json:"connections,omitempty"`
	}
	apps := map[string]limits{}
	for _, l := range r.c.Spec.AppLimits {
		apps[l.App] = limits{l.Rooms, l.MembersPerRoom, l.MessagesPerSecond, l.Connections}
	}
	raw, err := json.MarshalIndent(apps, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the limits of applications: %w", err)
	}
	return &corev1.ConfigMap{
		TypeMeta: typeMeta("v1", "ConfigMap"), ObjectMeta: meta(r.c, r.names.Node, ComponentNode),
		Data: map[string]string{limitsFile: string(raw) + "\n"},
	}, nil
}
