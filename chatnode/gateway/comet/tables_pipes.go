package comet

import (
	"context"
	"slices"
	"strconv"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// isPipe says whether backends may name a pipe so.
func isPipe(name string) bool {
	return len(name) >= minSQLName && len(name) <= maxName && nameable(name)
}

// pipeIn is the name of a row that is to be written.
func pipeIn(row map[string]string) (string, error) {
	if !isPipe(row["name"]) {
		return "", cometql.Errorf(cometql.CodeInvalid, "Column `name` has %d to %d letters, digits, _ and -", minSQLName, maxName)
	}
	return row["name"], nil
}

func checkEvent(event string) error {
	if len(event) > maxName || !nameable(event) {
		return cometql.Errorf(cometql.CodeInvalid, "Column `event` has at most %d letters, digits, _ and -", maxName)
	}
	return nil
}

// pipeNames are those of the keys that are names of pipes; others have no rows.
func pipeNames(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !isPipe(key) })
}

func (g *Gateway) selectMessages(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, pipe := range pipeNames(keys) {
		past, err := g.history(ctx, chat.Actor{App: app, Server: true}, pipe)
		if err != nil {
			return nil, err
		}
		for i, m := range past {
			rows = append(rows, []string{
				m.id, strconv.FormatInt(m.time/1000, 10), pipe, strconv.Itoa(i), m.event, m.payload, strconv.FormatInt(m.user, 10),
			})
		}
	}
	return rows, nil
}

func (g *Gateway) insertMessage(ctx context.Context, app string, row map[string]string) (*mysql.Result, error) {
	pipe, err := pipeIn(row)
	if err != nil {
		return nil, err
	}
	if err := checkEvent(row["event"]); err != nil {
		return nil, err
	}
	_, err = g.options.Chat.Send(ctx, chat.Actor{App: app, Server: true}, sendRequest(pipe, row["event"], row["message"], newID()))
	return &mysql.Result{}, err
}

// deleteMessages takes the whole past of pipes away, or one message, which is looked for in the pipe that is named, or in all that have a
// setting.
func (g *Gateway) deleteMessages(ctx context.Context, app string, where map[string][]string) error {
	id := where["id"]
	pipes := pipeNames(where["name"])
	if len(id) == 0 {
		if _, err := needed(where, "name"); err != nil {
			return err
		}
		for _, pipe := range pipes {
			if err := g.clear(ctx, app, pipe); err != nil {
				return err
			}
		}
		return nil
	}
	if len(pipes) == 0 {
		var err error
		if pipes, _, err = list[pipeRow](ctx, g.rows, app, aboutPipe); err != nil {
			return err
		}
	}
	for _, pipe := range pipes {
		past, err := g.history(ctx, chat.Actor{App: app, Server: true}, pipe)
		if err != nil {
			return err
		}
		for _, m := range past {
			if !slices.Contains(id, m.id) {
				continue
			}
			if err := g.erase(ctx, app, pipe, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *Gateway) selectPipes(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, pipe := range pipeNames(keys) {
		here, err := g.options.Hub.Presence(ctx, feedOf(app, pipe))
		if err != nil {
			return nil, err
		}
		rows = append(rows, []string{pipe, strconv.Itoa(here.NumClients)})
	}
	return rows, nil
}

func (g *Gateway) selectListeners(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, pipe := range pipeNames(keys) {
		here, err := g.options.Hub.Presence(ctx, feedOf(app, pipe))
		if err != nil {
			return nil, err
		}
		for _, info := range here.Clients {
			rows = append(rows, listenerOf(info).row(pipe))
		}
	}
	return rows, nil
}

func (g *Gateway) selectSettings(ctx context.Context, app string, keys []string) (rows [][]string, err error) {
	for _, pipe := range pipeNames(keys) {
		setting, _, err := load[pipeRow](ctx, g.rows, app, aboutPipe, pipe)
		if err != nil {
			return nil, err
		}
		if setting.Set {
			rows = append(rows, []string{pipe, strconv.Itoa(setting.Length)})
		}
	}
	return rows, nil
}

func (g *Gateway) insertSetting(ctx context.Context, app string, row map[string]string) (*mysql.Result, error) {
	pipe, err := pipeIn(row)
	if err != nil {
		return nil, err
	}
	length, err := strconv.Atoi(row["length"])
	if err != nil || length < 0 || length > maxLength {
		return nil, cometql.Errorf(cometql.CodeInvalid, "Column `length` is a number from 0 to %d", maxLength)
	}
	_, err = change(ctx, g.rows, app, aboutPipe, pipe, func(setting *pipeRow) bool {
		setting.Set, setting.Length = true, length
		return true
	})
	return &mysql.Result{Affected: 1}, err
}

// deleteSettings takes the setting away, and the past with it.
func (g *Gateway) deleteSettings(ctx context.Context, app string, where map[string][]string) error {
	if _, err := needed(where, "name"); err != nil {
		return err
	}
	for _, pipe := range pipeNames(where["name"]) {
		if err := g.clear(ctx, app, pipe); err != nil {
			return err
		}
		_, err := change(ctx, g.rows, app, aboutPipe, pipe, func(setting *pipeRow) bool {
			setting.Set, setting.Length = false, 0
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}
