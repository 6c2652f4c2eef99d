package cometql

import (
	"slices"
	"strconv"
	"strings"
)

// Bounds of one statement.
const (
	minBytes      = 4
	maxBytes      = 64 << 10
	maxColumns    = 20
	maxConditions = 10
	maxValues     = 4000
)

// clusterPrefix stood before statements that nodes of a cluster sent each other: it ends with a semicolon.
const clusterPrefix = "cometqlcluster_v1"

var errSyntax = &Error{Code: CodeSyntax, Message: "Syntax error in query"}

// Parse reads one statement. Errors: *Error.
func Parse(sql string) (*Statement, error) {
	switch {
	case len(sql) > maxBytes:
		return nil, Errorf(CodeTooLong, "Data is too long")
	case len(sql) < minBytes:
		return nil, Errorf(CodeTooShort, "Data is too short")
	}
	s := &Statement{}
	if len(sql) > len(clusterPrefix) && strings.EqualFold(sql[:len(clusterPrefix)], clusterPrefix) {
		prefix, rest, ok := strings.Cut(sql, ";")
		if !ok {
			return nil, errSyntax
		}
		if _, number, ok := strings.Cut(prefix, "="); ok {
			tenant, err := strconv.Atoi(strings.TrimSpace(number))
			if err != nil {
				return nil, errSyntax
			}
			s.Tenant = &tenant
		}
		sql = rest
	}
	p := &parser{tokens: lex(sql), s: s}
	if err := p.statement(); err != nil {
		return nil, err
	}
	if p.next().kind != end {
		return nil, errSyntax
	}
	return s, nil
}

type parser struct {
	tokens []token
	at     int
	s      *Statement
}

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *parser) next() token {
	t := p.peek()
	p.at = min(p.at+1, len(p.tokens))
	return t
}

// take takes the next token if it is one of these words.
func (p *parser) take(words ...string) (string, bool) {
	for _, w := range words {
		if p.peek().keyword(w) {
			p.at++
			return w, true
		}
	}
	return "", false
}

func (p *parser) takeSymbol(s string) bool {
	if p.peek().is(s) {
		p.at++
		return true
	}
	return false
}

// name takes the name of a table or column, which may be in quotes.
func (p *parser) name() (string, error) {
	t := p.next()
	if t.kind != word && t.kind != quoted || t.text == "" {
		return "", errSyntax
	}
	return t.text, nil
}

// value takes a literal or a placeholder.
func (p *parser) value() (Value, error) {
	switch t := p.next(); {
	case t.kind == word && t.keyword("NULL"):
		return Value{}, nil
	case t.kind == word, t.kind == quoted:
		return Value{Text: t.text}, nil
	case t.is("?"):
		p.s.Params++
		return Value{Param: p.s.Params}, nil
	}
	return Value{}, errSyntax
}

// skip ignores the rest.
func (p *parser) skip() { p.at = len(p.tokens) }

func (p *parser) statement() error {
	verb, ok := p.take("SELECT", "INSERT", "DELETE", "SHOW", "DESCRIBE", "DESC", "SET", "START", "BEGIN", "COMMIT", "ROLLBACK", "USE")
	if !ok {
		return errSyntax
	}
	switch verb {
	case "SELECT":
		return p.selection()
	case "INSERT":
		return p.insertion()
	case "DELETE":
		p.s.Kind = Delete
		return p.from()
	case "SHOW":
		return p.show()
	case "DESCRIBE", "DESC":
		return p.table(Describe)
	case "USE":
		return p.table(Use)
	default:
		p.s.Kind = Accept
		p.skip()
		return nil
	}
}

// table takes the one name of a statement.
func (p *parser) table(kind Kind) (err error) {
	p.s.Kind = kind
	p.s.Table, err = p.name()
	return err
}

func (p *parser) selection() error {
	if t := p.peek(); t.kind == word && (strings.HasPrefix(t.text, "@@") || p.at+1 < len(p.tokens) && p.tokens[p.at+1].is("(")) {
		return p.variables()
	}
	p.s.Kind = Select
	if !p.takeSymbol("*") {
		if err := p.columns(); err != nil {
			return err
		}
	}
	return p.from()
}

// columns takes names with commas between them.
func (p *parser) columns() error {
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		if slices.Contains(p.s.Columns, name) {
			return Errorf(CodeWhere, "Column `%s` is named twice", name)
		}
		if len(p.s.Columns) == maxColumns {
			return Errorf(CodeManyColumns, "Too many columns")
		}
		p.s.Columns = append(p.s.Columns, name)
		if !p.takeSymbol(",") {
			return nil
		}
	}
}

