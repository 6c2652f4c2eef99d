package comet

import (
	"context"
	"slices"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// column of a table, with the type that DESCRIBE tells.
type column struct{ name, kind string }

// table is what statements can name. A function that is nil is refused.
type table struct {
	name    string
	columns []column
	// key is the column whose values choose rows.
	key string
	// open tables may be read without a key.
	open bool
	// rows gives whole rows in the order of the keys; of an open table without keys, all.
	rows func(ctx context.Context, app string, keys []string) ([][]string, error)
	// insert writes a row. What the statement does not name is empty.
	insert func(ctx context.Context, app string, row map[string]string) (*mysql.Result, error)
	// remove takes rows away by the values of columns.
	remove func(ctx context.Context, app string, where map[string][]string) error
	// needs are the columns that an INSERT must name.
	needs []string
}

// readOnly refuses what would change a table.
func readOnly(name string) error {
	return cometql.Errorf(cometql.CodeReadOnly, "Table `%s` is read only", name)
}

func missing(name string) error {
	return cometql.Errorf(cometql.CodeMissing, "Table `%s` does not exist", name)
}

func (t *table) has(name string) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return c.name == name })
}

// names are those of the columns.
func (t *table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// check refuses columns that the table has not.
func (t *table) check(s *cometql.Statement) error {
	names := slices.Clone(s.Columns)
	for _, c := range s.Where {
		names = append(names, c.Column)
	}
	for _, name := range names {
		if !t.has(name) {
			return cometql.Errorf(cometql.CodeColumns, "Column `%s` does not exist in table `%s`", name, t.name)
		}
	}
	return nil
}

// selected are the columns that a SELECT asks for.
func (t *table) selected(s *cometql.Statement) []string {
	if s.Columns == nil {
		return t.names()
	}
	return s.Columns
}

func (g *Gateway) selectRows(ctx context.Context, app string, s *cometql.Statement) (*mysql.Result, error) {
	t := g.tables[s.Table]
	if t == nil || t.rows == nil {
		return nil, missing(s.Table)
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	keys, rest, err := t.keys(s)
	if err != nil {
		return nil, err
	}
	if keys == nil && !t.open {
		return nil, cometql.Errorf(cometql.CodeWhere,
			"Selection without transferring the requested values of the primary key is not supported. Primary key is `%s`", t.key)
	}
	rows, err := t.rows(ctx, app, keys)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row []string) bool { return !t.meets(row, rest) })
	if rows, err = s.Cut(rows); err != nil {
		return nil, err
	}
	columns := t.selected(s)
	result := &mysql.Result{Columns: columns, Rows: make([][]string, len(rows))}
	for i, row := range rows {
		for _, name := range columns {
			result.Rows[i] = append(result.Rows[i], row[t.place(name)])
		}
	}
	return result, nil
}

func (t *table) place(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
}

// keys are the values of the key, nil if there are none, and the conditions on other columns.
func (t *table) keys(s *cometql.Statement) (keys []string, rest []cometql.Condition, err error) {
	for _, c := range s.Where {
		if c.Column != t.key {
			rest = append(rest, c)
			continue
		}
		if c.Op == "<" || c.Op == ">" || c.Op == "LIKE" && strings.ContainsAny(c.Values[0].Text, "%") {
			return nil, nil, cometql.Errorf(cometql.CodeNotImplemented, "Only single values of `%s` can be selected", t.key)
		}
		for _, v := range c.Values {
			keys = append(keys, v.Text)
		}
	}
	return keys, rest, nil
}

// meets says whether a row meets the conditions on columns that are not the key.
func (t *table) meets(row []string, conditions []cometql.Condition) bool {
	for _, c := range conditions {
		if !c.Holds(row[t.place(c.Column)]) {
			return false
		}
	}
	return true
}

func (g *Gateway) insertRow(ctx context.Context, app string, s *cometql.Statement) (*mysql.Result, error) {
	t := g.tables[s.Table]
	switch {
	case t == nil:
		return nil, missing(s.Table)
	case t.insert == nil:
		return nil, readOnly(t.name)
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	columns := t.selected(s)
	if len(columns) != len(s.Values) {
		return nil, cometql.Errorf(cometql.CodeColumns, "There are %d columns and %d values", len(columns), len(s.Values))
	}
	row := map[string]string{}
	for i, name := range columns {
		row[name] = s.Values[i].Text
	}
	for _, name := range t.needs {
		if _, there := row[name]; !there {
			return nil, cometql.Errorf(cometql.CodeColumns, "Column `%s` is missing", name)
		}
	}
	return t.insert(ctx, app, row)
}

func (g *Gateway) deleteRows(ctx context.Context, app string, s *cometql.Statement) (*mysql.Result, error) {
	t := g.tables[s.Table]
	switch {
	case t == nil:
		return nil, missing(s.Table)
	case t.remove == nil:
		return nil, readOnly(t.name)
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	where := map[string][]string{}
	for _, c := range s.Where {
		if c.Op == "<" || c.Op == ">" || c.Op == "LIKE" && strings.Contains(c.Values[0].Text, "%") {
			return nil, cometql.Errorf(cometql.CodeNotImplemented, "Only single values of `%s` can be deleted", c.Column)
		}
		for _, v := range c.Values {
			where[c.Column] = append(where[c.Column], v.Text)
		}
	}
	if err := t.remove(ctx, app, where); err != nil {
		return nil, err
	}
	return &mysql.Result{}, nil
}

// columnsOf are those of the answer to a statement, or an error that running it would give in any case.
func (g *Gateway) columnsOf(s *cometql.Statement) ([]string, error) {
	switch s.Kind {
	case cometql.Select:
		t := g.tables[s.Table]
		if t == nil || t.rows == nil {
			return nil, missing(s.Table)
		}
		return t.selected(s), t.check(s)
	case cometql.Variables:
		return s.Names, nil
	case cometql.Show:
		return g.show(0, g.options.App, s).Columns, nil
	case cometql.Describe:
		return describeColumns, nil
	default:
		return nil, nil
	}
}
