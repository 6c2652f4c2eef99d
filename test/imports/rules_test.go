package imports

import (
	"strings"
	"testing"
)

// rule forbids imports to the packages of some folders.
type rule struct {
	name    string
	folders []string
	// through tells that a forbidden package may not be reached by way of
	// others either.
	through bool
	// forbidden judges an import of the package at from, a path below the
	// module's root. Packages of this module are given below "./".
	forbidden func(from, imported string) bool
}

var rules = []rule{
	{
		name:      "chatnode knows no Kubernetes",
		folders:   []string{"chatnode", "api/chat"},
		through:   true,
		forbidden: oneOf("k8s.io", "sigs.k8s.io", "./api/v1alpha1", "./controllers"),
	},
	{
		name:    "a gateway knows no other gateway",
		folders: []string{"chatnode/gateway"},
		through: true,
		forbidden: func(from, imported string) bool {
			other := gateway(strings.TrimPrefix(imported, "./"))
			return other != "" && other != gateway(from)
		},
	},
	{
		name:      "chat knows no wire and no listeners",
		folders:   []string{"chatnode/chat"},
		through:   true,
		forbidden: oneOf("./chatnode/gateway", "./chatnode/fanout", "./chatnode/conn"),
	},
	{
		name:      "chat speaks no HTTP",
		folders:   []string{"chatnode/chat"},
		forbidden: oneOf("net/http"),
	},
	{
		name:      "fanout stands on backbone alone",
		folders:   []string{"chatnode/fanout"},
		through:   true,
		forbidden: oneOf("./chatnode/gateway", "./chatnode/chat"),
	},
	{
		name:      "backbone knows nobody above it",
		folders:   []string{"chatnode/backbone"},
		through:   true,
		forbidden: oneOf("./chatnode/gateway", "./chatnode/chat", "./chatnode/fanout", "./chatnode/conn"),
	},
	{
		name:      "people knows neither chat nor a wire",
		folders:   []string{"chatnode/people"},
		through:   true,
		forbidden: oneOf("./chatnode/gateway", "./chatnode/chat", "./chatnode/fanout", "./chatnode/conn"),
	},
	{
		name:      "conn and auth know neither rooms nor the log",
		folders:   []string{"chatnode/conn", "chatnode/auth"},
		through:   true,
		forbidden: oneOf("./chatnode/gateway", "./chatnode/chat", "./chatnode/fanout", "./chatnode/backbone"),
	},
	{
		name:    "controllers share with chatnode only its load document and its names",
		folders: []string{"controllers"},
		through: true,
		forbidden: func(_, imported string) bool {
			return oneOf("./chatnode")("", imported) &&
				!oneOf("./chatnode/load", "./chatnode/backbone/layout")("", imported)
		},
	},
	{
		name:    "decisions touch nothing: no client in plan, status, scaling",
		folders: []string{"controllers/plan", "controllers/status", "controllers/scaling"},
		through: true,
		forbidden: oneOf("k8s.io/client-go", "sigs.k8s.io/controller-runtime/pkg/client",
			"github.com/nats-io/nats.go", "github.com/prometheus/client_golang/api"),
	},
	{
		name:      "decisions speak no HTTP",
		folders:   []string{"controllers/plan", "controllers/status", "controllers/scaling"},
		forbidden: oneOf("net/http"),
	},
	{
		name:    "the product knows no test",
		folders: []string{"api", "chatnode", "controllers"},
		through: true,
		forbidden: oneOf("testing", "./test", "go.uber.org/goleak", "pgregory.net/rapid",
			"github.com/chromedp"),
	},
}

func TestImportsGoOneWay(t *testing.T) {
	packages := list(t, "./...")
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, p := range packages {
				for _, imported := range rule.broken(p) {
					t.Errorf("%s imports %s", p.ImportPath, imported)
				}
			}
		})
	}
}

// broken lists what p imports against the rule.
func (r rule) broken(p listed) []string {
	from, ours := p.local()
	if !ours || !under(from, r.folders...) {
		return nil
	}
	imports := p.Imports
	if r.through {
		imports = p.Deps
	}
	var found []string
	for _, imported := range imports {
		if local, ours := strings.CutPrefix(imported, module+"/"); ours {
			imported = "./" + local
		}
		if r.forbidden(from, imported) {
			found = append(found, imported)
		}
	}
	return found
}

// The rules are worth what they catch.
func TestRulesCatchWhatTheyForbid(t *testing.T) {
	tests := []struct{ from, imported, rule string }{
		{"chatnode", "k8s.io/api/core/v1", "chatnode knows no Kubernetes"},
		{"chatnode/load", "sigs.k8s.io/yaml", "chatnode knows no Kubernetes"},
		{"chatnode/gateway/mqtt", module + "/chatnode/gateway/push", "a gateway knows no other gateway"},
		{"chatnode/gateway/mqtt", module + "/chatnode/gateway/mqtt/frame", ""},
		{"chatnode/chat", module + "/chatnode/gateway/rpc", "chat knows no wire and no listeners"},
		{"chatnode/chat", module + "/chatnode/backbone", ""},
		{"chatnode/chat/receipt", "net/http", "chat speaks no HTTP"},
		{"chatnode/auth", "net/http", ""},
		{"chatnode/auth", module + "/chatnode/backbone/layout", "conn and auth know neither rooms nor the log"},
		{"chatnode/fanout", module + "/chatnode/chat", "fanout stands on backbone alone"},
		{"chatnode/backbone/layout", module + "/chatnode/fanout", "backbone knows nobody above it"},
		{"chatnode/backbone", module + "/chatnode/backbone/layout", ""},
		{"controllers/load", module + "/chatnode/load", ""},
		{"controllers/load", module + "/chatnode/backbone", "controllers share with chatnode only its load document and its names"},
		{"controllers/plan", "k8s.io/client-go/rest", "decisions touch nothing: no client in plan, status, scaling"},
		{"controllers/plan", "k8s.io/api/apps/v1", ""},
		{"controllers/scaling", "net/http", "decisions speak no HTTP"},
		{"chatnode/web", module + "/test/process", "the product knows no test"},
	}
	for _, test := range tests {
		p := listed{ImportPath: module + "/" + test.from, Imports: []string{test.imported}, Deps: []string{test.imported}}
		var caught []string
		for _, rule := range rules {
			if rule.broken(p) != nil {
				caught = append(caught, rule.name)
			}
		}
		if got := strings.Join(caught, "; "); got != test.rule {
			t.Errorf("%s importing %s breaks %q, want %q", test.from, test.imported, got, test.rule)
		}
	}
}

// oneOf forbids packages that are or lie below one of the given.
func oneOf(folders ...string) func(from, imported string) bool {
	return func(_, imported string) bool { return under(imported, folders...) }
}

// gateway is the folder under chatnode/gateway that a package belongs to;
// empty if none.
func gateway(local string) string {
	rest, found := strings.CutPrefix(local, "chatnode/gateway/")
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}
