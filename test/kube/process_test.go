package kube

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// roleVariable makes a test of this package into the subject of another, in a process of its own.
const roleVariable = "CHATFLEET_KUBE_TEST_ROLE"

// again runs one test of this binary in a process of its own, which has a server of its own.
func again(t *testing.T, test string, env []string, flags ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, append([]string{"-test.run=^" + test + "$", "-test.v"}, flags...)...)
	command.Env = append(os.Environ(), env...)
	return command
}

func TestWithoutBinariesATestFailsAndSaysWhatToDo(t *testing.T) {
	none := []string{binVariable + "=" + t.TempDir()}
	output, err := again(t, "TestAChatClusterIsStoredWithItsDefaults", none).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !bytes.Contains(output, []byte("make kubernetes")) {
		t.Errorf("it ended with %v and said\n%s", err, output)
	}
}

func TestAShortTestNeedsNoBinaries(t *testing.T) {
	none := []string{binVariable + "=" + t.TempDir()}
	output, err := again(t, "TestAChatClusterIsStoredWithItsDefaults", none, "-test.short", "-test.v").CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- SKIP: TestAChatClusterIsStoredWithItsDefaults")) {
		t.Errorf("it ended with %v and said\n%s", err, output)
	}
}

// TestTheVictim is killed by TestNothingOutlivesAKilledTest.
func TestTheVictim(t *testing.T) {
	if os.Getenv(roleVariable) != "victim" {
		t.Skip("runs inside TestNothingOutlivesAKilledTest")
	}
	Start(t)
	for _, name := range []string{apiServerName, etcdName} {
		pid, err := os.ReadFile(pidFile(os.Getenv(workVariable), name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("started %s\n", pid)
	}
	fmt.Printf("folder %s\n", os.Getenv(workVariable))
	select {} // until it is killed
}

func TestNothingOutlivesAKilledTest(t *testing.T) {
	c := Start(t) // says without a second process if there are no binaries
	victim := again(t, "TestTheVictim", []string{roleVariable + "=victim"})
	output, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	var folder string
	for lines := bufio.NewScanner(output); folder == "" && lines.Scan(); {
		var pid int
		if _, err := fmt.Sscanf(lines.Text(), "started %d", &pid); err == nil {
			pids = append(pids, pid)
		}
		folder, _ = strings.CutPrefix(lines.Text(), "folder ")
		if folder == lines.Text() {
			folder = ""
		}
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // it was killed
	if len(pids) != 2 || folder == "" {
		t.Fatalf("the victim started %v in %q", pids, folder)
	}
	Wait(t, "the end of its programs", func(context.Context) error {
		for _, pid := range pids {
			if !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				return fmt.Errorf("process %d is there", pid)
			}
		}
		return nil
	})
	if _, err := os.Stat(folder); err != nil {
		t.Errorf("the victim's folder: %v", err)
	}
	next, err := workFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(next) })
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next server leaves the victim's folder: %v", err)
	}
	if err := c.Client.List(t.Context(), &corev1.NamespaceList{}); err != nil {
		t.Errorf("the server of this process is gone too: %v", err)
	}
}
