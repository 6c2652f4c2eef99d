package comet

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// What the original answers to these statements, one after the other; * stands for what differs from time to time.
func TestStatementsAreAnsweredAsTheOriginalDoes(t *testing.T) {
	n := startNode(t, nil)
	for _, test := range []struct {
		sql  string
		want any // *mysql.Result, or the code of an error
	}{
		{"show tables", list1("Tables", shownTables...)},
		{"SHOW DATABASES;", list1("Database", "CometQL_v1")},
		{"select database()", list1("DATABASE()", "CometQL_v1")},
		{"select @@version limit 1", list1("@@version", unknownVariable)},
		{"insert into users_auth (id,hash) values (1,'hash1')", &mysql.Result{Affected: 1, InsertID: 1}},
		{"select * from users_auth where id in (1,2)", &mysql.Result{Columns: []string{"id", "hash"}, Rows: [][]string{{"1", "hash1"}}}},
		{"select hash, id from users_auth where id=1", &mysql.Result{Columns: []string{"hash", "id"}, Rows: [][]string{{"hash1", "1"}}}},
		{"SELECT hash FROM users_auth WHERE id = '1'", list1("hash", "hash1")},
		{"select * from users_auth where id = 1 and hash = 'other'", &mysql.Result{Columns: []string{"id", "hash"}, Rows: [][]string{}}},
		{"select * from users_time where id in (1,5)", &mysql.Result{Columns: []string{"id", "time"}, Rows: [][]string{{"1", "-1"}, {"5", "-1"}}}},
		{"SELECT id, time FROM users_time WHERE id IN( 1,2 );", &mysql.Result{Columns: []string{"id", "time"}, Rows: [][]string{{"1", "-1"}, {"2", "-1"}}}},
		{"insert into pipes_settings (name,length) values ('p10',3)", &mysql.Result{Affected: 1}},
		{"insert into pipes_messages (name,event,message) values ('p10','ev','hello world')", &mysql.Result{}},
		{"select name, `index`, event, message, user_id from pipes_messages where name='p10'", &mysql.Result{
			Columns: []string{"name", "index", "event", "message", "user_id"}, Rows: [][]string{{"p10", "0", "ev", "hello world", "0"}},
		}},
		{"select * from pipes where name in ('p10','zzz')", &mysql.Result{Columns: []string{"name", "users"}, Rows: [][]string{{"p10", "0"}, {"zzz", "0"}}}},
		{"select * from pipes where name='ab'", &mysql.Result{Columns: []string{"name", "users"}, Rows: [][]string{}}},
		{"insert into users_messages (id,event,message) values (7,'ev1','m1')", &mysql.Result{InsertID: 7}},
		{"select id, event, message from users_messages where id=7", &mysql.Result{
			Columns: []string{"id", "event", "message"}, Rows: [][]string{{"7", "ev1", "m1"}},
		}},
		{"INSERT INTO users_messages (id, event, message)VALUES (5, 'newMessage', '{\\\"a\\\":\\'1\\'}')", &mysql.Result{InsertID: 5}},
		{"select message from users_messages where id=5", list1("message", `{"a":'1'}`)},
		{"insert into users_data (id, data) values (3, 'it')", &mysql.Result{Affected: 1, InsertID: 3}},
		{"select data from users_data where id in (3, 4)", list1("data", "it")},
		{"delete from users_data where id = 3", &mysql.Result{}},
		{"select data from users_data where id = 3", &mysql.Result{Columns: []string{"data"}, Rows: [][]string{}}},
		{"insert into revoked_tokens (token) values ('a.b.c')", &mysql.Result{Affected: 1, InsertID: 1}},
		{"select * from revoked_tokens", list1("token", "a.b.c")},
		{"select * from revoked_tokens where token in ('x', 'a.b.c')", list1("token", "a.b.c")},
		{"delete from revoked_tokens where token = 'a.b.c'", &mysql.Result{}},
		{"select * from revoked_tokens", &mysql.Result{Columns: []string{"token"}, Rows: [][]string{}}},
		{"describe users_auth", &mysql.Result{Columns: describeColumns, Rows: [][]string{
			{"id", "int(11)", "NO", "PRI", "", ""}, {"hash", "varchar(32)", "NO", "", "", ""},
		}}},
		{"show variables like 'x%'", pairs("lower_case_table_names", "0")},
		{"set names utf8", &mysql.Result{}},
		{"set autocommit=1", &mysql.Result{}},
		{"START TRANSACTION", &mysql.Result{}},
		{"commit", &mysql.Result{}},
		{"cometqlcluster_v1 set dev_id=0;show databases", list1("Database", "CometQL_v1")},
		{"select * from conference_members", &mysql.Result{Columns: []string{"name", "user_id", "join_time", "last_talking"}, Rows: [][]string{}}},
		{"select * from profiler", &mysql.Result{Columns: []string{"tag", "time", "calls"}, Rows: [][]string{}}},

		{"cometqlcluster_v1 set dev_id=99999999999; show databases", 15},
		{"select * from users_auth", 13},
		{"select * from users_auth where hash = 'x'", 13},
		{"select * from users_auth where id = 1 and id = 2", 13},
		{"select nothing from users_auth where id = 1", 14},
		{"select * from users_auth where id = 1 and nothing = 2", 14},
		{"select * from users_auth where id > 1", 2},
		{"select * from users_auth where id = 1 or id = 2", 2},
		{"select * from users_auth where id = 1 order by id", 2},
		{"select * from nothing where id = 1", 15},
		{"select * from dialogs where id = 1", 15},
		{"insert into dialogs (id) values (1)", 10},
		{"insert into pipes (name,users) values ('a',1)", 10},
		{"delete from users_time where id = 1", 10},
		{"insert into conference_members (name) values ('a')", 10},
		{"insert into conference (name,user_id) values ('abc',1)", 500},
		{"insert into profiler (tag) values ('a')", 15},
		{"delete from users_auth", 13},
		{"select 1", 3},
		{"update users_auth set hash = 'x' where id = 1", 3},
		{"insert into users_auth (id,hash) values (1,'a'), (2,'b')", 3},
		{"insert into users_auth (id,hash) values (1)", 14},
		{"insert into users_auth (id) values (1)", 14},
		{"insert into users_auth (id,hash) values (0,'x')", 12},
		{"insert into users_auth (id,hash) values (1,'no-such')", 12},
		{"insert into users_auth (id,hash) values (1,'" + strings.Repeat("x", 33) + "')", 12},
		{"insert into pipes_messages (name,message) values ('ab','x')", 12},
		{"insert into pipes_messages (name,event,message) values ('p10','no event','x')", 12},
		{"insert into pipes_messages (name,message) values ('p10','" + strings.Repeat("x", 17<<10) + "')", 12},
		{"insert into pipes_settings (name,length) values ('p10',1001)", 12},
		{"abc", 17},
		{"select " + strings.Repeat("x", 65<<10), 11},
		{"select * from users_auth where id in (" + strings.Repeat("1,", 4000) + "1)", 19},
	} {
		got, err := n.query(test.sql)
		if code, ok := test.want.(int); ok {
			var told *mysql.Error
			if !errors.As(err, &told) || int(told.Code) != code {
				t.Errorf("%.80s: got %+v and %v, want error %d", test.sql, got, err, code)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%.80s: got %+v and %v, want %+v", test.sql, got, err, test.want)
		}
	}
}

func TestOnlyWhatMeetsAllConditionsIsDeleted(t *testing.T) {
	n := startNode(t, nil)
	n.must("insert into users_auth (id, hash) values (1, 'one')")
	n.must("insert into users_auth (id, hash) values (2, 'two')")
	n.must("insert into users_messages (id, event, message) values (7, 'a', 'first')")
	n.must("insert into users_messages (id, event, message) values (7, 'b', 'second')")
	n.must("insert into pipes_settings (name, length) values ('p10', 9)")
	for i := range 5 {
		n.must(fmt.Sprintf("insert into pipes_messages (name, event, message) values ('p10', 'e%d', 'x')", i%2))
	}
	id := n.must("select id from pipes_messages where name = 'p10' limit 3, 1").Rows[0][0]
	for _, test := range []struct {
		sql    string
		code   uint16
		counts string // of what is left
	}{
		{"delete from users_auth where id != 1", cometql.CodeSyntax, "2 2 5"},
		{"delete from users_auth where id = 1 and hash = 'other'", 0, "2 2 5"},
		{"delete from users_messages where id = 7 and event = 'c'", 0, "2 2 5"},
		{"delete from users_messages where id = 7 and event = 'b'", cometql.CodeNotImplemented, "2 2 5"},
		{"delete from users_messages where id = 7 limit 1", cometql.CodeNotImplemented, "2 2 5"},
		{"delete from pipes_messages where event = 'e0'", cometql.CodeWhere, "2 2 5"},
		{"delete from pipes_messages where id > '0'", cometql.CodeNotImplemented, "2 2 5"},
		{"delete from pipes_messages where name = 'p1' and id = '" + id + "'", 0, "2 2 5"},
		{"delete from pipes_messages where name = 'p10' and event = 'e0' limit 1", 0, "2 2 4"},
		{"delete from pipes_messages where id = '" + id + "'", 0, "2 2 3"},
		{"delete from pipes_messages where name = 'p10' and event = 'e0'", 0, "2 2 1"},
		{"delete from users_auth where id in (3, 1, 2) limit 1", 0, "1 2 1"},
		{"delete from users_auth where id = 2 and hash = 'two'", 0, "0 2 1"},
		{"delete from users_messages where id = 7 limit 2", 0, "0 0 1"},
		{"delete from pipes_messages where name = 'p10'", 0, "0 0 0"},
	} {
		_, err := n.query(test.sql)
		var told *mysql.Error
		if errors.As(err, &told); test.code == 0 && err != nil || test.code > 0 && (told == nil || told.Code != test.code) {
			t.Errorf("%s: %v, want error %d", test.sql, err, test.code)
		}
		left := fmt.Sprint(len(n.must("select * from users_auth where id in (1, 2)").Rows), len(n.must("select * from users_messages where id = 7").Rows),
			len(n.must("select * from pipes_messages where name = 'p10'").Rows))
		if left != test.counts {
			t.Errorf("%s: %s rows are left, want %s", test.sql, left, test.counts)
		}
	}
}

func TestAnswersAreOnlySoLong(t *testing.T) {
	row := []string{strings.Repeat("x", 1<<20)}
	rowsOf := each(func(context.Context, string, string) ([][]string, error) { return [][]string{row}, nil })
	keys := make([]string, maxAnswer>>20)
	if rows, err := rowsOf(t.Context(), "default", keys); err != nil || len(rows) != len(keys) {
		t.Errorf("an answer that just fits has %d rows, %v", len(rows), err)
	}
	var told *cometql.Error
	if _, err := rowsOf(t.Context(), "default", append(keys, "")); !errors.As(err, &told) || told.Code != cometql.CodeTooLong {
		t.Errorf("an answer that is too long: %v", err)
	}
}

func TestTenantsAreApart(t *testing.T) {
	n := startNode(t, nil)
	n.must("insert into users_auth (id,hash) values (1,'zero')")
	b := &backend{gateway: n.gateway, tenant: 7}
	ask := func(sql string) string {
		t.Helper()
		r, err := b.Query(t.Context(), sql, nil)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(r.Rows)
	}
	if got := ask("select hash from users_auth where id = 1"); got != "[]" {
		t.Errorf("tenant 7 sees %s", got)
	}
	ask("insert into users_auth (id,hash) values (1,'seven')")
	if err := b.Use("db_0"); err != nil {
		t.Fatal(err)
	}
	if got := ask("select hash from users_auth where id = 1"); got != "[[zero]]" {
		t.Errorf("tenant 0 sees %s", got)
	}
	if err := b.Use("other"); !errors.Is(err, errDatabase) {
		t.Errorf("another database: %v", err)
	}
	v := n.open(strings.Replace(path(1, "seven"), "devid=0", "devid=7", 1))
	if h := v.next(); h.Authorized != true || h.text() != "seven" {
		t.Errorf("greeted with %+v", h)
	}
}

func TestPreparedStatementsTellTheirColumns(t *testing.T) {
	n := startNode(t, nil)
	b := &backend{gateway: n.gateway}
	params, columns, err := b.Prepare("select hash from users_auth where id in (?, ?) limit ?")
	if err != nil || params != 3 || !reflect.DeepEqual(columns, []string{"hash"}) {
		t.Errorf("prepared: %d, %v, %v", params, columns, err)
	}
	if _, _, err := b.Prepare("select * from nothing where id = ?"); err == nil {
		t.Error("a table that is not there can be prepared")
	}
	n.must("insert into users_auth (id, hash) values (?, ?)", "5", `five`)
	if r := n.must("select hash from users_auth where id in (?, ?) limit ?", "4", "5", "1"); len(r.Rows) != 1 || r.Rows[0][0] != "five" {
		t.Errorf("got %v", r.Rows)
	}
	if _, err := n.query("select hash from users_auth where id = ?"); err == nil {
		t.Error("a value is missing, and nobody says so")
	}
}

func TestTextsInLatin1AreTakenForWhatTheyAre(t *testing.T) {
	n := startNode(t, nil)
	n.must("insert into users_data (id, data) values (1, 'gr\xfc\xdfe')")
	n.must("insert into users_data (id, data) values (?, ?)", "2", "gr\xfc\xdfe")
	n.must("insert into users_data (id, data) values (?, ?)", "3", "gr\u00fc\u00dfe")
	if rows := n.must("select data from users_data where id in (1, 2, 3)").Rows; !reflect.DeepEqual(rows, [][]string{{"gr\u00fc\u00dfe"}, {"gr\u00fc\u00dfe"}, {"gr\u00fc\u00dfe"}}) {
		t.Errorf("got %q", rows)
	}
}

func TestChecksMayDoNothing(t *testing.T) {
	n := startNode(t, nil)
	h, err := n.gateway.login(t.Context(), &mysql.Login{User: "haproxy_check_1"})
	if err != nil {
		t.Fatal(err)
	}
	var told *mysql.Error
	if _, err := h.Query(t.Context(), "show tables", nil); !errors.As(err, &told) || told.Code != cometql.CodeDenied {
		t.Errorf("a check is answered with %v", err)
	}
	for _, l := range []*mysql.Login{{User: "haproxy_check", Secret: true}, {User: "root"}, {User: ""}} {
		if _, err := n.gateway.login(t.Context(), l); !errors.Is(err, errAuthentication) {
			t.Errorf("%+v is answered with %v", l, err)
		}
	}
}
