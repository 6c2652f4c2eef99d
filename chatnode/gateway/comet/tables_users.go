package comet

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
)

// userKey is the key of tables of users: their ids, which are their names.
var userKey = keyKind{
	name: func(text string) (string, bool) {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		return strconv.FormatInt(n, 10), err == nil && n > 0
	},
	rule: "Column `id` must be a number greater than 0",
	insertID: func(name string) uint64 {
		id, _ := strconv.ParseUint(name, 10, 64) // it was one
		return id
	},
}

// dropRow removes what is kept of a user or a token.
func (g *Gateway) dropRow(about string) func(ctx context.Context, app, name string) error {
	return func(ctx context.Context, app, name string) error { return g.rows.drop(ctx, app, about, name) }
}

func (g *Gateway) selectAuth(ctx context.Context, app, user string) ([][]string, error) {
	auth, _, err := load[authRow](ctx, g.rows, app, aboutAuth, user)
	return oneRow(auth.Hash != "", err, user, auth.Hash)
}

// hashLetters are those of a hash.
const hashLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=+/_"

func (g *Gateway) insertAuth(ctx context.Context, app, user string, row map[string]string) error {
	hash := row["hash"]
	if hash == "" || len(hash) > hashLength || strings.Trim(hash, hashLetters) != "" {
		return cometql.Errorf(cometql.CodeInvalid, "Column `hash` has 1 to %d letters, digits and =+/_", hashLength)
	}
	_, err := change(ctx, g.rows, app, aboutAuth, user, func(auth *authRow) bool {
		auth.Hash, auth.Set = hash, g.now().UnixMilli()
		return true
	})
	return err
}

// signOut takes a user's hash away, and ends the user's connections on all nodes.
func (g *Gateway) signOut(ctx context.Context, app, user string) error {
	_, err := change(ctx, g.rows, app, aboutAuth, user, func(auth *authRow) bool {
		auth.Hash, auth.Set = "", g.now().UnixMilli()
		auth.Generation++
		return true
	})
	return err
}

func (g *Gateway) selectTimes(ctx context.Context, app string, users []string) (rows [][]string, err error) {
	times, err := g.lastSeen(ctx, chat.Actor{App: app, Server: true}, users)
	for i, at := range times {
		rows = append(rows, []string{users[i], strconv.FormatInt(at, 10)})
	}
	return rows, err
}

// presencePage is of how many users chat tells at a time.
const presencePage = 100

// lastSeen gives, for each user, 0 if the user is here, the unix time when the user was here last, or -1.
func (g *Gateway) lastSeen(ctx context.Context, a chat.Actor, users []string) (times []int64, err error) {
	for len(users) > 0 {
		page := users[:min(len(users), presencePage)]
		users = users[len(page):]
		reply, err := g.options.Chat.Presence(ctx, a, &chatv1.PresenceRequest{Users: page})
		if err != nil {
			return nil, err
		}
		for _, u := range reply.GetUsers() {
			at := int64(-1)
			switch {
			case u.GetStatus() != chatv1.Status_STATUS_UNSPECIFIED && u.GetStatus() != chatv1.Status_STATUS_HIDDEN:
				at = 0
			case u.GetLastSeen() > 0:
				at = u.GetLastSeen() / 1000
			}
			times = append(times, at)
		}
	}
	return times, nil
}

// personal is the feed of a user.
func personal(app, user string) backbone.Feed {
	return backbone.Feed{Kind: layout.User, App: app, Name: user}
}

// maxQueued is how many undelivered messages of a user are shown.
const maxQueued = 1000

func (g *Gateway) selectPrivate(ctx context.Context, app, user string) (rows [][]string, err error) {
	seen, _, err := load[queueRow](ctx, g.rows, app, aboutQueue, user)
	if err != nil {
		return nil, err
	}
	_, err = g.queued(ctx, personal(app, user), seen, func(_ *backbone.Message, n notice, event string) bool {
		rows = append(rows, []string{user, n.ID, event, n.Text})
		return len(rows) < maxQueued
	})
	return rows, err
}

func (g *Gateway) insertPrivate(ctx context.Context, app, user string, row map[string]string) error {
	if err := checkEvent(row["event"]); err != nil {
		return err
	}
	_, err := g.options.Chat.Notify(ctx, chat.Actor{App: app, Server: true}, chat.Notice{
		User: user, Text: row["message"], Data: extraOf(row["event"]),
	})
	return err
}

// deletePrivate makes that everything which waits counts as delivered.
func (g *Gateway) deletePrivate(ctx context.Context, app, user string) error {
	page, err := g.options.Log.Before(ctx, personal(app, user), 0, 1)
	if err != nil {
		return err
	}
	end := queueRow{Epoch: page.Head.Epoch, Offset: page.Head.Offset, Time: g.now().UnixMilli()}
	if len(page.Messages) > 0 {
		end.Time = page.Messages[0].Time
	}
	return g.moveQueue(ctx, app, user, end)
}

func (g *Gateway) selectData(ctx context.Context, app, user string) ([][]string, error) {
	kept, there, err := load[dataRow](ctx, g.rows, app, aboutData, user)
	return oneRow(there, err, user, kept.Data)
}

func (g *Gateway) insertData(ctx context.Context, app, user string, row map[string]string) error {
	_, err := change(ctx, g.rows, app, aboutData, user, func(kept *dataRow) bool {
		kept.Data = row["data"]
		return true
	})
	return err
}

// tokenKey is the key of revoked_tokens.
var tokenKey = keyKind{
	name:     func(text string) (string, bool) { return text, text != "" && len(text) <= maxKey },
	rule:     fmt.Sprintf("Column `token` has 1 to %d bytes", maxKey),
	insertID: func(string) uint64 { return 1 },
}

func (g *Gateway) selectToken(ctx context.Context, app, token string) ([][]string, error) {
	_, there, err := load[tokenRow](ctx, g.rows, app, aboutToken, token)
	return oneRow(there, err, token)
}

func (g *Gateway) allTokens(ctx context.Context, app string) (rows [][]string, err error) {
	_, all, err := list[tokenRow](ctx, g.rows, app, aboutToken)
	for _, row := range all {
		rows = append(rows, []string{row.Token})
	}
	return rows, err
}

// insertToken refuses a token from now on, and signs its user out.
func (g *Gateway) insertToken(ctx context.Context, app, token string, _ map[string]string) error {
	_, err := change(ctx, g.rows, app, aboutToken, token, func(kept *tokenRow) bool {
		kept.Token = token
		return true
	})
	if c, _, _, parsed := parseToken(token); err == nil && parsed == nil && *c.UserID > 0 {
		err = g.signOut(ctx, app, strconv.FormatInt(*c.UserID, 10))
	}
	return err
}
