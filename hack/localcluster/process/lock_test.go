package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestMain lets the test call itself as the process that holds a lock until it is killed.
func TestMain(m *testing.M) {
	if file := os.Getenv("TEST_LOCK"); file != "" {
		if err := TakeLock(file); err != nil {
			panic(err)
		}
		os.Stdout.WriteString(strconv.Itoa(os.Getpid()))
		os.Stdout.Close()
		select {}
	}
	os.Exit(m.Run())
}

func TestLockHolderIsKnownUntilItIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	if pid, err := LockHolder(file); pid != 0 || err != nil {
		t.Fatalf("a lock that does not exist is held by %d, %v", pid, err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_LOCK="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	if _, err := out.Read(make([]byte, 20)); err != nil {
		t.Fatal(err)
	}
	if pid, err := LockHolder(file); pid != cmd.Process.Pid || err != nil {
		t.Errorf("the lock is held by %d, %v, want %d", pid, err, cmd.Process.Pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if pid, err := LockHolder(file); pid != 0 || err != nil {
		t.Errorf("the lock of a dead process is held by %d, %v", pid, err)
	}
}

func TestReadTreeFindsThisProcess(t *testing.T) {
	tree, err := ReadTree()
	if err != nil {
		t.Fatal(err)
	}
	me := tree[os.Getpid()]
	if me.Parent != os.Getppid() || me.Memory < 1<<20 || me.Age < 0 || me.Age > time.Hour || me.Args[0] != os.Args[0] {
		t.Errorf("this process is %+v", me)
	}
}
