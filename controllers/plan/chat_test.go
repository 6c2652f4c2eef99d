package plan

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// What the ConfigMap says is what a chat node reads in it.
func TestNodesReadTheLimitsOfApplications(t *testing.T) {
	p := made(t, lobby(chatting))
	content := the[*corev1.ConfigMap](t, p, "lobby-node").Data[limitsFile]
	got, err := chat.ParseQuotas([]byte(content))
	if err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	want := chat.Quotas{
		"shop": {Rooms: 1000, MembersPerRoom: 200, MessagesPerSecond: 50, Connections: 5000}, "*": {Connections: 100}, `a "b"`: {},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("nodes read %+v, want %+v", got, want)
	}
}

// Each file that an argument names is a key of something mounted there.
func TestFilesOfTheArgumentsAreMounted(t *testing.T) {
	pod := made(t, lobby(chatting)).deployment(t).Spec.Template.Spec
	for flag, want := range map[string]string{
		"--server-keys-file": "server-keys/server-keys", "--webhook-secret-file": "hooks/secret", "--app-limits-file": "lobby-node/apps.json",
	} {
		at := slices.IndexFunc(pod.Containers[0].Args, func(arg string) bool { return strings.HasPrefix(arg, flag+"=") })
		if at < 0 {
			t.Errorf("no argument %s", flag)
			continue
		}
		_, path, _ := strings.Cut(pod.Containers[0].Args[at], "=")
		if got := mountedAt(pod, path); got != want {
			t.Errorf("%s is %s, which is %q, want %q", flag, path, got, want)
		}
	}
}

// mountedAt names the secret or ConfigMap, and the key of it, that is a file of the container.
func mountedAt(pod corev1.PodSpec, path string) string {
	for _, m := range pod.Containers[0].VolumeMounts {
		file, inside := strings.CutPrefix(path, m.MountPath+"/")
		if !inside {
			continue
		}
		v := pod.Volumes[slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })]
		if v.ConfigMap != nil {
			return v.ConfigMap.Name + "/" + file
		}
		for _, i := range v.Secret.Items {
			if i.Path == file {
				return v.Secret.SecretName + "/" + i.Key
			}
		}
	}
	return ""
}

// receiver is a program that takes every event, which then is in the channel, and accepts every message.
func receiver(t testing.TB) (v1alpha1.HookURL, <-chan string) {
	t.Helper()
	told := make(chan string, 64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Chatfleet-Signature") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.Contains(string(body), `"offset"`) {
			told <- string(body)
		}
		_, _ = io.WriteString(w, `{"accept":true}`)
	}))
	t.Cleanup(server.Close)
	return v1alpha1.HookURL(server.URL), told
}

// mountChat writes the files that chatting names.
func (w *world) mountChat() {
	w.t.Helper()
	for _, o := range w.plan.Objects {
		config, ok := o.(*corev1.ConfigMap)
		if !ok || o.GetName() != NamesOf(w.c).Node {
			continue
		}
		w.secrets["app-limits"] = map[string][]byte{limitsFile: []byte(config.Data[limitsFile])}
		w.secrets["hooks"] = map[string][]byte{hooksFile: []byte(strings.Repeat("s", 32) + "\n")}
		w.secrets["server-keys"] = map[string][]byte{serverKeysFile: []byte("shop " + strings.Repeat("k", 32) + "\n")}
		for _, name := range []string{"app-limits", "hooks", "server-keys"} {
			w.mount(name, name)
		}
	}
}

func TestHooksHaveTheDefaultsOfTheSchema(t *testing.T) {
	c := lobby(func(c *v1alpha1.ChatCluster) {
		c.Spec.Hooks = &v1alpha1.HooksSpec{
			SecretRef: v1alpha1.HookSecretReference{Name: "hooks"},
			Webhook:   &v1alpha1.WebhookSpec{URL: "https://told"}, Moderation: &v1alpha1.ModerationSpec{URL: "https://asked"},
		}
	})
	args := made(t, c).deployment(t).Spec.Template.Spec.Containers[0].Args
	for _, want := range []string{
		"--webhook-events=message,edit,delete,reaction,member,room", "--webhook-timeout=5s", "--webhook-give-up=1h0m0s",
		"--moderation-timeout=1s", "--moderation-failure=refuse",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("no argument %s among %q", want, args)
		}
	}
}

// A node without search has nothing on its host's disk.
func TestTheIndexHasAVolumeOfItsOwn(t *testing.T) {
	search := func(engine v1alpha1.SearchEngine) func(*v1alpha1.ChatCluster) {
		return func(c *v1alpha1.ChatCluster) {
			c.Spec.Search = v1alpha1.SearchSpec{Engine: engine, Size: resource.MustParse("20Mi")}
		}
	}
	local := func(pod corev1.PodSpec) (found []string) {
		for _, v := range pod.Volumes {
			if v.EmptyDir != nil {
				found = append(found, v.Name+" "+v.EmptyDir.SizeLimit.String())
			}
		}
		return found
	}
	on := made(t, lobby(search(v1alpha1.SearchEmbedded))).deployment(t).Spec.Template
	if got := local(on.Spec); !slices.Equal(got, []string{"data 40Mi"}) || on.Annotations[annotationLocalVolumes] != "data" {
		t.Errorf("local volumes %v, annotations %v", got, on.Annotations)
	}
	for _, want := range []string{"--search=embedded", "--search-bytes=20971520", "--data-dir=/data"} {
		if !slices.Contains(on.Spec.Containers[0].Args, want) {
			t.Errorf("no argument %s among %q", want, on.Spec.Containers[0].Args)
		}
	}
	off := made(t, lobby(search(v1alpha1.SearchDisabled))).deployment(t).Spec.Template
	if got := local(off.Spec); got != nil || !slices.Contains(off.Spec.Containers[0].Args, "--search=off") {
		t.Errorf("without search: local volumes %v, arguments %q", got, off.Spec.Containers[0].Args)
	}
}
