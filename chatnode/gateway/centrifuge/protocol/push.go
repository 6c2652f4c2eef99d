package protocol

import "encoding/json"

// Push is what the server says unasked: exactly one of the pointers is set.
type Push struct {
	Channel     string           `json:"channel,omitempty" pb:"2"`
	Pub         *Publication     `json:"pub,omitempty" pb:"4"`
	Join        *JoinPush        `json:"join,omitempty" pb:"5"`
	Leave       *LeavePush       `json:"leave,omitempty" pb:"6"`
	Unsubscribe *UnsubscribePush `json:"unsubscribe,omitempty" pb:"7"`
	Message     *MessagePush     `json:"message,omitempty" pb:"8"`
	Subscribe   *SubscribePush   `json:"subscribe,omitempty" pb:"9"`
	Connect     *ConnectPush     `json:"connect,omitempty" pb:"10"`
	Disconnect  *DisconnectPush  `json:"disconnect,omitempty" pb:"11"`
	Refresh     *RefreshPush     `json:"refresh,omitempty" pb:"12"`
}

// ClientInfo describes one connection of a user.
type ClientInfo struct {
	User     string          `json:"user" pb:"1"`
	Client   string          `json:"client" pb:"2"`              // the connection's id
	ConnInfo json.RawMessage `json:"conn_info,omitempty" pb:"3"` // from the connection token
	ChanInfo json.RawMessage `json:"chan_info,omitempty" pb:"4"` // from the subscription token
}

// Publication is one entry of a channel's log, or a signal that is not in it (Offset 0).
type Publication struct {
	Data   json.RawMessage   `json:"data,omitempty" pb:"4"`
	Info   *ClientInfo       `json:"info,omitempty" pb:"5"` // of the sender
	Offset uint64            `json:"offset,omitempty" pb:"6"`
	Tags   map[string]string `json:"tags,omitempty" pb:"7"`
	Delta  bool              `json:"delta,omitempty" pb:"8"`
	Time   int64             `json:"time,omitempty" pb:"9"` // milliseconds since 1970
}

// JoinPush says that a connection entered the channel.
type JoinPush struct {
	Info *ClientInfo `json:"info,omitempty" pb:"1"`
}

// LeavePush says that a connection left the channel.
type LeavePush struct {
	Info *ClientInfo `json:"info,omitempty" pb:"1"`
}

// UnsubscribePush says that the server ended the subscription.
type UnsubscribePush struct {
	Code   uint32 `json:"code" pb:"2"`
	Reason string `json:"reason" pb:"3"`
}

// MessagePush carries data that belongs to no channel.
type MessagePush struct {
	Data json.RawMessage `json:"data,omitempty" pb:"1"`
}

// SubscribePush says that the server subscribed the client to the channel.
type SubscribePush struct {
	Recoverable bool            `json:"recoverable,omitempty" pb:"1"`
	Epoch       string          `json:"epoch,omitempty" pb:"4"`
	Offset      uint64          `json:"offset,omitempty" pb:"5"`
	Positioned  bool            `json:"positioned,omitempty" pb:"6"`
	Data        json.RawMessage `json:"data,omitempty" pb:"7"`
}

// ConnectPush is the connect result of a transport on which the client sends no command.
type ConnectPush struct {
	Client  string                      `json:"client,omitempty" pb:"1"`
	Version string                      `json:"version,omitempty" pb:"2"`
	Data    json.RawMessage             `json:"data,omitempty" pb:"3"`
	Subs    map[string]*SubscribeResult `json:"subs,omitempty" pb:"4"`
	Expires bool                        `json:"expires,omitempty" pb:"5"`
	TTL     uint32                      `json:"ttl,omitempty" pb:"6"`
	Ping    uint32                      `json:"ping,omitempty" pb:"7"`
	Pong    bool                        `json:"pong,omitempty" pb:"8"`
	Session string                      `json:"session,omitempty" pb:"9"`
	Node    string                      `json:"node,omitempty" pb:"10"`
	Time    int64                       `json:"time,omitempty" pb:"11"`
}

// DisconnectPush stands for the close frame on transports that have none.
type DisconnectPush struct {
	Code      uint32 `json:"code" pb:"1"`
	Reason    string `json:"reason" pb:"2"`
	Reconnect bool   `json:"reconnect,omitempty" pb:"3"`
}

// RefreshPush tells a new lifetime of the connection.
type RefreshPush struct {
	Expires bool   `json:"expires,omitempty" pb:"1"`
	TTL     uint32 `json:"ttl,omitempty" pb:"2"` // seconds
}
