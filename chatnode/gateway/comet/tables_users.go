package comet

import (
	"context"
	"strconv"
	"strings"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// ids are those of the keys that are ids of users; others have no rows.
func ids(keys []string) (names []string) {
	for _, key := range keys {
		if n, err := strconv.ParseInt(strings.TrimSpace(key), 10, 64); err == nil && n > 0 {
			names = append(names, strconv.FormatInt(n, 10))
		}
	}
	return names
}

// idIn is the id of a row that is to be written.
func idIn(row map[string]string) (name string, id uint64, err error) {
	n, err := strconv.ParseInt(strings.TrimSpace(row["id"]), 10, 64)
	if err != nil || n <= 0 {
		return "", 0, cometql.Errorf(cometql.CodeInvalid, "Column `id` must be a number greater than 0")
	}
	return strconv.FormatInt(n, 10), uint64(n), nil
}

// needed gives the values by which rows are to be deleted.
func needed(where map[string][]string, column string) ([]string, error) {
	if len(where[column]) == 0 {
		return nil, cometql.Errorf(cometql.CodeWhere, "Deletion without values of `%s` is not supported", column)
	}
	return where[column], nil
}

func (g *Gateway) selectAuth(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, name := range ids(keys) {
		auth, _, err := load[authRow](ctx, g.rows, app, aboutAuth, name)
		if err != nil {
			return nil, err
		}
		if auth.Hash != "" {
			rows = append(rows, []string{name, auth.Hash})
		}
	}
	return rows, nil
}

// hashLetters are those of a hash.
const hashLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=+/_"

func (g *Gateway) insertAuth(ctx context.Context, app string, row map[string]string) (*mysql.Result, error) {
	name, id, err := idIn(row)
	if err != nil {
		return nil, err
	}
	hash := row["hash"]
	if hash == "" || len(hash) > hashLength || strings.Trim(hash, hashLetters) != "" {
		return nil, cometql.Errorf(cometql.CodeInvalid, "Column `hash` has 1 to %d letters, digits and =+/_", hashLength)
	}
	_, err = change(ctx, g.rows, app, aboutAuth, name, func(auth *authRow) bool {
		auth.Hash, auth.Set = hash, g.now().UnixMilli()
		return true
	})
	return &mysql.Result{Affected: 1, InsertID: id}, err
}

func (g *Gateway) deleteAuth(ctx context.Context, app string, where map[string][]string) error {
	keys, err := needed(where, "id")
	if err != nil {
		return err
	}
	for _, name := range ids(keys) {
		if err := g.signOut(ctx, app, name); err != nil {
			return err
		}
	}
	return nil
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

func (g *Gateway) selectTimes(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	names := ids(keys)
	times, err := g.lastSeen(ctx, chat.Actor{App: app, Server: true}, names)
	for i, at := range times {
		rows = append(rows, []string{names[i], strconv.FormatInt(at, 10)})
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

func (g *Gateway) selectPrivate(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, name := range ids(keys) {
		seen, _, err := load[queueRow](ctx, g.rows, app, aboutQueue, name)
		if err != nil {
			return nil, err
		}
		shown := 0
		err = g.queued(ctx, personal(app, name), seen, func(_ *backbone.Message, n notice, event string) bool {
			rows = append(rows, []string{name, n.ID, event, n.Text})
			shown++
			return shown < maxQueued
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (g *Gateway) insertPrivate(ctx context.Context, app string, row map[string]string) (*mysql.Result, error) {
	name, id, err := idIn(row)
	if err != nil {
		return nil, err
	}
	if err := checkEvent(row["event"]); err != nil {
		return nil, err
	}
	_, err = g.options.Chat.Notify(ctx, chat.Actor{App: app, Server: true}, chat.Notice{
		User: name, Text: row["message"], Data: extraOf(row["event"]),
	})
	return &mysql.Result{InsertID: id}, err
}

// deletePrivate makes that everything which waits counts as delivered.
func (g *Gateway) deletePrivate(ctx context.Context, app string, where map[string][]string) error {
	keys, err := needed(where, "id")
	if err != nil {
		return err
	}
	for _, name := range ids(keys) {
		page, err := g.options.Log.Before(ctx, personal(app, name), 0, 1)
		if err != nil {
			return err
		}
		end := queueRow{Epoch: page.Head.Epoch, Offset: page.Head.Offset, Time: g.now().UnixMilli()}
		if len(page.Messages) > 0 {
			end.Time = page.Messages[0].Time
		}
		_, err = change(ctx, g.rows, app, aboutQueue, name, func(row *queueRow) bool {
			if row.Epoch == end.Epoch && row.Offset >= end.Offset {
				return false
			}
			*row = end
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) selectData(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, name := range ids(keys) {
		kept, there, err := load[dataRow](ctx, g.rows, app, aboutData, name)
		if err != nil {
			return nil, err
		}
		if there {
			rows = append(rows, []string{name, kept.Data})
		}
	}
	return rows, nil
}

func (g *Gateway) insertData(ctx context.Context, app string, row map[string]string) (*mysql.Result, error) {
	name, id, err := idIn(row)
	if err != nil {
		return nil, err
	}
	_, err = change(ctx, g.rows, app, aboutData, name, func(kept *dataRow) bool {
		kept.Data = row["data"]
		return true
	})
	return &mysql.Result{Affected: 1, InsertID: id}, err
}

func (g *Gateway) deleteData(ctx context.Context, app string, where map[string][]string) error {
	keys, err := needed(where, "id")
	for _, name := range ids(keys) {
		if err == nil {
			err = g.rows.drop(ctx, app, aboutData, name)
		}
	}
	return err
}

func (g *Gateway) selectTokens(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	if keys == nil {
		_, all, err := list[tokenRow](ctx, g.rows, app, aboutToken)
		for _, row := range all {
			rows = append(rows, []string{row.Token})
		}
		return rows, err
	}
	for _, key := range keys {
		_, there, err := load[tokenRow](ctx, g.rows, app, aboutToken, key)
		if err != nil {
			return nil, err
		}
		if there {
			rows = append(rows, []string{key})
		}
	}
	return rows, nil
}

// insertToken refuses a token from now on, and signs its user out.
func (g *Gateway) insertToken(ctx context.Context, app string, row map[string]string) (*mysql.Result, error) {
	token := row["token"]
	if token == "" || len(token) > maxKey {
		return nil, cometql.Errorf(cometql.CodeInvalid, "Column `token` has 1 to %d bytes", maxKey)
	}
	_, err := change(ctx, g.rows, app, aboutToken, token, func(kept *tokenRow) bool {
		kept.Token = token
		return true
	})
	if err != nil {
		return nil, err
	}
	if c, _, _, parsed := parseToken(token); parsed == nil && *c.UserID > 0 {
		err = g.signOut(ctx, app, strconv.FormatInt(*c.UserID, 10))
	}
	return &mysql.Result{Affected: 1, InsertID: 1}, err
}

func (g *Gateway) deleteTokens(ctx context.Context, app string, where map[string][]string) error {
	keys, err := needed(where, "token")
	for _, key := range keys {
		if err == nil {
			err = g.rows.drop(ctx, app, aboutToken, key)
		}
	}
	return err
}
