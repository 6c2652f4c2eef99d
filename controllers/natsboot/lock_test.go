package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chatfleet/chatfleet/test/process"
)

// A pod that is deleted by force is followed by the next one while its server still ends.
func TestTheNextServerWaitsForTheEndOfTheOneBefore(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*process.Command)
	}{
		{"it is killed", (*process.Command).Kill},
		{"it ends", (*process.Command).Stop},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, next := newPod(t, "lobby-nats-0"), newPod(t, "lobby-nats-0")
			next.data = before.data
			before.configure("")
			next.configure("")
			boot := before.start()
			await(t, "the server", before.ready)
			server := before.connect().ConnectedServerId()
			second := next.start()
			await(t, "the next one to wait", func() bool { return strings.Contains(second.Log(), "another server still uses the volume") })
			if again := before.connect().ConnectedServerId(); again != server {
				t.Error("the server was restarted")
			}
			if strings.Contains(second.Log(), "started nats-server") {
				t.Error("two servers use one volume")
			}
			test.end(boot)
			await(t, "the next server", next.ready)
		})
	}
}

// natsboot may be killed alone: the volume is free when its server is gone too, not before.
func TestTheServerHoldsTheVolumeWithoutNatsboot(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	dir := t.TempDir()
	// A child of the server has what the server has, and outlives both.
	script := fmt.Sprintf("#!/bin/sh\nsleep 600 &\necho $! > %[1]s/new && mv %[1]s/new %[1]s/pid\nwait\n", dir)
	server := filepath.Join(dir, "server")
	if err := os.WriteFile(server, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := p.args()
	args[len(args)-1] = server
	boot := process.StartCommand(t, process.CommandOptions{Name: p.name, Path: self, Args: args, Env: p.env()})
	child := 0
	await(t, "the server's child", func() bool {
		content, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(strings.TrimSpace(string(content)))
		return err == nil
	})
	boot.Kill()
	free := func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		lock, err := lockVolume(ctx, p.data, slog.New(slog.DiscardHandler))
		if err != nil {
			return false
		}
		return lock.Close() == nil
	}
	if free() {
		t.Error("the volume is free while the server runs")
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await(t, "the volume to be free", free)
}

func TestNatsbootThatWaitsForTheVolumeEndsWhenAsked(t *testing.T) {
	p := newPod(t, "lobby-nats-0")
	p.configure("")
	lock, err := lockVolume(t.Context(), p.data, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	boot := p.start()
	await(t, "natsboot to wait", func() bool { return strings.Contains(boot.Log(), "another server still uses the volume") })
	boot.Stop() // and fails the test if the exit code isn't 0
	if strings.Contains(boot.Log(), "started nats-server") {
		t.Error("a server was started")
	}
}

func TestAVolumeThatIsNotThereIsNamed(t *testing.T) {
	if _, err := lockVolume(t.Context(), t.TempDir()+"/missing", slog.New(slog.DiscardHandler)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
