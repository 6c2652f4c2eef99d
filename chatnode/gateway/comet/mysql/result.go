package mysql

import (
	"encoding/binary"
	"errors"
)

// Result is the answer to a statement: rows, if it has columns.
type Result struct {
	Columns []string
	Rows    [][]string
	// Affected and InsertID are those of a statement without columns.
	Affected, InsertID uint64
}

// Error is an answer that says what is wrong with a statement.
type Error struct {
	Code    uint16
	Message string
}

func (e *Error) Error() string { return e.Message }

// CodeBlocked is the code of an error for a client whose address has sent too many wrong passwords, as MySQL's ER_HOST_IS_BLOCKED.
const CodeBlocked = 1129

// internal is the code of errors that have none of their own.
const internal = 500

// maxMessage bounds the words of an error, in bytes.
const maxMessage = 512

const (
	varString = 0xfd
	// utf8Column is the character set of columns, utf8_general_ci.
	utf8Column = 33
	// columnLength is how much a column is said to have at most, in bytes.
	columnLength = 1 << 16
)

func (c *connection) writeOK(affected, insertID uint64) error {
	p := appendLength(appendLength([]byte{0}, affected), insertID)
	return c.write(append(p, autocommit, 0, 0, 0, 0))
}

func (c *connection) writeEOF() error { return c.write([]byte{0xfe, 0, 0, autocommit, 0}) }

// writeError tells the client of an error; what is no Error is told without details.
func (c *connection) writeError(err error) error {
	told := &Error{Code: internal, Message: "Internal error"}
	errors.As(err, &told)
	p := binary.LittleEndian.AppendUint16([]byte{0xff}, told.Code)
	p = append(p, "#HY000"...)
	return c.write(append(p, told.Message[:min(len(told.Message), maxMessage)]...))
}

// writeColumns defines columns, and ends their list.
func (c *connection) writeColumns(names []string) error {
	for _, name := range names {
		p := appendText(nil, "def")
		p = append(p, 0, 0, 0) // schema, table, original table
		p = appendText(p, name)
		p = appendText(p, name)
		p = append(p, 0x0c)
		p = binary.LittleEndian.AppendUint16(p, utf8Column)
		p = binary.LittleEndian.AppendUint32(p, columnLength)
		if err := c.write(append(p, varString, 0, 0, 0, 0, 0)); err != nil {
			return err
		}
	}
	return c.writeEOF()
}

// writeResult answers a statement: with rows as text, or, for prepared statements, in the binary form, which for texts is nearly the same.
func (c *connection) writeResult(r *Result, binaryRows bool) error {
	if r.Columns == nil {
		return c.writeOK(r.Affected, r.InsertID)
	}
	if err := c.write(appendLength(nil, uint64(len(r.Columns)))); err != nil {
		return err
	}
	if err := c.writeColumns(r.Columns); err != nil {
		return err
	}
	var p []byte
	for _, row := range r.Rows {
		p = p[:0]
		if binaryRows {
			const nullOffset = 2
			p = append(p, make([]byte, 1+(len(row)+7+nullOffset)/8)...)
		}
		for _, value := range row {
			p = appendText(p, value)
		}
		if err := c.write(p); err != nil {
			return err
		}
	}
	return c.writeEOF()
}
