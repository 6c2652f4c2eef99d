package heimdallr

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

// deadline bounds a play; a condition in it gives up much earlier.
const deadline = 5 * time.Minute

// room is the one that is played in.
const room = "7"

// player is what a client heard, connection by connection, what came back of what it said, and how its connections ended.
type player struct {
	Name    string     `json:"name"`
	Heard   [][]string `json:"heard"`
	Own     []string   `json:"own"`
	Notices []struct {
		Protocol string `json:"protocol"`
		Host     string `json:"host"`
		Room     string `json:"roomid"`
	} `json:"notices"`
	Codes []int `json:"codes"`
}

func TestNothingThatCameBackIsLostWhenANodeIsKilled(t *testing.T) {
	players := play(t, (*process.Chatnode).Kill)
	for _, p := range players {
		if len(p.Notices) > 0 {
			t.Errorf("%s was told to leave by a node that had no time for it", p.Name)
		}
	}
}

func TestClientsAreToldToConnectElsewhereWhenANodeDrains(t *testing.T) {
	moved := 0
	for _, p := range play(t, (*process.Chatnode).Stop) {
		if !strings.HasPrefix(p.Name, "player-0") {
			continue
		}
		moved++
		if len(p.Notices) == 0 || p.Notices[0].Protocol != "heimdallr" || p.Notices[0].Room != room || p.Notices[0].Host != "127.0.0.1" || p.Codes[0] != 3001 {
			t.Errorf("%s was told %+v, and its connections ended with %v", p.Name, p.Notices, p.Codes)
		}
	}
	if moved == 0 {
		t.Error("nobody was on the node that drained")
	}
}

// play lets clients talk on two nodes, ends the first, and judges what they heard.
func play(t *testing.T, end func(*process.Chatnode)) []player {
	install(t)
	nats := process.StartNATS(t, 1)
	dataDir := t.TempDir() // of the secret of tokens
	var nodes []*process.Chatnode
	var rooms []string
	for _, name := range []string{"node-1", "node-2"} {
		address := fmt.Sprintf("127.0.0.1:%d", process.ReservePort(t))
		nodes = append(nodes, process.StartChatnode(t, process.ChatnodeOptions{
			Name: name, NATSURL: nats.URL(), DataDir: dataDir, Flags: []string{"--dev", "--drain-period=1s", "--heimdallr-listen=" + address},
		}))
		rooms = append(rooms, "ws://"+address+"/"+room)
	}
	players := run(t, rooms, func() { end(nodes[0]) })
	signer, err := auth.NewDevelopment(auth.DevelopmentOptions{DataDir: dataDir})
	must(t, err)
	token, err := signer.Token("ann", time.Hour)
	must(t, err)
	judge(t, players, history(t, nodes[1], token))
	return players
}

// run plays, and calls end when everybody does.
func run(t *testing.T, rooms []string, end func()) (players []player) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	command := exec.CommandContext(ctx, "node", "play.js")
	command.Env = append(os.Environ(), "HEIMDALLR_URLS="+strings.Join(rooms, ","))
	var complaints strings.Builder
	command.Stderr = &complaints
	in, err := command.StdinPipe()
	must(t, err)
	out, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err == nil && line == "playing\n" {
		end()
		_, err = io.WriteString(in, "ended\n")
		must(t, err)
		line, err = lines.ReadString('\n')
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%v after %.200q\n%s", err, line, complaints.String())
	}
	must(t, err)
	must(t, json.Unmarshal([]byte(line), &players))
	return players
}

// history is what a native client finds in the room, oldest first.
func history(t *testing.T, node *process.Chatnode, token string) (texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	c, err := client.Dial(ctx, node.URL(), client.Options{Token: token})
	must(t, err)
	defer c.Close()
	var since protocol.StreamPosition
	for {
		page, err := c.History(ctx, protocol.HistoryRequest{Channel: "room:" + room, Limit: 500, Since: &since})
		must(t, err)
		if len(page.Publications) == 0 {
			return texts
		}
		for _, p := range page.Publications {
			var event struct{ Text string }
			must(t, json.Unmarshal(p.Data, &event))
			var envelope struct{ Text string }
			must(t, json.Unmarshal([]byte(event.Text), &envelope))
			texts = append(texts, envelope.Text)
			since.Offset = p.Offset
		}
		since.Epoch = page.Epoch
	}
}

// judge fails unless everybody heard parts of the one order that is stored, each without a hole, and everything that came back is there.
func judge(t *testing.T, players []player, stored []string) {
	t.Helper()
	place := map[string]int{}
	for i, text := range stored {
		if _, twice := place[text]; twice {
			t.Errorf("%s is stored twice", text)
		}
		place[text] = i
	}
	for _, p := range players {
		for _, text := range p.Own {
			if _, found := place[text]; !found {
				t.Errorf("%s came back to its sender and is lost", text)
			}
		}
		for n, heard := range p.Heard {
			for i := 1; i < len(heard); i++ {
				if place[heard[i]] != place[heard[i-1]]+1 {
					t.Fatalf("on connection %d %s heard %s (number %d) and then %s (number %d)",
						n, p.Name, heard[i-1], place[heard[i-1]], heard[i], place[heard[i]])
				}
			}
		}
	}
	t.Logf("%d messages are stored", len(stored))
}

// install fetches the clients' package unless the folder is already as its lock file says.
func install(t *testing.T) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is missing; make tools-of-tests installs it", program)
		}
	}
	const lock, installed = "package-lock.json", "node_modules/.package-lock.json"
	wanted, err := os.Stat(lock)
	must(t, err)
	if is, err := os.Stat(installed); err == nil && !is.ModTime().Before(wanted.ModTime()) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if output, err := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, output)
	}
	now := time.Now()
	must(t, os.Chtimes(installed, now, now))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
