package protocol

import "encoding/json"

// Reply is what the server says: the result or the error of the command with the same ID, a push (no ID),
// or nothing at all, which is the server's ping.
type Reply struct {
	ID            uint32               `json:"id,omitempty" pb:"1"`
	Error         *Error               `json:"error,omitempty" pb:"2"`
	Push          *Push                `json:"push,omitempty" pb:"4"`
	Connect       *ConnectResult       `json:"connect,omitempty" pb:"5"`
	Subscribe     *SubscribeResult     `json:"subscribe,omitempty" pb:"6"`
	Unsubscribe   *UnsubscribeResult   `json:"unsubscribe,omitempty" pb:"7"`
	Publish       *PublishResult       `json:"publish,omitempty" pb:"8"`
	Presence      *PresenceResult      `json:"presence,omitempty" pb:"9"`
	PresenceStats *PresenceStatsResult `json:"presence_stats,omitempty" pb:"10"`
	History       *HistoryResult       `json:"history,omitempty" pb:"11"`
	Ping          *PingResult          `json:"ping,omitempty" pb:"12"`
	RPC           *RPCResult           `json:"rpc,omitempty" pb:"13"`
	Refresh       *RefreshResult       `json:"refresh,omitempty" pb:"14"`
	SubRefresh    *SubRefreshResult    `json:"sub_refresh,omitempty" pb:"15"`
}

// IsPing tells whether the reply is the empty one that asks the client for a sign of life.
func (r *Reply) IsPing() bool { return *r == Reply{} }

// ConnectResult tells the client about its session.
type ConnectResult struct {
	Client  string                      `json:"client,omitempty" pb:"1"` // the connection's id
	Version string                      `json:"version,omitempty" pb:"2"`
	Expires bool                        `json:"expires,omitempty" pb:"3"`
	TTL     uint32                      `json:"ttl,omitempty" pb:"4"` // seconds until the token must be refreshed
	Data    json.RawMessage             `json:"data,omitempty" pb:"5"`
	Subs    map[string]*SubscribeResult `json:"subs,omitempty" pb:"6"` // by channel: what the server subscribed the client to
	Ping    uint32                      `json:"ping,omitempty" pb:"7"` // seconds between two pings
	Pong    bool                        `json:"pong,omitempty" pb:"8"` // the client must answer pings
	Session string                      `json:"session,omitempty" pb:"9"`
	Node    string                      `json:"node,omitempty" pb:"10"`
	Time    int64                       `json:"time,omitempty" pb:"11"` // of the server, milliseconds since 1970
}

// SubscribeResult tells the position of a new subscription and what was missed before it.
type SubscribeResult struct {
	Expires       bool            `json:"expires,omitempty" pb:"1"`
	TTL           uint32          `json:"ttl,omitempty" pb:"2"` // seconds until the subscription token must be refreshed
	Recoverable   bool            `json:"recoverable,omitempty" pb:"3"`
	Epoch         string          `json:"epoch,omitempty" pb:"6"`
	Publications  []*Publication  `json:"publications,omitempty" pb:"7"`
	Recovered     bool            `json:"recovered,omitempty" pb:"8"` // Publications is everything after the requested position
	Offset        uint64          `json:"offset,omitempty" pb:"9"`
	Positioned    bool            `json:"positioned,omitempty" pb:"10"`
	Data          json.RawMessage `json:"data,omitempty" pb:"11"`
	WasRecovering bool            `json:"was_recovering,omitempty" pb:"12"`
	Delta         bool            `json:"delta,omitempty" pb:"13"`
}

// UnsubscribeResult confirms the end of a subscription.
type UnsubscribeResult struct{}

// PublishResult confirms that the data is durable.
type PublishResult struct{}

// PresenceResult tells who is in a channel, by connection id.
type PresenceResult struct {
	Presence map[string]*ClientInfo `json:"presence" pb:"1"`
}

// PresenceStatsResult tells how many connections and users are in a channel.
type PresenceStatsResult struct {
	NumClients uint32 `json:"num_clients" pb:"1"`
	NumUsers   uint32 `json:"num_users" pb:"2"`
}

// HistoryResult is a page of a channel's log and the position of its end.
type HistoryResult struct {
	Publications []*Publication `json:"publications" pb:"1"`
	Epoch        string         `json:"epoch" pb:"2"`
	Offset       uint64         `json:"offset" pb:"3"`
}

// PingResult answers a PingRequest.
type PingResult struct{}

// RPCResult is what the called method returned.
type RPCResult struct {
	Data json.RawMessage `json:"data,omitempty" pb:"1"`
}

// RefreshResult tells how long the new connection token is good for.
type RefreshResult struct {
	Client  string `json:"client,omitempty" pb:"1"`
	Version string `json:"version,omitempty" pb:"2"`
	Expires bool   `json:"expires,omitempty" pb:"3"`
	TTL     uint32 `json:"ttl,omitempty" pb:"4"` // seconds
}

// SubRefreshResult tells how long the new subscription token is good for.
type SubRefreshResult struct {
	Expires bool   `json:"expires,omitempty" pb:"1"`
	TTL     uint32 `json:"ttl,omitempty" pb:"2"` // seconds
}
