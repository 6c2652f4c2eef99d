package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chatfleet/chatfleet/test/process"
)

// pushClients is how many connections ask at once, as many as wrk is told to make for cHaTTP.
const pushClients = 50

// BenchmarkPush measures what cHaTTP published of itself: requests a second that ask whether somebody is online, and that send, to a receiver
// who polls and to one who has no session.
func BenchmarkPush(b *testing.B) {
	address := fmt.Sprintf("127.0.0.1:%d", process.ReservePort(b))
	node := process.StartChatnode(b, process.ChatnodeOptions{Flags: []string{"--push-listen", address, "--messages-per-second=1000000"}})
	transport := &http.Transport{MaxIdleConnsPerHost: pushClients + 1}
	defer transport.CloseIdleConnections()
	p := &pusher{url: "http://" + address, client: &http.Client{Transport: transport}, pid: node.PID()}
	for _, user := range []string{"ann", "bob", "carl"} {
		must(b, p.command("register?user_name="+user+"&password=pw", nil))
	}
	var ann, bob struct {
		Channel string `json:"channel_id"`
	}
	must(b, p.command("login?user_name=ann&password=pw", &ann))
	must(b, p.command("login?user_name=bob&password=pw", &bob))
	p.text = strings.Repeat("x", size.Text)
	send := "send?user_name=ann&channel_id=" + ann.Channel + "&dest_user="
	b.Run("isonline", func(b *testing.B) { p.measure(b, "isonline", "isonline?user_name=bob") })
	b.Run("saved", func(b *testing.B) { p.measure(b, "saved", send+"carl") })
	b.Run("send", func(b *testing.B) {
		var stop atomic.Bool
		var receiving sync.WaitGroup
		receiving.Go(func() { p.receive(b, bob.Channel, &stop) })
		p.measure(b, "send", send+"bob")
		stop.Store(true)
		must(b, p.command(send+"bob", nil)) // wakes the poll
		receiving.Wait()
	})
}

// pusher asks a node.
type pusher struct {
	url, text string
	client    *http.Client
	pid       int
}

// command gives one, and reads its answer into what answered points at, if it is not nil.
func (p *pusher) command(query string, answered any) error {
	response, err := p.client.Post(p.url+"/chattp_request/"+query, "text/plain", strings.NewReader(p.text))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.HasPrefix(string(body), `{"status":true`) {
		return fmt.Errorf("%d %q: %w", response.StatusCode, body, err)
	}
	if answered == nil {
		return nil
	}
	return json.Unmarshal(body, answered)
}

// measure lets all clients ask the same, again and again.
func (p *pusher) measure(b *testing.B, what, query string) {
	var answered atomic.Int64
	var stop atomic.Bool
	var asking sync.WaitGroup
	for range pushClients {
		asking.Go(func() {
			for !stop.Load() {
				if err := p.command(query, nil); err != nil {
					b.Error(err)
					return
				}
				answered.Add(1)
			}
		})
	}
	meter, err := startMeter(p.pid)
	must(b, err)
	before := answered.Load()
	must(b, pause(b.Context(), size.duration()))
	_, passed, err := meter.read()
	must(b, err)
	done := answered.Load() - before
	record(b, ours, "push-"+what+"/s", float64(done)/passed.Seconds())
	record(b, ours, "push-"+what+"-µs", perUnit(b, meter, done))
	b.ReportMetric(0, "ns/op") // leaves the line without it
	stop.Store(true)
	asking.Wait()
}

// receive polls until it is told to stop.
func (p *pusher) receive(b *testing.B, channel string, stop *atomic.Bool) {
	tag := ""
	for !stop.Load() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, p.url+"/sub?channel_id="+channel, nil)
		if err == nil && tag != "" {
			request.Header.Set("If-None-Match", tag)
		}
		var response *http.Response
		if err == nil {
			response, err = p.client.Do(request)
		}
		if err != nil {
			b.Error(err)
			return
		}
		tag = response.Header.Get("Etag")
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}
