// Package test brings a whole cluster up and tries what the rest of the repository relies on. It takes a minute or two; -short skips it.
package test

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/cgroup"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

const patience = 90 * time.Second

func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole cluster is not short")
	}
	before := machineState(t)
	l := newLab(t)
	l.up(t, "--nodes", "2")
	l.loadEcho(t)
	l.do(t, "kubectl", "apply", "-f", "objects.yaml")
	l.do(t, "kubectl", "rollout", "status", "deployment/echo", "--timeout=90s")
	l.do(t, "kubectl", "rollout", "status", "statefulset/disk", "--timeout=90s")

	steps := []struct {
		name string
		try  func(*testing.T, *lab)
	}{
		{"ingress serves the pods of a service and says where", ingressServes},
		{"pods resolve services", podsResolve},
		{"a switched connection outlives a change of the ingress", tunnelOutlivesReload},
		{"a volume keeps its content, grows, and goes with its claim", volumes},
		{"a claim beyond all room says why it waits", tooLarge},
		{"metrics are served", metrics},
		{"the audit log names what a service account did", audited},
		{"fake nodes run pods that nobody runs", fakeNodes},
		{"pods leave a node without power, which comes back", powerOffAndOn},
	}
	for _, step := range steps {
		if !t.Run(step.name, func(t *testing.T) { step.try(t, l) }) {
			return
		}
	}
	t.Run("down leaves nothing", func(t *testing.T) { downLeavesNothing(t, l, before) })
}

func TestDownRemovesWhatACrashLeft(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole cluster is not short")
	}
	before := machineState(t)
	l := newLab(t)
	l.up(t, "--nodes", "1")
	if err := syscall.Kill(l.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, func() error {
		out, err := l.try("status")
		if err == nil || !strings.Contains(out, "is left") {
			return fmt.Errorf("status does not tell of the crash: %s", out)
		}
		return nil
	})
	downLeavesNothing(t, l, before)
}

