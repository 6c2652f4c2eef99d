package comet

import (
	"context"
	"fmt"
	"strconv"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
)

// pipeKey is the key of tables of pipes: the names that backends may give them.
var pipeKey = keyKind{
	name: func(text string) (string, bool) {
		return text, len(text) >= minSQLName && len(text) <= maxName && nameable(text)
	},
	rule: fmt.Sprintf("Column `name` has %d to %d letters, digits, _ and -", minSQLName, maxName),
}

func checkEvent(event string) error {
	if len(event) > maxName || !nameable(event) {
		return cometql.Errorf(cometql.CodeInvalid, "Column `event` has at most %d letters, digits, _ and -", maxName)
	}
	return nil
}

func (g *Gateway) selectMessages(ctx context.Context, app, pipe string) (rows [][]string, err error) {
	past, err := g.history(ctx, chat.Actor{App: app, Server: true}, pipe)
	for i, m := range past {
		rows = append(rows, m.row(i))
	}
	return rows, err
}

// row is a message as pipes_messages shows it, with its number there.
func (m past) row(index int) []string {
	return []string{
		m.id, strconv.FormatInt(m.time/1000, 10), m.pipe, strconv.Itoa(index), m.event, m.payload, strconv.FormatInt(m.user, 10),
	}
}

func (g *Gateway) insertMessage(ctx context.Context, app, pipe string, row map[string]string) error {
	if err := checkEvent(row["event"]); err != nil {
		return err
	}
	_, err := g.options.Chat.Send(ctx, chat.Actor{App: app, Server: true}, sendRequest(pipe, row["message"], newID(), extra{Event: row["event"]}))
	return err
}

// deleteMessages takes the whole past of pipes away, or some of its messages. If no pipe is named they are looked for, by their ids, in all
// that have a setting.
func (g *Gateway) deleteMessages(ctx context.Context, app string, s *cometql.Statement) error {
	t := g.tables[s.Table]
	names, rest, err := t.asked(s)
	if err != nil {
		return err
	}
	pipes := pipeKey.names(names)
	if names == nil {
		if pipes, err = g.pipesWithIDs(ctx, app, s); err != nil {
			return err
		}
	}
	if len(rest) == 0 && s.Limit == nil {
		for _, pipe := range pipes {
			if err := g.clear(ctx, app, pipe); err != nil {
				return err
			}
		}
		return nil
	}
	var met []past
	for _, pipe := range pipes {
		all, err := g.history(ctx, chat.Actor{App: app, Server: true}, pipe)
		if err != nil {
			return err
		}
		for i, m := range all {
			if t.meets(m.row(i), rest) {
				met = append(met, m)
			}
		}
	}
	if met, err = cometql.Cut(s, met); err != nil {
		return err
	}
	for _, m := range met {
		if err := g.erase(ctx, app, m); err != nil {
			return err
		}
	}
	return nil
}

// pipesWithIDs are those in which the messages may be that a statement names by their ids alone.
func (g *Gateway) pipesWithIDs(ctx context.Context, app string, s *cometql.Statement) ([]string, error) {
	ids := s.On("id")
	if ids == nil {
		return nil, cometql.Errorf(cometql.CodeWhere, "Deletion without values of `name` or `id` is not supported")
	}
	if _, err := single(*ids); err != nil {
		return nil, err
	}
	pipes, _, err := list[pipeRow](ctx, g.rows, app, aboutPipe)
	return pipes, err
}

func (g *Gateway) selectPipe(ctx context.Context, app, pipe string) ([][]string, error) {
	here, err := g.options.Hub.Presence(ctx, feedOf(app, pipe))
	return oneRow(true, err, pipe, strconv.Itoa(here.NumClients))
}

func (g *Gateway) selectListeners(ctx context.Context, app, pipe string) (rows [][]string, err error) {
	here, err := g.options.Hub.Presence(ctx, feedOf(app, pipe))
	for _, info := range here.Clients {
		rows = append(rows, listenerOf(info).row(pipe))
	}
	return rows, err
}

func (g *Gateway) selectSetting(ctx context.Context, app, pipe string) ([][]string, error) {
	setting, _, err := load[pipeRow](ctx, g.rows, app, aboutPipe, pipe)
	return oneRow(setting.Set, err, pipe, strconv.Itoa(setting.Length))
}

func (g *Gateway) insertSetting(ctx context.Context, app, pipe string, row map[string]string) error {
	length, err := strconv.Atoi(row["length"])
	if err != nil || length < 0 || length > maxLength {
		return cometql.Errorf(cometql.CodeInvalid, "Column `length` is a number from 0 to %d", maxLength)
	}
	return g.set(ctx, app, pipe, length, true)
}

// deleteSetting takes the setting away, and the past with it.
func (g *Gateway) deleteSetting(ctx context.Context, app, pipe string) error {
	if err := g.clear(ctx, app, pipe); err != nil {
		return err
	}
	return g.set(ctx, app, pipe, 0, false)
}

func (g *Gateway) set(ctx context.Context, app, pipe string, length int, is bool) error {
	_, err := change(ctx, g.rows, app, aboutPipe, pipe, func(setting *pipeRow) bool {
		setting.Set, setting.Length = is, length
		return true
	})
	return err
}
