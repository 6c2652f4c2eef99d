package heimdallr

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestPathsThatAreNoRoomAreAnsweredAsHeimdallrDoes(t *testing.T) {
	n := startNode(t, nil)
	for _, c := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"GET", "/", 404, noResource},
		{"GET", "/seven", 404, noResource},
		{"GET", "/7x", 404, noResource},
		{"GET", "/-7", 404, noResource},
		{"GET", "/2147483648", 404, noResource},
		{"POST", "/7", 405, onlyGet},
		{"GET", "/7", 400, noUpgrade},
		{"GET", "/7/8", 400, noUpgrade},
	} {
		q, err := http.NewRequestWithContext(t.Context(), c.method, n.rooms.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil || r.StatusCode != c.status || string(body) != c.text {
			t.Errorf("%s %s: %d %q %v", c.method, c.path, r.StatusCode, body, err)
		}
	}
}

func TestHealthPortFollowsItsCommands(t *testing.T) {
	n := startNode(t, nil)
	url := "http://" + n.health.address
	greets := func() {
		t.Helper()
		if status, body := get(t, url+"/"); status != 200 || body != welcome {
			t.Fatalf("%d %q", status, body)
		}
	}
	command := func(path string) {
		t.Helper()
		if status, body := get(t, n.admin.URL+path); status != 200 || body != "200 OK\r\n" {
			t.Fatalf("%s: %d %q", path, status, body)
		}
	}
	greets()
	if status, body := get(t, url+"/other"); status != 404 || body != noResource {
		t.Errorf("%d %q", status, body)
	}
	command("/health/view")
	command("/health/down")
	command("/health/down")
	if c, err := net.Dial("tcp", n.health.address); err == nil {
		_ = c.Close()
		t.Error("the health port is open")
	}
	command("/health/up")
	command("/health/up")
	greets()
}

func TestStatisticsCountConnectionsByRoom(t *testing.T) {
	n := startNode(t, nil)
	for i, path := range []string{"/7", "/7/", "/12"} {
		n.enter(t, path)
		// The handshake is answered before the session is there.
		eventually(t, "the session", func() bool { return n.metric(t, "chatnode_heimdallr_sessions") == float64(i+1) })
	}
	for path, want := range map[string]string{
		"/stats/count/total":        "map[guest:3 member:0 prop:All total:3]",
		"/stats/count/rooms":        "map[count:map[12:1 7:2]]",
		"/stats/count/rooms/guest":  "map[count:map[12:1 7:2]]",
		"/stats/count/rooms/member": "map[count:map[12:0 7:0]]",
		"/stats/count/room/7":       "map[guest:2 member:0 prop:7 total:2]",
		"/stats/count/room/8":       "map[reason:R#8 does not exgist !]",
		"/stats/count/room/x":       "map[reason:R#x does not exgist !]",
		"/stats/all":                "map[count:map[12:1 7:2] rooms:map[12:[map[id:3 nick:]] 7:[map[id:1 nick:] map[id:2 nick:]]]]",
		"/stats/all/pretty":         "map[count:map[12:1 7:2] rooms:map[12:[map[id:3 nick:]] 7:[map[id:1 nick:] map[id:2 nick:]]]]",
		"/stats/rooms":              "map[rooms:map[12:[map[id:3 nick:]] 7:[map[id:1 nick:] map[id:2 nick:]]]]",
		"/stats/room/12":            "map[rooms:map[12:[map[id:3 nick:]]]]",
		"/stats/room/8":             "map[reason:R#8 does not exgist !]",
	} {
		got := n.ask(t, path)
		form := toMinute
		if _, err := time.Parse(toSecond, fmt.Sprint(got["ts"])); err == nil {
			form = toSecond
		}
		if _, err := time.Parse(form, fmt.Sprint(got["ts"])); err != nil || got["node"] != "127.0.0.1" {
			t.Errorf("%s: %v", path, got)
		}
		delete(got, "ts")
		delete(got, "node")
		if text := fmt.Sprint(got); text != want {
			t.Errorf("%s: %s, want %s", path, text, want)
		}
	}
}

