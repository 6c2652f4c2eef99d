package pull

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestManyConnectionsAtOnceAreAllAnsweredRightly has wrk send and pull on twenty connections as fast as they are answered.
func TestManyConnectionsAtOnceAreAllAnsweredRightly(t *testing.T) {
	needCurl(t)
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("wrk is missing; make tools-of-tests installs it")
	}
	n := start(t, nil, "node-1", "a")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "wrk", "--threads", "2", "--connections", "20", "--duration", "3s", "--timeout", "60s", "--script", "load.lua", n.url)
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, &out, &complaints)
	}
	var counted struct{ Sent, Stored, Pings, Pages, Wrong, Broken int }
	if at := strings.LastIndex(out.String(), "{"); at < 0 || json.Unmarshal(out.Bytes()[at:], &counted) != nil {
		t.Fatalf("wrk says %s%s", &out, &complaints)
	}
	t.Logf("%+v", counted)
	if counted.Wrong > 0 || counted.Broken > 0 || counted.Stored == 0 || counted.Pings == 0 || counted.Pages == 0 {
		t.Errorf("wrk counts %+v: %s", counted, &complaints)
	}
	texts := map[string]bool{}
	for thread := 1; thread <= 2; thread++ {
		page, err := all(ctx, n, fmt.Sprintf("wrk%d:all", thread))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range page {
			if texts[text] {
				t.Errorf("%s is stored twice", text)
			}
			texts[text] = true
		}
	}
	if len(texts) < counted.Stored || len(texts) > counted.Sent {
		t.Errorf("%d messages are there, of %d that were sent and %d that were answered", len(texts), counted.Sent, counted.Stored)
	}
}
