package interwork

import (
	"context"
	"encoding/json"
	"net/http"
)

// pulled reads a chat of distributed-chat from its beginning.
func (n *node) pulled(chat string) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		page, err := n.pullPage(ctx, chat, 0, 1000)
		return textsOf(page.Messages), err
	}
}

// pullPage is a page of a chat.
type pullPage struct {
	Messages []struct{ Text string }
	Next     int64 `json:"next_cursor"`
	More     bool  `json:"has_more"`
}

func (n *node) pullPage(ctx context.Context, chat string, cursor int64, limit int) (page pullPage, err error) {
	q := map[string]any{"chat": chat, "cursor": cursor, "limit": limit}
	body, _, err := request(ctx, http.MethodGet, "http://"+n.pull+"/api/pull", q)
	if err != nil {
		return page, err
	}
	return page, json.Unmarshal([]byte(body), &page)
}

func textsOf(messages []struct{ Text string }) (texts []string) {
	for _, m := range messages {
		texts = append(texts, m.Text)
	}
	return texts
}

func (n *node) pullSend(chat, sender string) func(ctx context.Context, text string) error {
	return func(ctx context.Context, text string) error {
		_, _, err := request(ctx, http.MethodPost, "http://"+n.pull+"/api/send", map[string]any{"chat": chat, "sender": sender, "text": text})
		return err
	}
}
