package heimdallr

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Admin answers on the port of statistics and failover, where everything is asked with GET and answered with JSON and an end of line.
func (g *Gateway) Admin() http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]func(*http.Request) any{
		"/health/view":              func(*http.Request) any { return plainOK },
		"/health/up":                g.healthUp,
		"/health/down":              g.healthDown,
		"/stats/count/total":        func(r *http.Request) any { return g.total(r, allRooms, g.counted()) },
		"/stats/count/rooms":        func(r *http.Request) any { return g.countRooms(r, everybody) },
		"/stats/count/rooms/guest":  func(r *http.Request) any { return g.countRooms(r, everybody) },
		"/stats/count/rooms/member": func(r *http.Request) any { return g.countRooms(r, nobody) },
		"/stats/count/room/{room}":  g.countRoom,
		"/stats/all":                g.everything,
		"/stats/all/pretty":         func(r *http.Request) any { return pretty{g.everything(r)} },
		"/stats/pretty":             func(r *http.Request) any { return pretty{g.everything(r)} },
		"/stats/rooms":              g.listRooms,
		"/stats/room/{room}":        g.listRoom,
		"/failover/{protocol}":      g.serveFailover,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { serveAdmin(w, r, serve) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusNotFound, noResource) })
	return mux
}

// plainOK is what commands answer, which is not JSON.
const plainOK = "200 OK"

// pretty is shown with line breaks.
type pretty struct{ of any }

func serveAdmin(w http.ResponseWriter, r *http.Request, serve func(*http.Request) any) {
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case r.Method != http.MethodGet:
		refuseMethod(w)
		return
	case site != "" && site != "none" && site != "same-origin":
		answer(w, http.StatusForbidden, "not for other sites' pages") // whose visitors may reach this port when they can't
		return
	}
	var body []byte
	switch result := serve(r).(type) {
	case string:
		body = []byte(result)
	case pretty:
		body, _ = json.MarshalIndent(result.of, "", "  ") // strings and numbers always have a form in JSON
	default:
		body, _ = json.Marshal(result)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\r', '\n')) // an error is a caller that has gone
}

// healthUp takes newcomers again.
func (g *Gateway) healthUp(r *http.Request) any {
	if err := g.endFailover(); err != nil {
		return g.because(r, "health port: "+err.Error())
	}
	return plainOK
}

// healthDown has load balancers send nobody.
func (g *Gateway) healthDown(*http.Request) any {
	if g.options.Health != nil {
		g.options.Health.Down()
	}
	return plainOK
}

// serveFailover sends all clients away, and says how many there were.
func (g *Gateway) serveFailover(r *http.Request) any {
	protocol := otherProtocol
	if strings.EqualFold(r.PathValue("protocol"), ownProtocol) {
		protocol = ownProtocol
	}
	g.beginFailover(protocol)
	before := g.counted()
	if !g.sendAway() {
		return g.because(r, "failover exception: the node is closed")
	}
	return g.total(r, allRooms, before)
}

// Forms of times.
const (
	toMinute = "2006-01-02_15:04"
	toSecond = "2006-01-02_15:04:05"
)

// answered is what most answers begin with.
type answered struct {
	Time string `json:"ts"`
	Node string `json:"node"`
}

func answeredBy(r *http.Request, form string) answered {
	return answered{time.Now().Format(form), addressOf(hostOf(r))}
}

// because says why there is nothing to answer.
func (g *Gateway) because(r *http.Request, reason string) any {
	return struct {
		answered
		Reason string `json:"reason"`
	}{answeredBy(r, toMinute), reason}
}
