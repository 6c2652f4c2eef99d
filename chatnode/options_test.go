package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	env := environment(map[string]string{
		"CHATNODE_DATA_DIR": "from-env", "CHATNODE_SHARDS": "4", "CHATNODE_MAX_QUEUE": "1MiB", "CHATNODE_HISTORY_AGE": "1h",
	})
	o, err := parseOptions([]string{"--data-dir", "from-flag"}, env, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.dataDir != "from-flag" || o.shards != 4 || o.queue != 1<<20 || o.historyAge != time.Hour {
		t.Fatalf("%+v", o)
	}
}

func TestDevListensOnLoopbackAndOpensEverything(t *testing.T) {
	dev, err := parseOptions([]string{"--dev"}, environment(nil), io.Discard)
	if err != nil || dev.listen != "127.0.0.1:8080" || dev.adminListen != "127.0.0.1:9090" || !dev.anonymous || dev.openChannels != "*" {
		t.Fatalf("%+v %v", dev, err)
	}
	plain, err := parseOptions(nil, environment(nil), io.Discard)
	if err != nil || plain.listen != ":8080" || plain.anonymous || plain.openChannels != "" {
		t.Fatalf("%+v %v", plain, err)
	}
}

func TestWrongOptionsSayWhatWouldBeRight(t *testing.T) {
	for _, c := range []struct{ args, env, want string }{
		{"--streams=maybe", "", "--streams is create or expect"},
		{"--durability=some", "", "--durability is strict or relaxed"},
		{"--shards=0", "", "--shards is between 1 and 256"},
		{"--replicas=2", "", "--replicas is 1, 3 or 5"},
		{"--replicas=3", "", "needs NATS servers"},
		{"--prefix=a.b", "", "--prefix is letters"},
		{"--tls-cert=x", "", "go together"},
		{"--max-queue=12parsecs", "", "not a size"},
		{"--max-command=1GiB", "", "--max-command is at most --max-frame"},
		{"--max-ring=1", "", "--max-ring is at least 1KiB"},
		{"--heimdallr-admin-listen=:1", "", "need --heimdallr-listen"},
		{"--heimdallr-listen=:1 --heimdallr-app=", "", "--heimdallr-app: the name of a tenant must not be empty"},
		{"--pull-dialect=d", "", "--pull-dialect: the dialect is default, a, b or c, not \"d\""},
		{"--pull-app=", "", "--pull-app: the name of a tenant must not be empty"},
		{"--push-listen=:1 --push-app=", "", "--push-app: the name of a tenant must not be empty"},
		{"--push-shape=perl", "", "--push-shape is cpp or haskell"},
		{"--push-concurrency=all", "", "--push-concurrency is first, last or broadcast"},
		{"--comet-listen=:8087", "", "--comet-listen needs --comet-password-file"},
		{"--comet-sql-listen=:3307", "", "--comet-sql-listen needs --comet-listen"},
		{"--comet-app=", "", "--comet-app: the name of a"},
		{"--mqtt-listen=:1", "", "need --mqtt-jwt-secret-file"},
		{"--protocols-tls=mqtt", "", "--protocols-tls needs --tls-cert"},
		{"--protocols-tls=mqtt,imap --tls-cert=a --tls-key=b", "", "--protocols-tls are some of heimdallr, pull, push, comet, mqtt, and not \"imap\""},
		{"--flag-that-is-not-there", "", "chatnode --help"},
		{"argument", "", "unexpected argument"},
		{"", "many", "CHATNODE_SHARDS"},
	} {
		env := environment(nil)
		if c.env != "" {
			env = environment(map[string]string{"CHATNODE_SHARDS": c.env})
		}
		_, err := parseOptions(strings.Fields(c.args), env, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s%s: %v, want %q", c.args, c.env, err, c.want)
		}
	}
}

func TestHelpShowsEveryFlagOnce(t *testing.T) {
	var out bytes.Buffer
	if _, err := parseOptions([]string{"--help"}, environment(nil), &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	var o options
	f := flag.NewFlagSet("", flag.ContinueOnError)
	o.declare(f)
	f.VisitAll(func(fl *flag.Flag) {
		if n := strings.Count(out.String(), "\n  --"+fl.Name+" ") + strings.Count(out.String(), "\n  --"+fl.Name+"\n"); n != 1 {
			t.Errorf("--%s stands %d times in the help", fl.Name, n)
		}
		if fl.Usage == "" {
			t.Errorf("--%s is not explained", fl.Name)
		}
	})
	for _, row := range strings.Split(out.String(), "\n") {
		if len([]rune(row)) > 120 {
			t.Errorf("a row of %d columns: %s", len(row), row)
		}
	}
}

func TestSizesRoundTrip(t *testing.T) {
	for text, want := range map[string]bytesFlag{"0": 0, "65536": 64 << 10, "64KiB": 64 << 10, "10GiB": 10 << 30, "3 MiB": 3 << 20, "7B": 7} {
		var b bytesFlag
		if err := b.Set(text); err != nil || b != want {
			t.Errorf("%s became %d, %v", text, b, err)
		}
		var again bytesFlag
		if err := again.Set(b.String()); err != nil || again != b {
			t.Errorf("%s was written as %s", text, b.String())
		}
	}
}
