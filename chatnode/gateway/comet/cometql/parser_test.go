package cometql

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func text(s ...string) (values []Value) {
	for _, t := range s {
		values = append(values, Value{Text: t})
	}
	return values
}

func TestStatementsAreRead(t *testing.T) {
	seven := 7
	for _, test := range []struct {
		sql  string
		want Statement
	}{
		{"SELECT * FROM pipes WHERE name = 'a'", Statement{Kind: Select, Table: "pipes", Where: []Condition{{"name", "=", text("a")}}}},
		{"select id, `time` from users_time where id in(1, '2', x);", Statement{
			Kind: Select, Table: "users_time", Columns: []string{"id", "time"}, Where: []Condition{{"id", "IN", text("1", "2", "x")}},
		}},
		{"select * from t where a like 'x%' and b > 1 and c < -2 limit 1, 2", Statement{
			Kind: Select, Table: "t", Where: []Condition{{"a", "LIKE", text("x%")}, {"b", ">", text("1")}, {"c", "<", text("-2")}},
			Offset: &Value{Text: "1"}, Limit: &Value{Text: "2"},
		}},
		{"select * from t where a = ? limit ? offset ?", Statement{
			Kind: Select, Table: "t", Where: []Condition{{"a", "=", []Value{{Param: 1}}}}, Limit: &Value{Param: 2}, Offset: &Value{Param: 3}, Params: 3,
		}},
		{`INSERT INTO pipes_settings ("name", "length") VALUES ("it\"s", 3)`, Statement{
			Kind: Insert, Table: "pipes_settings", Columns: []string{"name", "length"}, Values: text(`it"s`, "3"),
		}},
		{`insert into t values('a\n\'b''c\\', NULL);'`, Statement{Kind: Insert, Table: "t", Values: text("a\n'b'c\\", "")}},
		{"delete from t where id = 1", Statement{Kind: Delete, Table: "t", Where: []Condition{{"id", "=", text("1")}}}},
		{"insert into t values (-1.5e-07, 1e+25, -.5) # ' a comment", Statement{
			Kind: Insert, Table: "t", Values: text("-1.5e-07", "1e+25", "-.5"),
		}},
		{"/* a driver */ select @@session.tx_isolation AS x, database()", Statement{
			Kind: Variables, Columns: []string{"@@session.tx_isolation", "DATABASE()"}, Names: []string{"x", "DATABASE()"},
		}},
		{"show global status", Statement{Kind: Show, Table: "STATUS", Scope: "GLOBAL"}},
		{"show full columns from pipes", Statement{Kind: Describe, Table: "pipes", Scope: "FULL"}},
		{"describe `pipes`", Statement{Kind: Describe, Table: "pipes"}},
		{"set session x = 1", Statement{Kind: Accept}},
		{"use db_7", Statement{Kind: Use, Table: "db_7"}},
		{"cometqlcluster_v1 set dev_id=7; show tables", Statement{Kind: Show, Table: "TABLES", Tenant: &seven}},
		{"insert into t (m) values ('grüße 😀')", Statement{Kind: Insert, Table: "t", Columns: []string{"m"}, Values: text("grüße 😀")}},
	} {
		got, err := Parse(test.sql)
		if err != nil || !reflect.DeepEqual(*got, test.want) {
			t.Errorf("%s: got %+v and %v, want %+v", test.sql, got, err, test.want)
		}
	}
}

