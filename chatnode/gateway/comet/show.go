package comet

import (
	"strconv"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// unknownVariable is the value of variables that have no other.
const unknownVariable = serverName + " (comet-server.com, support@comet-server.com)"

// knownVariables are those that drivers read at connect, and understand only as what they are.
var knownVariables = map[string]string{
	"auto_increment_increment": "1",
	"autocommit":               "1",
	"character_set_client":     "utf8mb4",
	"character_set_connection": "utf8mb4",
	"character_set_results":    "utf8mb4",
	"character_set_server":     "utf8mb4",
	"collation_connection":     "utf8mb4_general_ci",
	"collation_server":         "utf8mb4_general_ci",
	"init_connect":             "",
	"interactive_timeout":      "28800",
	"license":                  "Apache-2.0",
	"lower_case_table_names":   "0",
	"max_allowed_packet":       "65536",
	"net_write_timeout":        "60",
	"performance_schema":       "0",
	"query_cache_size":         "0",
	"query_cache_type":         "OFF",
	"sql_mode":                 "",
	"system_time_zone":         "UTC",
	"time_zone":                "SYSTEM",
	"transaction_isolation":    "READ-COMMITTED",
	"transaction_read_only":    "0",
	"tx_isolation":             "READ-COMMITTED",
	"tx_read_only":             "0",
	"wait_timeout":             "28800",
}

// variables answers a SELECT that reads no table.
func variables(s *cometql.Statement) (*mysql.Result, error) {
	row := make([]string, len(s.Columns))
	for i, column := range s.Columns {
		name, isVariable := strings.CutPrefix(column, "@@")
		switch {
		case column == "DATABASE()" || column == "SCHEMA()":
			row[i] = database
		case column == "VERSION()":
			row[i] = sqlVersion
		case !isVariable:
			return nil, cometql.Errorf(cometql.CodeSyntax, "Syntax error in query")
		default:
			name = strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
			value, known := knownVariables[name]
			if !known {
				value = unknownVariable
			}
			row[i] = value
		}
	}
	rows, err := cometql.Cut(s, [][]string{row})
	return &mysql.Result{Columns: s.Names, Rows: rows}, err
}

// shownTables are those that SHOW TABLES tells of.
var shownTables = []string{
	"users_auth", "users_time", "users_messages", "pipes_messages", "users_in_pipes", "pipes", "pipes_settings",
}

// show answers SHOW.
func (g *Gateway) show(tenant int, app string, s *cometql.Statement) *mysql.Result {
	switch s.Table {
	case "DATABASES":
		return list1("Database", database)
	case "TABLES":
		return list1("Tables", shownTables...)
	case "TABLE STATUS":
		return list1("Name", shownTables...)
	case "PROCESSLIST":
		return &mysql.Result{Columns: []string{"ServiceName", "id", "status", "count"}, Rows: [][]string{
			{"ws", "0", "run", strconv.Itoa(g.options.Conns.Connections())},
			{"cometql", "0", "run", strconv.Itoa(g.sql.Connections())},
		}}
	case "STATUS":
		if s.Scope == "GLOBAL" || s.Scope == "UPTIME" || s.Scope == "AVG" {
			return g.globalStatus()
		}
		return pairs("flag", "session", "id", strconv.Itoa(tenant), "user_online", strconv.Itoa(g.people.Reserved(app)),
			"server_online", strconv.Itoa(g.sql.Connections()), "messages", "0")
	case "VARIABLES":
		return pairs("lower_case_table_names", "0")
	default: // WARNINGS and ERRORS, of which there are none
		return &mysql.Result{Columns: []string{"Level", "Code", "Message"}}
	}
}

// globalStatus is what the original tells of itself. What is not measured so is 0; the metrics of the node tell more.
func (g *Gateway) globalStatus() *mysql.Result {
	const hour, day = 3600, 24 * 3600
	up := int(g.now().Sub(g.started).Seconds())
	values := []string{
		"flag", "global", "uptime", strconv.Itoa(up), "uptime_in_hours", strconv.Itoa(up / hour), "uptime_in_days", strconv.Itoa(up / day),
		"frontend_name", "ws", "backend_name", "cometql",
	}
	online := map[string]int{"frontend": g.options.Conns.Connections(), "backend": g.sql.Connections()}
	for _, side := range []string{"frontend", "backend"} {
		values = append(values, side+"_stat_interval", "0", side+"_online", strconv.Itoa(online[side]))
		for _, name := range []string{"messages", "add_client", "delete_client", "messages_ps", "add_client_ps", "delete_client_ps"} {
			values = append(values, side+"_"+name, "0")
		}
	}
	return pairs(append(values, "network_events", "0")...)
}

// list1 is a result of one column.
func list1(column string, values ...string) *mysql.Result {
	r := &mysql.Result{Columns: []string{column}}
	for _, v := range values {
		r.Rows = append(r.Rows, []string{v})
	}
	return r
}

// pairs is a result of names and values, which stand one behind the other.
func pairs(values ...string) *mysql.Result {
	r := &mysql.Result{Columns: []string{"Variable_name", "Value"}}
	for i := 0; i < len(values); i += 2 {
		r.Rows = append(r.Rows, values[i:i+2])
	}
	return r
}

var describeColumns = []string{"Field", "Type", "Null", "Key", "Default", "Extra"}

// describe tells of a table's columns.
func (g *Gateway) describe(name string) (*mysql.Result, error) {
	t := g.tables[name]
	if t == nil {
		return nil, missing(name)
	}
	r := &mysql.Result{Columns: describeColumns}
	for _, c := range t.columns {
		key := ""
		if c.name == t.key {
			key = "PRI"
		}
		r.Rows = append(r.Rows, []string{c.name, c.kind, "NO", key, "", ""})
	}
	return r, nil
}