func TestFailoverSendsEverybodyElsewhereUntilHealthIsUp(t *testing.T) {
	n := startNode(t, nil)
	ann, bob := n.enter(t, "/7"), n.enter(t, "/8")
	if got := n.ask(t, "/failover/heimdallr"); got["total"] != 2.0 || got["prop"] != "All" {
		t.Errorf("%v", got)
	}
	ann.mustHear(`{"protocol":"heimdallr","host":"127.0.0.1","roomid":"7"}`)
	ann.mustEnd(codeGoingAway)
	bob.mustHear(`{"protocol":"heimdallr","host":"127.0.0.1","roomid":"8"}`)
	bob.mustEnd(codeGoingAway)
	_, r, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(n.rooms.URL, "http")+"/7", nil)
	if err == nil || r == nil || r.StatusCode != 503 {
		t.Fatalf("%v %+v", err, r)
	}
	if c, err := net.Dial("tcp", n.health.address); err == nil {
		_ = c.Close()
		t.Error("the health port is open")
	}
	if _, body := get(t, n.admin.URL+"/health/up"); body != "200 OK\r\n" {
		t.Fatal(body)
	}
	ann = n.enter(t, "/7")
	n.ask(t, "/failover/another")
	ann.mustHear(`{"protocol":"unknown","host":"127.0.0.1","roomid":"7"}`)
	ann.mustEnd(codeGoingAway)
}

func TestADrainingNodeGivesTheFailoverNotice(t *testing.T) {
	n := startNode(t, nil)
	ann := n.enter(t, "/7")
	ann.say("before")
	ann.mustHear("before")
	n.gateway.Leave()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- n.conns.Drain(ctx, 0, 3001, "shutdown") }()
	ann.mustHear(`{"protocol":"heimdallr","host":"127.0.0.1","roomid":"7"}`)
	ann.mustEnd(3001)
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
}

// Whatever comes to a port is answered or cut off, and costs nobody else anything.
func TestHostileInputDisturbsNobody(t *testing.T) {
	n := startNode(t, nil)
	ann := n.enter(t, "/7")
	const upgrade = "GET /7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	masked := "\x85\x00\x00\x00\x00" // the length and the mask of a frame of five bytes
	ports := []string{n.rooms.Listener.Addr().String(), n.admin.Listener.Addr().String(), n.health.address}
	for _, port := range ports {
		for name, input := range map[string]string{
			"no HTTP":            "\x00\x01\x02\xff\r\n\r\n",
			"no end of headers":  "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n",
			"no key":             "GET /7 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"text that is none":  upgrade + "\x81" + masked + "\xff\xfe\xfd\xfc\xfb",
			"an unknown opcode":  upgrade + "\x83" + masked + "hello",
			"an endless frame":   upgrade + "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00x",
			"a frame unmasked":   upgrade + "\x81\x05hello",
			"a path of percents": "GET /%37%zz HTTP/1.1\r\nHost: x\r\n\r\n",
			"a long path":        "GET /" + strings.Repeat("7", 30<<10) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		} {
			t.Run(name, func(t *testing.T) {
				c, err := net.Dial("tcp", port)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				go func() { _, _ = io.WriteString(c, input) }() // it may be cut off
				if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
					t.Fatal(err)
				}
				answer := make([]byte, 4<<10)
				if got, err := bufio.NewReader(c).Read(answer); got == 0 && !cutOff(err) {
					t.Errorf("neither answered nor cut off: %v", err)
				}
			})
		}
	}
	ann.say("undisturbed")
	ann.mustHear("undisturbed")
}

// cutOff says whether the other side ended the connection.
func cutOff(err error) bool {
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestAdminPortAnswersOtherSitesPagesNothing(t *testing.T) {
	n := startNode(t, nil)
	for _, c := range []struct {
		method, site string
		status       int
	}{{"GET", "cross-site", 403}, {"GET", "same-site", 403}, {"GET", "none", 200}, {"GET", "", 200}, {"POST", "", 405}} {
		q, err := http.NewRequestWithContext(t.Context(), c.method, n.admin.URL+"/stats/count/total", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.site != "" {
			q.Header.Set("Sec-Fetch-Site", c.site)
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != c.status {
			t.Errorf("%+v: %d", c, r.StatusCode)
		}
	}
}
