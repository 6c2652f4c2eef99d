package protocol

import "encoding/json"

// Command is what a client asks: exactly one request, or none, which is the answer to the server's ping.
type Command struct {
	ID            uint32                `json:"id,omitempty" pb:"1"` // repeated in the reply; 0 only for send and pong
	Connect       *ConnectRequest       `json:"connect,omitempty" pb:"4"`
	Subscribe     *SubscribeRequest     `json:"subscribe,omitempty" pb:"5"`
	Unsubscribe   *UnsubscribeRequest   `json:"unsubscribe,omitempty" pb:"6"`
	Publish       *PublishRequest       `json:"publish,omitempty" pb:"7"`
	Presence      *PresenceRequest      `json:"presence,omitempty" pb:"8"`
	PresenceStats *PresenceStatsRequest `json:"presence_stats,omitempty" pb:"9"`
	History       *HistoryRequest       `json:"history,omitempty" pb:"10"`
	Ping          *PingRequest          `json:"ping,omitempty" pb:"11"`
	Send          *SendRequest          `json:"send,omitempty" pb:"12"` // has no reply
	RPC           *RPCRequest           `json:"rpc,omitempty" pb:"13"`
	Refresh       *RefreshRequest       `json:"refresh,omitempty" pb:"14"`
	SubRefresh    *SubRefreshRequest    `json:"sub_refresh,omitempty" pb:"15"`
}

// IsPong tells whether the command is the empty one that answers a ping.
func (c *Command) IsPong() bool { return *c == Command{} }

func (c *Command) requests() int {
	count := 0
	for _, set := range [...]bool{
		c.Connect != nil, c.Subscribe != nil, c.Unsubscribe != nil, c.Publish != nil, c.Presence != nil, c.PresenceStats != nil,
		c.History != nil, c.Ping != nil, c.Send != nil, c.RPC != nil, c.Refresh != nil, c.SubRefresh != nil,
	} {
		if set {
			count++
		}
	}
	return count
}

// ConnectRequest opens the session; it is the first command of a connection.
type ConnectRequest struct {
	Token   string                       `json:"token,omitempty" pb:"1"`
	Data    json.RawMessage              `json:"data,omitempty" pb:"2"`
	Subs    map[string]*SubscribeRequest `json:"subs,omitempty" pb:"3"` // by channel: positions of server-side subscriptions
	Name    string                       `json:"name,omitempty" pb:"4"` // of the client's library
	Version string                       `json:"version,omitempty" pb:"5"`
	Headers map[string]string            `json:"headers,omitempty" pb:"6"`
}

// SubscribeRequest asks for the publications of a channel, with Recover after the position (Epoch, Offset).
type SubscribeRequest struct {
	Channel     string          `json:"channel,omitempty" pb:"1"`
	Token       string          `json:"token,omitempty" pb:"2"`
	Recover     bool            `json:"recover,omitempty" pb:"3"`
	Epoch       string          `json:"epoch,omitempty" pb:"6"`
	Offset      uint64          `json:"offset,omitempty" pb:"7"`
	Data        json.RawMessage `json:"data,omitempty" pb:"8"`
	Positioned  bool            `json:"positioned,omitempty" pb:"9"`
	Recoverable bool            `json:"recoverable,omitempty" pb:"10"`
	JoinLeave   bool            `json:"join_leave,omitempty" pb:"11"`
	Delta       string          `json:"delta,omitempty" pb:"12"` // the kind of delta compression the client offers
}

// UnsubscribeRequest ends a subscription.
type UnsubscribeRequest struct {
	Channel string `json:"channel,omitempty" pb:"1"`
}

// PublishRequest sends data to a channel.
type PublishRequest struct {
	Channel string          `json:"channel,omitempty" pb:"1"`
	Data    json.RawMessage `json:"data,omitempty" pb:"2"`
}

// PresenceRequest asks who is in a channel.
type PresenceRequest struct {
	Channel string `json:"channel,omitempty" pb:"1"`
}

// PresenceStatsRequest asks how many are in a channel.
type PresenceStatsRequest struct {
	Channel string `json:"channel,omitempty" pb:"1"`
}

// HistoryRequest asks for publications after Since, or before it with Reverse; without Since from the respective end.
type HistoryRequest struct {
	Channel string          `json:"channel,omitempty" pb:"1"`
	Limit   int32           `json:"limit,omitempty" pb:"7"` // 0: only the position of the channel; below 0: as many as the server gives
	Since   *StreamPosition `json:"since,omitempty" pb:"8"` // exclusive
	Reverse bool            `json:"reverse,omitempty" pb:"9"`
}

// StreamPosition is a place in the log of a channel.
type StreamPosition struct {
	Offset uint64 `json:"offset,omitempty" pb:"1"`
	Epoch  string `json:"epoch,omitempty" pb:"2"`
}

// PingRequest asks for an empty reply.
type PingRequest struct{}

// SendRequest carries data that is not answered.
type SendRequest struct {
	Data json.RawMessage `json:"data,omitempty" pb:"1"`
}

// RPCRequest calls a method of the chat service.
type RPCRequest struct {
	Data   json.RawMessage `json:"data,omitempty" pb:"1"`
	Method string          `json:"method,omitempty" pb:"2"`
}

// RefreshRequest brings a new connection token.
type RefreshRequest struct {
	Token string `json:"token,omitempty" pb:"1"`
}

// SubRefreshRequest brings a new subscription token.
type SubRefreshRequest struct {
	Channel string `json:"channel,omitempty" pb:"1"`
	Token   string `json:"token,omitempty" pb:"2"`
}
