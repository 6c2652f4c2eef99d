package cometql

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a statement does.
type Kind uint8

// The kinds of statements.
const (
	// Accept is what does nothing: SET, START TRANSACTION, COMMIT and the like.
	Accept Kind = iota
	// Select reads rows of Table, Insert writes one, Delete takes some away.
	Select
	Insert
	Delete
	// Variables reads Columns, which are not a table's: @@version, DATABASE().
	Variables
	// Show tells of what Table names: DATABASES, TABLES, STATUS and so on, with Scope in front.
	Show
	// Describe tells of the columns of Table.
	Describe
	// Use chooses the database Table.
	Use
)

// Value is a literal, or the place of one that is bound later.
type Value struct {
	Text string
	// Param is the number of a placeholder, from 1 on; 0 for a literal.
	Param int
}

// Condition is one of those behind WHERE.
type Condition struct {
	Column string
	// Op is "=", "<", ">", "LIKE" or "IN".
	Op string
	// Values is one value, of IN all.
	Values []Value
}

// Statement is what one asks for.
type Statement struct {
	Kind  Kind
	Table string
	// Columns are those that are asked for, or into which Values go; nil is all, in the table's order.
	Columns []string
	// Names are how an answer calls the columns of Variables.
	Names  []string
	Values []Value
	Where  []Condition
	// Limit is how many rows are wanted behind the first Offset; nil is all.
	Limit, Offset *Value
	// Scope stands in front of what Show names: GLOBAL, SESSION and so on.
	Scope string
	// Tenant is the number of one for which a node of an old cluster asked; nil if the statement does not say.
	Tenant *int
	// Params is how many placeholders there are.
	Params int
}

// Codes of errors.
const (
	CodeNotImplemented = 2
	CodeSyntax         = 3
	CodeReadOnly       = 10
	CodeTooLong        = 11
	CodeInvalid        = 12
	CodeWhere          = 13
	CodeColumns        = 14
	CodeMissing        = 15
	CodeAuthentication = 16
	CodeTooShort       = 17
	CodeConditions     = 18
	CodeValues         = 19
	CodeManyColumns    = 20
	CodeDenied         = 403
	CodeInternal       = 500
)

// Error says what is wrong with a statement, by a code of the original.
type Error struct {
	Code    uint16
	Message string
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(code uint16, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// On is the condition on a column, nil if there is none.
func (s *Statement) On(column string) *Condition {
	for i := range s.Where {
		if s.Where[i].Column == column {
			return &s.Where[i]
		}
	}
	return nil
}

// Bind gives the statement with the values of its placeholders.
func (s *Statement) Bind(args []string) (*Statement, error) {
	if len(args) != s.Params {
		return nil, Errorf(CodeInvalid, "The statement has %d placeholders and %d values", s.Params, len(args))
	}
	if s.Params == 0 {
		return s, nil
	}
	bound := *s
	bound.Values = bindAll(s.Values, args)
	bound.Where = make([]Condition, len(s.Where))
	for i, c := range s.Where {
		bound.Where[i] = Condition{c.Column, c.Op, bindAll(c.Values, args)}
	}
	for _, v := range []**Value{&bound.Limit, &bound.Offset} {
		if *v != nil {
			*v = &bindAll([]Value{**v}, args)[0]
		}
	}
	return &bound, nil
}

func bindAll(values []Value, args []string) []Value {
	bound := make([]Value, len(values))
	for i, v := range values {
		if bound[i] = v; v.Param > 0 {
			bound[i] = Value{Text: args[v.Param-1]}
		}
	}
	return bound
}

// Cut gives the rows that LIMIT leaves.
func Cut[T any](s *Statement, rows []T) ([]T, error) {
	offset, err := s.Offset.count(0)
	if err != nil {
		return nil, err
	}
	limit, err := s.Limit.count(len(rows))
	if err != nil {
		return nil, err
	}
	rows = rows[min(offset, len(rows)):]
	return rows[:min(limit, len(rows))], nil
}

// count is a value as a number of rows.
func (v *Value) count(absent int) (int, error) {
	if v == nil {
		return absent, nil
	}
	n, err := strconv.ParseUint(v.Text, 10, 31)
	if err != nil {
		return 0, Errorf(CodeSyntax, "Syntax error in query")
	}
	return int(n), nil
}

// Holds says whether a value of a row meets the condition. Texts that are numbers are compared as such.
func (c *Condition) Holds(value string) bool {
	if c.Op == "LIKE" {
		return like(value, c.Values[0].Text)
	}
	for _, v := range c.Values {
		order := compare(value, v.Text)
		if c.Op == "<" && order < 0 || c.Op == ">" && order > 0 || (c.Op == "=" || c.Op == "IN") && order == 0 {
			return true
		}
	}
	return false
}

func compare(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX != nil || errY != nil:
		return strings.Compare(a, b)
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// like compares with a pattern in which % stands for any text and _ for any byte.
func like(s, pattern string) bool {
	// back is where to go on when what follows the last % did not fit: one byte further.
	at, in, back, restart := 0, 0, -1, 0
	for at < len(s) {
		switch {
		case in < len(pattern) && pattern[in] == '%':
			back, restart = in, at
			in++
		case in < len(pattern) && (pattern[in] == '_' || pattern[in] == s[at]):
			at++
			in++
		case back >= 0:
			restart++
			at, in = restart, back+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[in:], "%") == ""
}