func TestWhatIsNoStatementIsRefused(t *testing.T) {
	conditions := make([]string, maxConditions+1)
	columns := make([]string, maxColumns+1)
	for i := range conditions {
		conditions[i] = strings.Repeat("a", i+1) + "=1"
	}
	for i := range columns {
		columns[i] = strings.Repeat("a", i+1)
	}
	for sql, code := range map[string]uint16{
		"abc":                               CodeTooShort,
		"hello world":                       CodeSyntax,
		"''''''''":                          CodeSyntax,
		"select":                            CodeSyntax,
		"select * from":                     CodeSyntax,
		"select * from t whre":              CodeSyntax,
		"select * from t where a = 1 and":   CodeSyntax,
		"select * from t where a in ()":     CodeSyntax,
		"select * from t where a in (1":     CodeSyntax,
		"select count(*) from t":            CodeSyntax,
		"insert into t (a values (1)":       CodeSyntax,
		"insert into t values (1), (2)":     CodeSyntax,
		"drop table users_auth":             CodeSyntax,
		"show tables_":                      CodeSyntax,
		"cometqlcluster_v1 set dev_id=7":    CodeSyntax,
		"cometqlcluster_v1 x=y;show tables": CodeSyntax,
		"delete from t where a != 1":        CodeSyntax,
		"select a, a from t":                CodeWhere,
		"select * from t order by a":        CodeNotImplemented,
		"select * from t where a=1 or b=2":  CodeNotImplemented,
		"select * from t where " + strings.Join(conditions, " and "):            CodeConditions,
		"select " + strings.Join(columns, ",") + " from t":                      CodeManyColumns,
		"select * from t where a in (1" + strings.Repeat(",1", maxValues) + ")": CodeValues,
		strings.Repeat("x", maxBytes+1):                                         CodeTooLong,
	} {
		_, err := Parse(sql)
		var told *Error
		if !errors.As(err, &told) || told.Code != code {
			t.Errorf("%.60s: %v, want error %d", sql, err, code)
		}
	}
}

func TestConditionsHold(t *testing.T) {
	for _, test := range []struct {
		value, op, than string
		want            bool
	}{
		{"1", "=", "1", true}, {"1", "=", "01", true}, {"a", "=", "A", false}, {"9", "<", "10", true}, {"b", ">", "a", true}, {"1", ">", "1", false},
		{"hello", "LIKE", "h%o", true}, {"hello", "LIKE", "h%l", false}, {"hello", "LIKE", "_ell_", true}, {"", "LIKE", "%%", true},
		{"aab", "LIKE", "%ab", true}, {"a", "LIKE", "", false}, {"x", "IN", "x", true},
	} {
		c := Condition{"a", test.op, text(test.than)}
		if got := c.Holds(test.value); got != test.want {
			t.Errorf("%q %s %q is %v", test.value, test.op, test.than, got)
		}
	}
}

func TestValuesAreBound(t *testing.T) {
	s, err := Parse("insert into t (a, b) values (?, 'x')")
	if err != nil {
		t.Fatal(err)
	}
	bound, err := s.Bind([]string{"it's ?"})
	if err != nil || !reflect.DeepEqual(bound.Values, text("it's ?", "x")) {
		t.Errorf("got %+v, %v", bound, err)
	}
	if _, err := s.Bind(nil); err == nil {
		t.Error("a value is missing, and nobody says so")
	}
	limited, err := Parse("select * from t where a = 1 limit ?")
	if err != nil {
		t.Fatal(err)
	}
	if limited, err = limited.Bind([]string{"-1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Cut(limited, make([][]string, 3)); err == nil {
		t.Error("a limit below zero is taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"SELECT * FROM pipes WHERE name IN ('a', \"b\") AND users > 1 LIMIT 1, 2", `insert into t ("a") values ('\'', ?);'`, "show full columns from t",
		"select @@x as y, database() limit 1", "cometqlcluster_v1 set dev_id=7; show tables", "/* */ -- \n set x", "'\\", "-", "/*", "delete from `t`",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s, err := Parse(sql)
		if err != nil {
			var told *Error
			if !errors.As(err, &told) {
				t.Errorf("%q: %v is no error of ours", sql, err)
			}
			return
		}
		bound, err := s.Bind(make([]string, s.Params))
		if err != nil {
			t.Fatalf("%q: %v", sql, err)
		}
		for _, c := range bound.Where {
			c.Holds("value")
		}
		_, _ = Cut(bound, make([][]string, 3))
	})
}
