package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// Publish sends data, JSON, to a channel and waits until it is durable. The server chooses the message's id: a retry may store it twice.
func (c *Client) Publish(ctx context.Context, channel string, data []byte) error {
	_, err := c.Do(ctx, &protocol.Command{Publish: &protocol.PublishRequest{Channel: channel, Data: data}})
	return err
}

// RPC calls a method with its request, and gives its result, both JSON.
func (c *Client) RPC(ctx context.Context, method string, data []byte) ([]byte, error) {
	reply, err := c.Do(ctx, &protocol.Command{RPC: &protocol.RPCRequest{Method: method, Data: data}})
	if err != nil {
		return nil, err
	}
	return reply.RPC.Data, nil
}

// Sent is the server's receipt of a message: it is durable.
type Sent struct {
	ID     string `json:"id"`
	Offset uint64 `json:"offset"`
	Time   int64  `json:"time"` // milliseconds since 1970
}

// Send calls chat.send. It can be repeated with the same id.
func (c *Client) Send(ctx context.Context, room, id, text string) (Sent, error) {
	request, err := json.Marshal(map[string]string{"room": room, "id": id, "text": text})
	if err != nil {
		return Sent{}, err
	}
	data, err := c.RPC(ctx, "chat.send", request)
	if err != nil {
		return Sent{}, err
	}
	var sent Sent
	if err := json.Unmarshal(data, &sent); err != nil {
		return Sent{}, fmt.Errorf("result of chat.send: %w", err)
	}
	return sent, nil
}

// History reads a page; see protocol.HistoryRequest.
func (c *Client) History(ctx context.Context, q protocol.HistoryRequest) (*protocol.HistoryResult, error) {
	reply, err := c.Do(ctx, &protocol.Command{History: &q})
	if err != nil {
		return nil, err
	}
	return reply.History, nil
}

// Presence tells who is in a channel, by connection id.
func (c *Client) Presence(ctx context.Context, channel string) (map[string]*protocol.ClientInfo, error) {
	reply, err := c.Do(ctx, &protocol.Command{Presence: &protocol.PresenceRequest{Channel: channel}})
	if err != nil {
		return nil, err
	}
	return reply.Presence.Presence, nil
}

// PresenceStats tells how many are in a channel.
func (c *Client) PresenceStats(ctx context.Context, channel string) (*protocol.PresenceStatsResult, error) {
	reply, err := c.Do(ctx, &protocol.Command{PresenceStats: &protocol.PresenceStatsRequest{Channel: channel}})
	if err != nil {
		return nil, err
	}
	return reply.PresenceStats, nil
}

// Refresh brings a new connection token, also for later connections.
func (c *Client) Refresh(ctx context.Context, token string) (*protocol.RefreshResult, error) {
	c.setToken(token)
	reply, err := c.Do(ctx, &protocol.Command{Refresh: &protocol.RefreshRequest{Token: token}})
	if err != nil {
		return nil, err
	}
	return reply.Refresh, nil
}

// Ping asks for an empty answer.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Do(ctx, &protocol.Command{Ping: &protocol.PingRequest{}})
	return err
}
