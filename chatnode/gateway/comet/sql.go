package comet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/cometql"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// checkUser begins the names of those who need no password, since all they may do is to come in: HAProxy looks so whether a node lives.
const checkUser = "haproxy_check"

// database is the one that there is; databaseOf stands before the number of a tenant.
const (
	database   = "CometQL_v1"
	databaseOf = "db_"
)

var (
	errAuthentication = &mysql.Error{Code: cometql.CodeAuthentication, Message: "Authentication failure"}
	errDatabase       = &mysql.Error{Code: cometql.CodeMissing, Message: "Select database failure"}
	errDenied         = &mysql.Error{Code: cometql.CodeDenied, Message: "Access denied"}
)

// backend answers one MySQL client. It is the application's server.
type backend struct {
	gateway *Gateway
	tenant  int
	// checks says that it may only look whether the node lives.
	checks bool
}

// login judges a MySQL client: its name says the tenant, its password that it may come in.
func (g *Gateway) login(_ context.Context, l *mysql.Login) (mysql.Handler, error) {
	if strings.HasPrefix(l.User, checkUser) && !l.Secret {
		return &backend{gateway: g, checks: true}, nil
	}
	guess := auth.Guess{From: l.From, Account: l.User}
	if wait := g.guesses.Wait(guess); wait > 0 {
		return nil, &mysql.Error{Code: mysql.CodeBlocked, Message: fmt.Sprintf(
			"Host '%s' is blocked because of too many wrong passwords; try again in %d seconds", l.From, int(math.Ceil(wait.Seconds())))}
	}
	password := g.options.Password()
	tenant, ok := tenantOf(l.User)
	if known := len(password) > 0 && l.Knows(password); !known || !ok {
		g.guesses.Wrong(guess)
		return nil, errAuthentication
	}
	return &backend{gateway: g, tenant: tenant}, nil
}

// tenantOf is the number of a tenant.
func tenantOf(name string) (int, bool) {
	if name == "root" {
		return 0, true
	}
	n, err := strconv.Atoi(name)
	return n, err == nil && n >= 0 && n <= maxTenant
}

// Use implements mysql.Handler.
func (b *backend) Use(name string) error {
	if number, ok := strings.CutPrefix(name, databaseOf); ok && !b.checks {
		if tenant, ok := tenantOf(number); ok {
			b.tenant = tenant
			return nil
		}
	}
	if name != database {
		return errDatabase
	}
	return nil
}

// Prepare implements mysql.Handler.
func (b *backend) Prepare(sql string) (params int, columns []string, err error) {
	if b.checks {
		return 0, nil, errDenied
	}
	s, err := parse(sql)
	if err != nil {
		return 0, nil, told(err)
	}
	if columns, err = b.gateway.columnsOf(s); err != nil {
		return 0, nil, told(err)
	}
	return s.Params, columns, nil
}

// parse reads a statement.
func parse(sql string) (*cometql.Statement, error) { return cometql.Parse(inUTF8(sql)) }

// inUTF8 gives a text of a client as UTF-8. What is none comes from clients that speak Latin-1.
func inUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// Query implements mysql.Handler.
func (b *backend) Query(ctx context.Context, sql string, args []string) (*mysql.Result, error) {
	if b.checks {
		return nil, errDenied
	}
	s, err := parse(sql)
	if err == nil {
		values := make([]string, len(args))
		for i, arg := range args {
			values[i] = inUTF8(arg)
		}
		s, err = s.Bind(values)
	}
	if err != nil {
		b.gateway.metrics.queries.WithLabelValues("unknown", "", "error").Inc()
		return nil, told(err)
	}
	result, err := b.run(ctx, s)
	b.count(s, err)
	if err != nil {
		return nil, b.toldOf(err)
	}
	return result, nil
}

var kindNames = map[cometql.Kind]string{
	cometql.Accept: "accept", cometql.Select: "select", cometql.Insert: "insert", cometql.Delete: "delete",
	cometql.Variables: "variables", cometql.Show: "show", cometql.Describe: "describe", cometql.Use: "use",
}

// count counts a statement. Names that a client made up are not worth a series.
func (b *backend) count(s *cometql.Statement, err error) {
	table, result := s.Table, "ok"
	if b.gateway.tables[table] == nil {
		table = ""
	}
	if err != nil {
		result = "error"
	}
	b.gateway.metrics.queries.WithLabelValues(kindNames[s.Kind], table, result).Inc()
}

// run carries a statement out.
func (b *backend) run(ctx context.Context, s *cometql.Statement) (*mysql.Result, error) {
	g := b.gateway
	tenant := b.tenant
	if s.Tenant != nil {
		if tenant = *s.Tenant; tenant < 0 || tenant > maxTenant {
			return nil, errDatabase
		}
	}
	app := g.appOf(tenant)
	switch s.Kind {
	case cometql.Select:
		return g.selectRows(ctx, app, s)
	case cometql.Insert:
		return g.insertRow(ctx, app, s)
	case cometql.Delete:
		return g.deleteRows(ctx, app, s)
	case cometql.Variables:
		return variables(s)
	case cometql.Show:
		return g.show(tenant, app, s), nil
	case cometql.Describe:
		return g.describe(s.Table)
	case cometql.Use:
		if err := b.Use(s.Table); err != nil {
			return nil, err
		}
	}
	return &mysql.Result{}, nil
}

// told is an error in the words of the protocol, if it is one of the statement.
func told(err error) error {
	var wrong *cometql.Error
	if errors.As(err, &wrong) {
		return &mysql.Error{Code: wrong.Code, Message: wrong.Message}
	}
	return err
}

// chatCodes are the codes of what chat refuses.
var chatCodes = map[chat.Kind]uint16{
	chat.Invalid: cometql.CodeInvalid, chat.Denied: cometql.CodeDenied, chat.NotFound: cometql.CodeMissing,
	chat.TooMany: cometql.CodeInternal, chat.Limit: cometql.CodeInternal, chat.Conflict: cometql.CodeInternal, chat.Unavailable: cometql.CodeInternal,
}

// toldOf is an error of carrying a statement out in the words of the protocol.
func (b *backend) toldOf(err error) error {
	var refused *chat.Error
	if errors.As(err, &refused) {
		if code := chatCodes[refused.Kind]; code > 0 {
			return &mysql.Error{Code: code, Message: refused.Message}
		}
	}
	b.gateway.log.Debug("a statement failed", "error", err)
	return told(err)
}
