package comet

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// listener is somebody who listens to a pipe, as presence shows it.
type listener struct {
	UserID int64
	UUID   string
	Client string
	// Since is when this one came, in seconds since 1970.
	Since                       int64
	Agent, IP, Origin, Language string
}

// clientInfo is the form in which presence keeps a listener. What stands under comet other protocols don't show.
type clientInfo struct {
	User   string   `json:"user"`
	Client string   `json:"client"`
	Comet  *browser `json:"comet,omitempty"`
}

// browser is what is known of a browser.
type browser struct {
	UUID     string `json:"uuid,omitempty"`
	Agent    string `json:"agent,omitempty"`
	IP       string `json:"ip,omitempty"`
	Origin   string `json:"origin,omitempty"`
	Language string `json:"language,omitempty"`
	Since    int64  `json:"since,omitempty"`
}

// maxHeader bounds what is kept of each header, in bytes: presence has room for some hundred listeners of a node.
const maxHeader = 120

// browserOf is what a request tells of its browser.
func browserOf(r *http.Request, c *conn.Conn, uuid string) browser {
	header := func(name string) string {
		value := r.Header.Get(name)
		return value[:min(len(value), maxHeader)]
	}
	return browser{UUID: uuid, Agent: header("User-Agent"), IP: c.RemoteAddr(), Origin: header("Origin"), Language: header("Accept-Language")}
}

// info is a listener as presence keeps it; client is new with every subscription.
func (b browser) info(user, client string, since int64) []byte {
	b.Since = since
	return marshal(clientInfo{User: user, Client: client, Comet: &b})
}

// listenerOf reads what presence keeps, also of listeners on other protocols.
func listenerOf(info []byte) listener {
	var kept clientInfo
	if json.Unmarshal(info, &kept) != nil {
		return listener{} // of a node of another version
	}
	l := listener{Client: kept.Client}
	l.UserID, _ = numberOf(kept.User)
	if b := kept.Comet; b != nil {
		l.UUID, l.Agent, l.IP, l.Origin, l.Language, l.Since = b.UUID, b.Agent, b.IP, b.Origin, b.Language, b.Since
	}
	return l
}

// row is a listener as users_in_pipes shows it.
func (l listener) row(pipe string) []string {
	return []string{pipe, strconv.FormatInt(l.UserID, 10), l.UUID, l.Agent, l.IP, l.Origin, l.Language}
}
