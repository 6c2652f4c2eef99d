package rpc

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"connectrpc.com/connect"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// userHeader names the user for whom a server acts. What is no visible ASCII character, and %, stands in it as in a URL: %C3%A9.
const userHeader = "Chatfleet-User"

type actorKey struct{}

// actorOf gives whom admit has admitted.
func actorOf(ctx context.Context) chat.Actor {
	a, _ := ctx.Value(actorKey{}).(chat.Actor)
	return a
}

// admit says who makes a request, before it is read, and keeps the caller to its bounds.
func (g *Gateway) admit(ctx context.Context, _ connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
	o := outcomeOf(ctx)
	a, who, err := g.identify(header)
	if err == nil {
		var bound string
		if o.done, bound, err = g.callers.begin(who); err != nil {
			g.metrics.refused.WithLabelValues(bound).Inc()
		}
	}
	if err != nil {
		o.code = err.Code().String()
		return nil, err
	}
	return context.WithValue(ctx, actorKey{}, a), nil
}

// identify says as whom a request acts, and who the caller is.
func (g *Gateway) identify(header http.Header) (chat.Actor, caller, *connect.Error) {
	scheme, secret, _ := strings.Cut(header.Get("Authorization"), " ")
	if secret = strings.TrimSpace(secret); !strings.EqualFold(scheme, "Bearer") || secret == "" {
		return chat.Actor{}, caller{}, unauthenticated("the header Authorization must be Bearer and a server key, an admin's token or a user's token")
	}
	if !strings.Contains(secret, ".") { // as every token does, and no key
		app, err := g.options.Tokens.ServerKey(secret)
		if err != nil {
			return chat.Actor{}, caller{}, unauthenticated("what follows Bearer is neither a server key that this node knows nor a token")
		}
		return actFor(header, app)
	}
	token, err := g.options.Tokens.Connection(secret)
	if err != nil {
		return chat.Actor{}, caller{}, badToken(err)
	}
	if err := chat.CheckUser(token.User); err != nil {
		return chat.Actor{}, caller{}, unauthenticated(err.Error())
	}
	if err := g.revoked(token); err != nil {
		return chat.Actor{}, caller{}, err
	}
	switch {
	case token.Admin:
		return actFor(header, token.App)
	case len(header.Values(userHeader)) > 0:
		return chat.Actor{}, caller{}, refusal(connect.CodePermissionDenied, "denied", userHeader+" is for servers: a user's token acts for its user alone")
	}
	return chat.Actor{App: token.App, User: token.User, Info: token.Info}, caller{token.App, token.User}, nil
}

// revoked refuses tokens that are revoked, and those of banned users.
func (g *Gateway) revoked(token auth.Connection) *connect.Error {
	if g.options.Admit == nil {
		return nil
	}
	err := g.options.Admit(token.App, token.User, token.IssuedAt)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, chat.ErrRevoked):
		return refusal(connect.CodeUnauthenticated, "expired", chat.ErrRevoked.Message)
	}
	told, _ := failure(err)
	return told
}

// actFor makes a server act for a user if it wants to. A header without a name is an error: the server meant somebody.
func actFor(header http.Header, app string) (chat.Actor, caller, *connect.Error) {
	server := caller{app: app}
	values := header.Values(userHeader)
	if len(values) == 0 {
		return chat.Actor{App: app, Server: true}, server, nil
	}
	user, err := url.PathUnescape(values[0])
	if err == nil {
		err = chat.CheckUser(user)
	}
	if err != nil || len(values) > 1 {
		return chat.Actor{}, caller{}, refusal(connect.CodeInvalidArgument, "invalid",
			userHeader+" must be one user's name of 1 to 128 bytes, with everything but visible ASCII escaped as in a URL")
	}
	return chat.Actor{App: app, User: user}, server, nil
}
