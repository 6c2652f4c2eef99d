package ingress

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/authority"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

// parse reads objects as the API server writes them.
func parse[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func testWorld(t *testing.T) world {
	t.Helper()
	young := time.Now().UTC().Format(time.RFC3339)
	return world{
		ingresses: map[string]ingress{
			"a/chat": parse[ingress](t, `{"metadata": {"name": "chat", "namespace": "a", "creationTimestamp": "2020-01-01T00:00:00Z",
				"annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600", "nginx.ingress.kubernetes.io/proxy-body-size": "8m; evil"}},
				"spec": {"ingressClassName": "nginx", "tls": [{"hosts": ["chat.test"], "secretName": "cert"}], "rules": [
					{"host": "chat.test", "http": {"paths": [{"path": "/api", "pathType": "Prefix", "backend": {"service": {"name": "node", "port": {"name": "http"}}}}]}},
					{"host": "plain.test", "http": {"paths": [{"path": "/one", "pathType": "Exact", "backend": {"service": {"name": "node", "port": {"number": 80}}}},
						{"path": "/{bad}", "pathType": "Prefix", "backend": {"service": {"name": "node", "port": {"number": 80}}}}]}}]}}`),
			"b/late": parse[ingress](t, `{"metadata": {"name": "late", "namespace": "b", "creationTimestamp": "`+young+`"},
				"spec": {"ingressClassName": "nginx", "rules": [{"host": "chat.test", "http": {"paths": [
					{"path": "/api", "pathType": "Prefix", "backend": {"service": {"name": "thief", "port": {"number": 80}}}},
					{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "missing", "port": {"number": 80}}}}]}}]}}`),
			"b/other": parse[ingress](t, `{"metadata": {"name": "other", "namespace": "b"}, "spec": {"ingressClassName": "other", "rules": [{"host": "other.test"}]}}`),
		},
		services: map[string]service{
			"a/node":  parse[service](t, `{"metadata": {"name": "node", "namespace": "a"}, "spec": {"ports": [{"name": "http", "port": 80}]}}`),
			"b/thief": parse[service](t, `{"metadata": {"name": "thief", "namespace": "b"}, "spec": {"ports": [{"name": "http", "port": 80}]}}`),
		},
		slices: map[string]slice{
			"a/node-1": parse[slice](t, `{"metadata": {"name": "node-1", "namespace": "a", "labels": {"kubernetes.io/service-name": "node"}}, "addressType": "IPv4",
				"endpoints": [{"addresses": ["10.244.1.2"], "conditions": {"ready": true}}, {"addresses": ["10.244.2.2"], "conditions": {"ready": false}}, {"addresses": ["10.244.3.2"]}],
				"ports": [{"name": "http", "port": 8080}, {"name": "admin", "port": 9090}]}`),
		},
	}
}

func TestRenderServesReadyPodsOfTheOldestIngress(t *testing.T) {
	text, err := render("/tmp", "default", nil, testWorld(t))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(string(text)), " ")
	for _, want := range []string{
		"upstream node.a.80 { server 10.244.1.2:8080 max_fails=0; server 10.244.3.2:8080 max_fails=0; keepalive 32; }",
		"location /api/ { if ($scheme = http) { return 308 https://$host$request_uri; } proxy_connect_timeout 5s; proxy_read_timeout 3600s;",
		"client_max_body_size 1m;",
		"location / { return 503; }",
		"location = /one {",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("missing: %s", want)
		}
	}
	for _, unwanted := range []string{"evil", "{bad}", "thief", "other.test", "10.244.2.2", "9090"} {
		if strings.Contains(got, unwanted) {
			t.Errorf("it holds %s", unwanted)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}
}

func TestNginxTakesTheConfiguration(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed")
	}
	dir := t.TempDir()
	ca, err := authority.New("test")
	if err != nil {
		t.Fatal(err)
	}
	cert := filepath.Join(dir, "cert")
	if err := authority.WritePair(cert, ca.Pair); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]world{"nothing": {}, "much": testWorld(t)} {
		n := &nginx{dir: dir}
		text, err := render(dir, cert, map[string]string{"a/cert": cert}, w)
		if err != nil {
			t.Fatal(err)
		}
		// It opens what it listens at even when it only checks: the address exists in a cluster alone.
		text = bytes.ReplaceAll(text, []byte(layout.HostIP+":"), []byte("unix:"+dir+"/"))
		if err := n.check(t.Context(), text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}