func ingressServes(t *testing.T, l *lab) {
	seen := map[string]bool{}
	eventually(t, patience, func() error {
		name, err := l.get("/")
		if err != nil {
			return err
		}
		seen[name] = true
		return want(fmt.Sprint(len(seen), " pods answered"), "2 pods answered")
	})
	eventually(t, patience, func() error {
		return want(l.do(t, "kubectl", "get", "ingress", "echo", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"), "10.245.0.1")
	})
}

func podsResolve(t *testing.T, l *lab) {
	for name, address := range map[string]string{"kubernetes.default": "[10.96.0.1]", "kube-dns.kube-system.svc.cluster.local": "[10.96.0.10]"} {
		eventually(t, patience, func() error {
			found, err := l.get("/resolve?" + name)
			if err != nil {
				return err
			}
			return want(found, address)
		})
	}
}

func tunnelOutlivesReload(t *testing.T, l *lab) {
	c := l.openTunnel(t)
	if back, err := c.echo("before"); back != "before" {
		t.Fatal(back, err)
	}
	l.do(t, "kubectl", "annotate", "ingress", "echo", "nginx.ingress.kubernetes.io/proxy-body-size=2k")
	body := strings.Repeat("x", 3000)
	eventually(t, patience, func() error {
		if _, err := l.post("/", body); err == nil || !strings.Contains(err.Error(), "413") {
			return fmt.Errorf("the limit of the annotation is not in force: %w", err)
		}
		return nil
	})
	if back, err := c.echo("after"); back != "after" {
		t.Fatalf("the reload cost the connection: %q %v", back, err)
	}
}

func volumes(t *testing.T, l *lab) {
	l.do(t, "kubectl", "delete", "pod", "disk-0")
	eventually(t, patience, func() error {
		starts, err := l.get("/disk/starts")
		if err != nil {
			return err
		}
		return want(fmt.Sprint(strings.Count(starts, "started"), " starts"), "2 starts")
	})
	l.do(t, "kubectl", "patch", "pvc", "data-disk-0", "-p", `{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}`)
	eventually(t, patience, func() error {
		return want(l.do(t, "kubectl", "get", "pvc", "data-disk-0", "-o", "jsonpath={.status.capacity.storage}"), "2Gi")
	})
	l.do(t, "kubectl", "delete", "statefulset", "disk")
	l.do(t, "kubectl", "delete", "pvc", "data-disk-0")
	eventually(t, patience, func() error {
		return want(l.do(t, "kubectl", "get", "pv", "-o", "name"), "")
	})
}

func tooLarge(t *testing.T, l *lab) {
	l.do(t, "kubectl", "apply", "-f", "too-large.yaml")
	eventually(t, patience, func() error {
		events := l.do(t, "kubectl", "get", "events", "--field-selector=reason=ProvisioningFailed", "-o", "jsonpath={.items[*].message}")
		if !strings.Contains(events, "no node has room for 100Gi") {
			return fmt.Errorf("events: %q", events)
		}
		return nil
	})
	l.do(t, "kubectl", "delete", "-f", "too-large.yaml", "--grace-period=1")
}

func metrics(t *testing.T, l *lab) {
	eventually(t, patience, func() error {
		out, err := l.try("kubectl", "top", "pods", "--no-headers")
		if err == nil && strings.Count(out, "echo-") != 2 {
			err = fmt.Errorf("top: %s", out)
		}
		return err
	})
}

func audited(t *testing.T, l *lab) {
	token := l.do(t, "kubectl", "create", "token", "default")
	out, err := l.try("kubectl", "--kubeconfig=/dev/null", "--server="+layout.APIServer, "--certificate-authority="+l.dir+"/pki/ca.crt",
		"--token="+token, "get", "configmaps")
	if err == nil || !strings.Contains(out, "forbidden") {
		t.Fatalf("a service account without rights got %q, %v", out, err)
	}
	eventually(t, patience, func() error {
		log, err := os.ReadFile(l.dir + "/audit.log")
		if err == nil && !strings.Contains(string(log), `"username":"system:serviceaccount:default:default"`) {
			err = fmt.Errorf("nothing among %d bytes", len(log))
		}
		return err
	})
}

func fakeNodes(t *testing.T, l *lab) {
	l.do(t, "fake-nodes", "20")
	l.do(t, "kubectl", "apply", "-f", "fake.yaml")
	l.do(t, "kubectl", "rollout", "status", "deployment/fake", "--timeout=60s")
	l.do(t, "kubectl", "delete", "-f", "fake.yaml")
}

func powerOffAndOn(t *testing.T, l *lab) {
	l.do(t, "node-off", "1")
	began := time.Now()
	l.do(t, "kubectl", "wait", "--for=condition=Ready=Unknown", "node/node1", "--timeout=60s")
	t.Logf("not ready after %s", time.Since(began).Round(time.Second))
	eventually(t, patience, func() error { // both pods are on node 2 now
		_, err := l.try("kubectl", "rollout", "status", "deployment/echo", "--timeout=1s")
		if err == nil {
			_, err = l.get("/")
		}
		return err
	})
	t.Logf("served by the other node after %s", time.Since(began).Round(time.Second))
	began = time.Now()
	l.do(t, "node-on", "node1")
	t.Logf("ready again after %s", time.Since(began).Round(100*time.Millisecond))
}

// state is what of the machine a cluster might change.
type state struct{ mounts, links, sysctls string }

func machineState(t *testing.T) state {
	t.Helper()
	var s state
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	s.mounts = string(mounts)
	links, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		s.links += link.Name() + " "
	}
	for _, name := range []string{"net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"} {
		value, _ := os.ReadFile("/proc/sys/" + name)
		s.sysctls += name + "=" + strings.TrimSpace(string(value)) + " "
	}
	return s
}

func downLeavesNothing(t *testing.T, l *lab, before state) {
	began := time.Now()
	l.do(t, "down")
	t.Logf("down after %s", time.Since(began).Round(10*time.Millisecond))
	if after := machineState(t); after != before {
		t.Errorf("the machine was\n%v\nand is\n%v", before, after)
	}
	if _, err := os.Stat(l.dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", l.dir, err)
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(l.dir))
	if group := fmt.Sprintf("localcluster-%08x", sum.Sum32()); cgroup.Exists(group) {
		t.Errorf("control group %s is still there", group)
	}
	tree, err := process.ReadTree()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tree {
		if strings.Contains(strings.Join(p.Args, " "), l.dir) {
			t.Errorf("still runs: %v", p.Args)
		}
	}
}
