package main

import (
	"bytes"
	"strings"
	"testing"
)

func none(string) (string, bool) { return "", false }

func TestFlagsThatCannotWorkAreRefusedInOneLine(t *testing.T) {
	tests := []struct{ args, want string }{
		{"launch", `unknown command "launch"`},
		{"manager --leader-elect", "--leader-election-namespace"},
		{"manager --service-account=x", "POD_NAMESPACE"},
		{"manager --log-level=loud", "debug, info, warn or error"},
		{"manager --log-format=xml", "text or json"},
		{"manager --namespaces=a,,b", "a name is empty"},
		{"manager --nonsense", "operator manager --help"},
		{"manager extra", `unexpected argument "extra"`},
		{"manager --kubeconfig=/does/not/exist", "/does/not/exist"},
	}
	for _, test := range tests {
		err := run(t.Context(), strings.Fields(test.args), none, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("operator %s: %v, want %q in one line", test.args, err, test.want)
		}
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{}, {"--help"}, {"version"}, {"manager", "--help"}} {
		if err := run(t.Context(), args, none, &out); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"operator manager", "operator " + version, "--namespaces", "--node-image", "--backbone-image", "--metrics-listen",
		"--health-listen", "--leader-elect", "--leader-election-namespace", "--service-account", "--log-level", "--log-format", "--kubeconfig"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help lacks %s:\n%s", want, out.String())
		}
	}
}

func TestTheOperatorsNamespaceIsThatOfItsPod(t *testing.T) {
	env := func(string) (string, bool) { return "home", true }
	o, err := parseOptions([]string{"--leader-elect", "--service-account=x", "--namespaces=a,b"}, env, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if o.operatorNamespace != "home" || o.leaderElectionNamespace != "home" || strings.Join(o.watched(), "+") != "a+b" {
		t.Errorf("options are %+v", o)
	}
}
