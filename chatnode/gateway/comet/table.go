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
	// key is the column whose values choose rows, and keys says which of them there are.
	key  string
	keys keyKind
	// all gives the rows that there are without a key; nil: there must be one.
	all func(ctx context.Context, app string) ([][]string, error)
	// rowsOf gives the whole rows of some keys, in that order.
	rowsOf func(ctx context.Context, app string, keys []string) ([][]string, error)
	// insert writes the row of a key. What the statement does not name is empty.
	insert func(ctx context.Context, app, key string, row map[string]string) error
	// affected is how many rows an INSERT is said to have changed, and needs the columns that it must name.
	affected uint64
	needs    []string
	// remove takes all rows of a key away; removeWhere, instead, those that a statement names.
	remove      func(ctx context.Context, app, key string) error
	removeWhere func(ctx context.Context, app string, s *cometql.Statement) error
}

// keyKind says what the keys of a table are. The zero value takes any text.
type keyKind struct {
	// name gives the name under which something is kept, by the text of a statement; false if there can be nothing.
	name func(text string) (string, bool)
	// rule says, to who wants to write, which names there are.
	rule string
	// insertID is what an INSERT answers beside the number of rows; nil: 0.
	insertID func(name string) uint64
}

// names are those of the keys that name something; there are no rows of others.
func (k keyKind) names(keys []string) (names []string) {
	for _, key := range keys {
		if name, ok := k.nameOf(key); ok {
			names = append(names, name)
		}
	}
	return names
}

func (k keyKind) nameOf(key string) (string, bool) {
	if k.name == nil {
		return key, true
	}
	return k.name(key)
}

// maxAnswer bounds the texts in the answer to one statement, in bytes.
const maxAnswer = 64 << 20

// each makes a table's rowsOf of what gives the rows of one key.
func each(rows func(ctx context.Context, app, key string) ([][]string, error)) func(context.Context, string, []string) ([][]string, error) {
	return func(ctx context.Context, app string, keys []string) (all [][]string, err error) {
		size := 0
		for _, key := range keys {
			found, err := rows(ctx, app, key)
			if err != nil {
				return nil, err
			}
			for _, row := range found {
				for _, text := range row {
					size += len(text)
				}
			}
			if size > maxAnswer {
				return nil, cometql.Errorf(cometql.CodeTooLong, "The answer is too long")
			}
			all = append(all, found...)
		}
		return all, nil
	}
}

// oneRow is the row of a key, if there is one.
func oneRow(there bool, err error, row ...string) ([][]string, error) {
	if err != nil || !there {
		return nil, err
	}
	return [][]string{row}, nil
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
	if t == nil || t.rowsOf == nil {
		return nil, missing(s.Table)
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	keys, rest, err := t.asked(s)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	switch {
	case keys != nil:
		rows, err = t.rowsOf(ctx, app, t.keys.names(keys))
	case t.all != nil:
		rows, err = t.all(ctx, app)
	default:
		err = cometql.Errorf(cometql.CodeWhere,
			"Selection without transferring the requested values of the primary key is not supported. Primary key is `%s`", t.key)
	}
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row []string) bool { return !t.meets(row, rest) })
	if rows, err = cometql.Cut(s, rows); err != nil {
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

// asked are the values of the key, nil if there are none, and the conditions on other columns.
func (t *table) asked(s *cometql.Statement) (keys []string, rest []cometql.Condition, err error) {
	for _, c := range s.Where {
		if c.Column != t.key {
			rest = append(rest, c)
			continue
		}
		if keys, err = single(c); err != nil {
			return nil, nil, err
		}
	}
	return keys, rest, nil
}

// single gives the values of a condition that names them one by one.
func single(c cometql.Condition) (values []string, err error) {
	if c.Op == "<" || c.Op == ">" || c.Op == "LIKE" && strings.Contains(c.Values[0].Text, "%") {
		return nil, cometql.Errorf(cometql.CodeNotImplemented, "Rows can be named by single values of `%s` only", c.Column)
	}
	for _, v := range c.Values {
		values = append(values, v.Text)
	}
	return values, nil
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
	key, ok := t.keys.nameOf(row[t.key])
	if !ok {
		return nil, cometql.Errorf(cometql.CodeInvalid, "%s", t.keys.rule)
	}
	if err := t.insert(ctx, app, key, row); err != nil {
		return nil, err
	}
	result := &mysql.Result{Affected: t.affected}
	if t.keys.insertID != nil {
		result.InsertID = t.keys.insertID(key)
	}
	return result, nil
}

func (g *Gateway) deleteRows(ctx context.Context, app string, s *cometql.Statement) (*mysql.Result, error) {
	t := g.tables[s.Table]
	switch {
	case t == nil:
		return nil, missing(s.Table)
	case t.remove == nil && t.removeWhere == nil:
		return nil, readOnly(t.name)
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	if t.removeWhere != nil {
		return &mysql.Result{}, t.removeWhere(ctx, app, s)
	}
	keys, err := t.removed(ctx, app, s)
	for _, key := range keys {
		if err == nil {
			err = t.remove(ctx, app, key)
		}
	}
	return &mysql.Result{}, err
}

// removed are the keys whose rows a statement takes away. Rows of one key go together or not at all.
func (t *table) removed(ctx context.Context, app string, s *cometql.Statement) (removed []string, err error) {
	keys, rest, err := t.asked(s)
	switch {
	case err != nil:
		return nil, err
	case keys == nil:
		return nil, cometql.Errorf(cometql.CodeWhere, "Deletion without values of `%s` is not supported", t.key)
	case len(rest) == 0 && s.Limit == nil:
		return t.keys.names(keys), nil
	}
	rows, err := t.rowsOf(ctx, app, t.keys.names(keys))
	if err != nil {
		return nil, err
	}
	met, err := cometql.Cut(s, slices.DeleteFunc(slices.Clone(rows), func(row []string) bool { return !t.meets(row, rest) }))
	if err != nil {
		return nil, err
	}
	key := t.place(t.key)
	for _, row := range met {
		if !slices.Contains(removed, row[key]) {
			removed = append(removed, row[key])
		}
	}
	whole := slices.DeleteFunc(rows, func(row []string) bool { return !slices.Contains(removed, row[key]) })
	if len(whole) > len(met) {
		return nil, cometql.Errorf(cometql.CodeNotImplemented, "Rows with one value of `%s` can only be deleted together", t.key)
	}
	return removed, nil
}

// columnsOf are those of the answer to a statement, or an error that running it would give in any case.
func (g *Gateway) columnsOf(s *cometql.Statement) ([]string, error) {
	switch s.Kind {
	case cometql.Select:
		t := g.tables[s.Table]
		if t == nil || t.rowsOf == nil {
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