// variables takes what is read from no table.
func (p *parser) variables() error {
	p.s.Kind = Variables
	for {
		t := p.next()
		if t.kind != word || len(p.s.Columns) == maxColumns {
			return errSyntax
		}
		name := t.text
		if p.takeSymbol("(") {
			if !p.takeSymbol(")") {
				return errSyntax
			}
			name = strings.ToUpper(name) + "()"
		}
		p.s.Columns = append(p.s.Columns, name)
		if _, ok := p.take("AS"); ok {
			alias, err := p.name()
			if err != nil {
				return err
			}
			name = alias
		}
		p.s.Names = append(p.s.Names, name)
		if !p.takeSymbol(",") {
			return p.limit()
		}
	}
}

// from takes FROM and everything behind it.
func (p *parser) from() error {
	if _, ok := p.take("FROM"); !ok {
		return errSyntax
	}
	var err error
	if p.s.Table, err = p.name(); err != nil {
		return err
	}
	if _, ok := p.take("WHERE"); ok {
		if err := p.conditions(); err != nil {
			return err
		}
	}
	if _, ok := p.take("ORDER"); ok {
		return Errorf(CodeNotImplemented, "ORDER BY is not implemented")
	}
	return p.limit()
}

func (p *parser) limit() error {
	if _, ok := p.take("LIMIT"); !ok {
		return nil
	}
	first, err := p.value()
	if err != nil {
		return err
	}
	p.s.Limit = &first
	_, offset := p.take("OFFSET")
	if !offset && !p.takeSymbol(",") {
		return nil
	}
	second, err := p.value()
	if err != nil {
		return err
	}
	p.s.Offset, p.s.Limit = &first, &second
	if offset {
		p.s.Offset, p.s.Limit = &second, &first
	}
	return nil
}

func (p *parser) conditions() error {
	for {
		c, err := p.condition()
		if err != nil {
			return err
		}
		if len(p.s.Where) == maxConditions {
			return Errorf(CodeConditions, "Too many conditions")
		}
		if p.s.On(c.Column) != nil {
			return Errorf(CodeWhere, "Column `%s` is named twice", c.Column)
		}
		p.s.Where = append(p.s.Where, c)
		if _, ok := p.take("OR"); ok {
			return Errorf(CodeNotImplemented, "OR is not implemented")
		}
		if _, ok := p.take("AND"); !ok {
			return nil
		}
	}
}

func (p *parser) condition() (c Condition, err error) {
	if c.Column, err = p.name(); err != nil {
		return c, err
	}
	if _, ok := p.take("IN"); ok {
		c.Op = "IN"
		c.Values, err = p.list()
		return c, err
	}
	if op, ok := p.take("LIKE"); ok {
		c.Op = op
	} else if t := p.next(); t.is("=") || t.is("<") || t.is(">") {
		c.Op = t.text
	} else {
		return c, errSyntax
	}
	v, err := p.value()
	c.Values = []Value{v}
	return c, err
}

// list takes values in brackets.
func (p *parser) list() ([]Value, error) {
	if !p.takeSymbol("(") {
		return nil, errSyntax
	}
	var values []Value
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if len(values) == maxValues {
			return nil, Errorf(CodeValues, "Too many values")
		}
		values = append(values, v)
		if p.takeSymbol(")") {
			return values, nil
		}
		if !p.takeSymbol(",") {
			return nil, errSyntax
		}
	}
}

func (p *parser) insertion() error {
	p.s.Kind = Insert
	p.take("IGNORE")
	if _, ok := p.take("INTO"); !ok {
		return errSyntax
	}
	var err error
	if p.s.Table, err = p.name(); err != nil {
		return err
	}
	if p.takeSymbol("(") {
		if err := p.columns(); err != nil {
			return err
		}
		if !p.takeSymbol(")") {
			return errSyntax
		}
	}
	if _, ok := p.take("VALUES", "VALUE"); !ok {
		return errSyntax
	}
	p.s.Values, err = p.list()
	return err
}

// show takes what SHOW tells of. Words that only narrow the answer are ignored, as the original does.
func (p *parser) show() error {
	p.s.Kind = Show
	p.s.Scope, _ = p.take("GLOBAL", "SESSION", "FILESYSTEM", "RAM", "AVG", "UPTIME", "FULL")
	what, ok := p.take("DATABASES", "SCHEMAS", "TABLES", "TABLE", "PROCESSLIST", "STATUS", "VARIABLES", "WARNINGS", "ERRORS", "COLUMNS", "FIELDS")
	switch {
	case !ok:
		return errSyntax
	case what == "COLUMNS" || what == "FIELDS":
		if _, ok := p.take("FROM", "IN"); !ok {
			return errSyntax
		}
		if err := p.table(Describe); err != nil {
			return err
		}
	case what == "TABLE":
		if _, ok := p.take("STATUS"); !ok {
			return errSyntax
		}
		p.s.Table = "TABLE STATUS"
	case what == "SCHEMAS":
		p.s.Table = "DATABASES"
	default:
		p.s.Table = what
	}
	p.skip()
	return nil
}
