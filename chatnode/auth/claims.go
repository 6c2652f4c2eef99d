package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	josejson "github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// DefaultApp is the app of a token without the claim app.
const DefaultApp = "default"

// Connection is what a connection token says.
type Connection struct {
	User      string    // claim sub, never empty
	App       string    // claim app, else DefaultApp
	ID        string    // claim jti, may be empty
	ExpiresAt time.Time // claim exp, zero: never
	IssuedAt  time.Time // claim iat, zero: not said
	// Admin is the claim admin: the bearer may do everything in the app.
	Admin bool
	// Info is the claim info as compact JSON, shown to other members as
	// conn_info; nil: none.
	Info json.RawMessage
	// Channels are subscribed by the server at connect, without options.
	Channels []string
	// Subs are subscribed by the server at connect, by channel.
	Subs map[string]SubscribeOptions
}

// SubscribeOptions is one entry of the claim subs.
type SubscribeOptions struct {
	Info json.RawMessage // chan_info of this member as compact JSON, nil: none
	Data json.RawMessage // handed to the client in the subscribe result, compact JSON, nil: none
}

// Subscription is what a subscription token says.
type Subscription struct {
	User      string          // claim sub, empty for an anonymous connection: compare with the connection's user
	Client    string          // claim client, the only connection id that may use it; empty: any
	Channel   string          // claim channel, never empty
	App       string          // claim app, else DefaultApp
	ExpiresAt time.Time       // claim exp, zero: never
	Info      json.RawMessage // claim info as compact JSON, shown as chan_info; nil: none
}

// claims is everything that we read from a token, of both kinds.
type claims struct {
	jwt.Claims
	App      string   `json:"app"`
	Admin    bool     `json:"admin"`
	Client   string   `json:"client"`
	Channel  *string  `json:"channel"`
	Channels []string `json:"channels"`
	Subs     map[string]struct {
		Info compactJSON `json:"info"`
		Data compactJSON `json:"data"`
	} `json:"subs"`
	Info compactJSON `json:"info"`
}

// compactJSON is JSON without white space between its parts: it is spliced into
// frames, where a newline ends a reply. A null counts as absent.
type compactJSON json.RawMessage

func (c *compactJSON) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		*c = nil
		return nil
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return err
	}
	*c = out.Bytes()
	return nil
}

// decodeClaims reads a verified payload, by the decoder of the library because
// it refuses names given twice. The decoder's own errors can quote the token.
func decodeClaims(payload []byte) (claims, error) {
	if !utf8.Valid(payload) {
		return claims{}, fmt.Errorf("%w: not UTF-8", ErrClaims)
	}
	var c claims
	if err := josejson.Unmarshal(payload, &c); err != nil {
		return claims{}, fmt.Errorf("%w: not the expected JSON", ErrClaims)
	}
	if c.App == "" {
		c.App = DefaultApp
	}
	return c, nil
}

func (c claims) connection() (Connection, error) {
	if c.Channel != nil {
		return Connection{}, fmt.Errorf("%w: it has a channel, so it is a subscription token", ErrPurpose)
	}
	if c.Subject == "" {
		return Connection{}, fmt.Errorf("%w: no sub", ErrClaims)
	}
	var subs map[string]SubscribeOptions
	if len(c.Subs) > 0 {
		subs = make(map[string]SubscribeOptions, len(c.Subs))
	}
	for channel, o := range c.Subs {
		subs[channel] = SubscribeOptions{Info: json.RawMessage(o.Info), Data: json.RawMessage(o.Data)}
	}
	return Connection{
		User:      c.Subject,
		App:       c.App,
		ID:        c.ID,
		ExpiresAt: c.Expiry.Time(),
		IssuedAt:  c.IssuedAt.Time(),
		Admin:     c.Admin,
		Info:      json.RawMessage(c.Info),
		Channels:  c.Channels,
		Subs:      subs,
	}, nil
}

func (c claims) subscription() (Subscription, error) {
	if c.Channel == nil || *c.Channel == "" {
		return Subscription{}, fmt.Errorf("%w: it has no channel, so it is no subscription token", ErrPurpose)
	}
	return Subscription{
		User:      c.Subject,
		Client:    c.Client,
		Channel:   *c.Channel,
		App:       c.App,
		ExpiresAt: c.Expiry.Time(),
		Info:      json.RawMessage(c.Info),
	}, nil
}
