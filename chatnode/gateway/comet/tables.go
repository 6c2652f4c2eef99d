package comet

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
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
			name: "users_auth", key: "id", columns: []column{{"id", integer}, {"hash", "varchar(32)"}}, needs: []string{"id", "hash"},
			rows: g.selectAuth, insert: g.insertAuth, remove: g.deleteAuth,
		},
		{name: "users_time", key: "id", columns: []column{{"id", integer}, {"time", integer}}, rows: g.selectTimes},
		{
			name: "users_messages", key: "id", needs: []string{"id", "event", "message"},
			columns: []column{{"id", integer}, {"index", text}, {"event", text}, {"message", long}},
			rows:    g.selectPrivate, insert: g.insertPrivate, remove: g.deletePrivate,
		},
		{
			name: "users_data", key: "id", columns: []column{{"id", integer}, {"data", long}}, needs: []string{"id", "data"},
			rows: g.selectData, insert: g.insertData, remove: g.deleteData,
		},
		{
			name: "pipes_messages", key: "name", needs: []string{"name", "message"},
			columns: []column{
				{"id", text}, {"time", integer}, {"name", text}, {"index", integer}, {"event", text}, {"message", long}, {"user_id", integer},
			},
			rows: g.selectMessages, insert: g.insertMessage, remove: g.deleteMessages,
		},
		{name: "pipes", key: "name", columns: []column{{"name", text}, {"users", integer}}, rows: g.selectPipes},
		{
			name: "users_in_pipes", key: "name", rows: g.selectListeners,
			columns: []column{
				{"name", text}, {"user_id", integer}, {"user_uuid", text}, {"user_agent", text}, {"ip", text}, {"origin", text}, {"language", text},
			},
		},
		{
			name: "pipes_settings", key: "name", columns: []column{{"name", text}, {"length", integer}}, needs: []string{"name", "length"},
			rows: g.selectSettings, insert: g.insertSetting, remove: g.deleteSettings,
		},
		{
			name: "revoked_tokens", key: "token", open: true, columns: []column{{"token", text}}, needs: []string{"token"},
			rows: g.selectTokens, insert: g.insertToken, remove: g.deleteTokens,
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
	refuse := func(err error) func(context.Context, string, map[string]string) (*mysql.Result, error) {
		return func(context.Context, string, map[string]string) (*mysql.Result, error) { return nil, err }
	}
	keep := func(err error) func(context.Context, string, map[string][]string) error {
		return func(context.Context, string, map[string][]string) error { return err }
	}
	absent := func(name string) error { return missing(name) }
	return []*table{
		{
			name: "conference", key: "name", rows: nothing,
			columns: []column{
				{"name", text}, {"user_id", integer}, {"caller_id", text}, {"message", long}, {"profile", text}, {"stream", text}, {"node", text},
			},
			insert: refuse(cometql.Errorf(cometql.CodeInternal, "There is no FreeSWITCH node")),
			remove: func(_ context.Context, _ string, where map[string][]string) error {
				if len(where["name"]) == 0 || len(where["user_id"]) == 0 {
					return cometql.Errorf(cometql.CodeWhere, "Deletion needs `name` and `user_id`")
				}
				return nil
			},
		},
		{
			name: "conference_members", key: "name", open: true, rows: nothing,
			columns: []column{{"name", text}, {"user_id", integer}, {"join_time", integer}, {"last_talking", integer}},
		},
		{
			name: "dialogs", columns: []column{{"id", integer}},
			insert: refuse(cometql.Errorf(cometql.CodeReadOnly, "Table `dialogs` is not ready yet")), remove: keep(absent("dialogs")),
		},
		{
			name: "profiler", key: "tag", open: true, rows: nothing, columns: []column{{"tag", text}, {"time", text}, {"calls", integer}},
			insert: refuse(absent("profiler")), remove: keep(absent("profiler")),
		},
	}
}
