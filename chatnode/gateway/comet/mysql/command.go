package mysql

import (
	"context"
	"io"
)

// Commands of the protocol.
const (
	comQuit            = 0x01
	comInitDB          = 0x02
	comQuery           = 0x03
	comFieldList       = 0x04
	comStatistics      = 0x09
	comPing            = 0x0e
	comPrepare         = 0x16
	comExecute         = 0x17
	comSendLongData    = 0x18
	comCloseStatement  = 0x19
	comResetStatement  = 0x1a
	comSetOption       = 0x1b
	comResetConnection = 0x1f
)

// errUnknown is the answer to commands that the server has not.
var errUnknown = &Error{Code: 2, Message: "Command is not implemented"}

// answer carries a command out. An error ends the connection; io.EOF is an orderly end.
func (c *connection) answer(packet []byte) error {
	if len(packet) == 0 {
		return errMalformed
	}
	command, rest := packet[0], packet[1:]
	switch command {
	case comQuit:
		if err := c.writeOK(0, 0); err != nil {
			return err
		}
		return io.EOF
	case comInitDB:
		return c.done(c.handler.Use(string(rest)))
	case comQuery:
		return c.query(string(rest), nil, false)
	case comPing:
		return c.writeOK(0, 0)
	case comResetConnection:
		c.statements = statements{}
		return c.writeOK(0, 0)
	case comFieldList, comSetOption:
		return c.writeEOF()
	case comStatistics:
		return c.write([]byte("Uptime: 0"))
	case comPrepare:
		return c.prepare(string(rest))
	case comExecute:
		return c.execute(rest)
	case comSendLongData:
		c.statements.longData(rest)
		return nil
	case comCloseStatement:
		c.statements.close(rest)
		return nil
	case comResetStatement:
		return c.done(c.statements.reset(rest))
	default:
		return c.writeError(errUnknown)
	}
}

// done answers a command that gives nothing.
func (c *connection) done(err error) error {
	if err != nil {
		return c.writeError(err)
	}
	return c.writeOK(0, 0)
}

// query answers a statement.
func (c *connection) query(sql string, args []string, binaryRows bool) error {
	ctx, cancel := context.WithTimeout(c.server.ctx, c.server.options.QueryTimeout)
	defer cancel()
	result, err := c.handler.Query(ctx, sql, args)
	if err != nil {
		return c.writeError(err)
	}
	return c.writeResult(result, binaryRows)
}
