package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcomeOf runs a test file with the real go test, and gives what is said of it, the exit status and the note of skipped tests.
func outcomeOf(t *testing.T, source string, all bool, flags ...string) (said string, status int, noted string) {
	t.Helper()
	dir, notes := t.TempDir(), filepath.Join(t.TempDir(), "skipped")
	files := map[string]string{
		"go.mod": "module sample\n\ngo 1.24\n", "empty/empty.go": "package empty\n", "sample/sample_test.go": "package sample\n" + source,
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("OUTCOME_SKIPPED", notes)
	var out bytes.Buffer
	command := append([]string{"go", "test", "-C", dir, "-json"}, flags...)
	status, err := run(append(command, "./..."), all, &out)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(notes)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return out.String(), status, string(content)
}

func TestWhatPassesIsQuietAndWhatIsSkippedIsNot(t *testing.T) {
	source := `
import ("fmt"; "testing")
func TestPasses(t *testing.T) { t.Log("a secret"); fmt.Println("another") }
func TestIsSkipped(t *testing.T) { fmt.Print("half a line"); t.Skip("the moon\nis missing") }
func TestSilent(t *testing.T) { t.SkipNow() }
func TestParallel(t *testing.T) {
	for _, name := range []string{"one", "other"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); if name == "one" { t.Skipf("no %s", name) }; t.Log("a secret") })
	}
}
`
	said, status, noted := outcomeOf(t, source, false)
	if status != 0 {
		t.Errorf("status %d", status)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	for i, want := range []string{
		"sample/empty\t[no test files]", "ok  \tsample/sample\t",
		"    --- SKIP: TestIsSkipped: half a line", "    --- SKIP: TestSilent: it gives no reason", "    --- SKIP: TestParallel/one: ",
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d lacks %q", i, want)
		}
	}
	for _, want := range []string{"sample/sample TestIsSkipped: half a line sample_test.go:5: the moon is missing\n", "sample/sample TestParallel/one: sample_test.go:9: no one\n"} {
		if !strings.Contains(noted, want) {
			t.Errorf("the note lacks %q", want)
		}
	}
	if len(lines) != 5 || strings.Contains(said, "secret") || t.Failed() {
		t.Errorf("said:\n%s\nnoted:\n%s", said, noted)
	}
}

func TestNothingIsSwallowedOfWhatFails(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		flags  []string
		want   []string
	}{
		"a test": {`
import "testing"
func TestPasses(t *testing.T) { t.Log("before it") }
func TestSkipped(t *testing.T) { t.Skip("no moon") }
func TestFails(t *testing.T) { t.Log("the hint"); t.Error("the reason") }
`, nil, []string{"before it", "the hint", "the reason", "--- FAIL: TestFails", "FAIL\tsample/sample", "    --- SKIP: TestSkipped: sample_test.go:5: no moon"}},
		"a panic": {`
import ("fmt"; "testing")
func TestPanics(t *testing.T) { fmt.Println("the hint"); panic("the reason") }
`, nil, []string{"the hint", "panic: the reason", "goroutine ", "FAIL\tsample/sample"}},
		"an exit": {`
import ("fmt"; "os"; "testing")
func TestMain(m *testing.M) { fmt.Fprintln(os.Stderr, "the reason"); os.Exit(3) }
`, nil, []string{"the reason", "FAIL\tsample/sample"}},
		"a timeout": {`
import "testing"
func TestHangs(t *testing.T) { t.Log("the hint"); select {} }
func TestPasses(t *testing.T) { t.Parallel() }
`, []string{"-timeout=200ms"}, []string{"the hint", "test timed out after 200ms", "TestHangs", "FAIL\tsample/sample"}},
		"a build": {`
import "testing"
func TestBuilds(t *testing.T) { notThere() }
`, nil, []string{"undefined: notThere", "FAIL\tsample/sample [build failed]", "sample/empty"}},
		"a missing package": {`
import _ "sample/nowhere"
`, nil, []string{"sample/nowhere", "FAIL\tsample/sample [setup failed]"}},
	} {
		t.Run(name, func(t *testing.T) {
			said, status, _ := outcomeOf(t, c.source, false, c.flags...)
			if status != 1 {
				t.Errorf("status %d", status)
			}
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it lacks %q", want)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
}

func TestAllIsShownWhenAllIsAskedFor(t *testing.T) {
	said, status, noted := outcomeOf(t, `
import "testing"
func TestPasses(t *testing.T) { t.Log("before it") }
func TestSkipped(t *testing.T) { t.Skip("no moon") }
`, true)
	if status != 0 || strings.Count(said, "before it") != 1 || !strings.Contains(said, "    --- SKIP: TestSkipped: ") || !strings.Contains(noted, "no moon") {
		t.Errorf("%d, noted %s, said:\n%s", status, noted, said)
	}
}

func TestWhatIsNoEventAndWhatNeverEndedIsTold(t *testing.T) {
	var out bytes.Buffer
	stream := "make: no such thing\n{}\n" + `{"Action":"output","Package":"cut/off","Output":"half of it\n"}` + "\n" + `{"Action":"run","Package":"cut`
	if err := newReport(&out, false).read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	if want := "make: no such thing\n{}\n" + `{"Action":"run","Package":"cut` + "half of it\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestTheStatusIsTheCommands(t *testing.T) {
	var out bytes.Buffer
	if status, err := run([]string{"sh", "-c", "echo as it is; exit 7"}, false, &out); status != 7 || err != nil || out.String() != "as it is\n" {
		t.Errorf("%d, %v, %q", status, err, out.String())
	}
	if status, err := run([]string{"sh", "-c", "kill -9 $$"}, false, &out); status == 0 || err == nil {
		t.Errorf("killed: %d, %v", status, err)
	}
	if status, err := run([]string{filepath.Join(t.TempDir(), "none")}, false, &out); status == 0 || err == nil {
		t.Errorf("not there: %d, %v", status, err)
	}
}
