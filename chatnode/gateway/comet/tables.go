package comet

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
)

// Types of columns, for DESCRIBE.
const (
	integer = "int(11)"
	text    = "varchar(255)"
	long    = "text"
)

// allTables are the tables of CometQL, by name.
func (g *Gateway) allTables() map[string]*table {
	all := []*table{
		{
			name: "users_auth", key: "id", keys: userKey, columns: []column{{"id", integer}, {"hash", "varchar(32)"}}, needs: []string{"id", "hash"},
			rowsOf: each(g.selectAuth), insert: g.insertAuth, affected: 1, remove: g.signOut,
		},
		{name: "users_time", key: "id", keys: userKey, columns: []column{{"id", integer}, {"time", integer}}, rowsOf: g.selectTimes},
		{
			name: "users_messages", key: "id", keys: userKey, needs: []string{"id", "event", "message"},
			columns: []column{{"id", integer}, {"index", text}, {"event", text}, {"message", long}},
			rowsOf:  each(g.selectPrivate), insert: g.insertPrivate, remove: g.deletePrivate,
		},
		{
			name: "users_data", key: "id", keys: userKey, columns: []column{{"id", integer}, {"data", long}}, needs: []string{"id", "data"},
			rowsOf: each(g.selectData), insert: g.insertData, affected: 1, remove: g.dropRow(aboutData),
		},
		{
			name: "pipes_messages", key: "name", keys: pipeKey, needs: []string{"name", "message"},
			columns: []column{
				{"id", text}, {"time", integer}, {"name", text}, {"index", integer}, {"event", text}, {"message", long}, {"user_id", integer},
			},
			rowsOf: each(g.selectMessages), insert: g.insertMessage, removeWhere: g.deleteMessages,
		},
		{
			name: "pipes", key: "name", keys: pipeKey, columns: []column{{"name", text}, {"users", integer}}, rowsOf: each(g.selectPipe),
		},
		{
			name: "users_in_pipes", key: "name", keys: pipeKey, rowsOf: each(g.selectListeners),
			columns: []column{
				{"name", text}, {"user_id", integer}, {"user_uuid", text}, {"user_agent", text}, {"ip", text}, {"origin", text}, {"language", text},
			},
		},
		{
			name: "pipes_settings", key: "name", keys: pipeKey, columns: []column{{"name", text}, {"length", integer}},
			needs: []string{"name", "length"}, rowsOf: each(g.selectSetting), insert: g.insertSetting, affected: 1, remove: g.deleteSetting,
		},
		{
			name: "revoked_tokens", key: "token", keys: tokenKey, columns: []column{{"token", text}}, needs: []string{"token"},
			rowsOf: each(g.selectToken), all: g.allTokens, insert: g.insertToken, affected: 1, remove: g.dropRow(aboutToken),
		},
	}
	all = append(all, otherTables()...)
	byName := map[string]*table{}
	for _, t := range all {
		byName[t.name] = t
	}
	return byName
}

// otherTables are those of parts that chatfleet has not: calls, for which the original asks a FreeSWITCH, and its own timers. They answer as
// the original does without those.
func otherTables() []*table {
	nothing := func(context.Context, string, []string) ([][]string, error) { return nil, nil }
	nothingAtAll := func(context.Context, string) ([][]string, error) { return nil, nil }
	refuse := func(err error) func(context.Context, string, string, map[string]string) error {
		return func(context.Context, string, string, map[string]string) error { return err }
	}
	keep := func(err error) func(context.Context, string, *cometql.Statement) error {
		return func(context.Context, string, *cometql.Statement) error { return err }
	}
	return []*table{
		{
			name: "conference", key: "name", rowsOf: nothing,
			columns: []column{
				{"name", text}, {"user_id", integer}, {"caller_id", text}, {"message", long}, {"profile", text}, {"stream", text}, {"node", text},
			},
			insert: refuse(cometql.Errorf(cometql.CodeInternal, "There is no FreeSWITCH node")),
			removeWhere: func(_ context.Context, _ string, s *cometql.Statement) error {
				if s.On("name") == nil || s.On("user_id") == nil {
					return cometql.Errorf(cometql.CodeWhere, "Deletion needs `name` and `user_id`")
				}
				return nil
			},
		},
		{
			name: "conference_members", key: "name", rowsOf: nothing, all: nothingAtAll,
			columns: []column{{"name", text}, {"user_id", integer}, {"join_time", integer}, {"last_talking", integer}},
		},
		{
			name: "dialogs", columns: []column{{"id", integer}},
			insert: refuse(cometql.Errorf(cometql.CodeReadOnly, "Table `dialogs` is not ready yet")), removeWhere: keep(missing("dialogs")),
		},
		{
			name: "profiler", key: "tag", rowsOf: nothing, all: nothingAtAll, columns: []column{{"tag", text}, {"time", text}, {"calls", integer}},
			insert: refuse(missing("profiler")), removeWhere: keep(missing("profiler")),
		},
	}
}
