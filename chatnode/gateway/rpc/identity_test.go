package rpc

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

func TestCallersAreWhatTheyShow(t *testing.T) {
	b := start(t, nil)
	server := chat.Actor{App: "shop", Server: true}
	admin := chat.Actor{App: "default", Server: true}
	user, administrator := b.token(t, "ann", false), b.token(t, "root", true)
	for name, c := range map[string]struct {
		headers []string
		want    chat.Actor
	}{
		"server key":               {[]string{"Authorization", "Bearer " + shopKey}, server},
		"server key, other case":   {[]string{"authorization", "bearer  " + shopKey + " "}, server},
		"server for a user":        {[]string{"Authorization", "Bearer " + shopKey, "Chatfleet-User", "bob"}, chat.Actor{App: "shop", User: "bob"}},
		"server for an odd name":   {[]string{"Authorization", "Bearer " + shopKey, "Chatfleet-User", "Zo%C3%AB%20100%25"}, chat.Actor{App: "shop", User: "Zoë 100%"}},
		"admin's token":            {[]string{"Authorization", "Bearer " + administrator}, admin},
		"admin's token for a user": {[]string{"Authorization", "Bearer " + administrator, "Chatfleet-User", "bob"}, chat.Actor{App: "default", User: "bob"}},
		"user's token":             {[]string{"Authorization", "Bearer " + user}, chat.Actor{App: "default", User: "ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			if a := b.post(t, "GetRoom", `{"room":"room:a"}`, c.headers...); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a, _ := b.last(); a.App != c.want.App || a.User != c.want.User || a.Server != c.want.Server || a.Client != "" {
				t.Errorf("acts as %+v, want %+v", a, c.want)
			}
		})
	}
}

func TestCallersWhoShowNothingGoodAreRefusedBeforeTheirRequestIsRead(t *testing.T) {
	b := start(t, nil)
	user := b.token(t, "ann", false)
	b.refused["old"], b.refused["bad"] = chat.ErrRevoked, chat.ErrBanned
	b.refused["new"] = &chat.Error{Kind: chat.Unavailable, Message: "this node has just started"}
	for name, c := range map[string]struct {
		headers      []string
		status       int
		code, reason string
	}{
		"nothing":               {nil, 401, "unauthenticated", "unauthenticated"},
		"another scheme":        {[]string{"Authorization", "Basic " + shopKey}, 401, "unauthenticated", "unauthenticated"},
		"an empty secret":       {[]string{"Authorization", "Bearer "}, 401, "unauthenticated", "unauthenticated"},
		"an unknown key":        {[]string{"Authorization", "Bearer " + shopKey + "x"}, 401, "unauthenticated", "unauthenticated"},
		"no token at all":       {[]string{"Authorization", "Bearer a.b.c"}, 401, "unauthenticated", "unauthenticated"},
		"a forged token":        {[]string{"Authorization", "Bearer " + user[:len(user)-4]}, 401, "unauthenticated", "unauthenticated"},
		"an expired token":      {[]string{"Authorization", "Bearer " + b.expired(t)}, 401, "unauthenticated", "expired"},
		"a revoked token":       {[]string{"Authorization", "Bearer " + b.token(t, "old", false)}, 401, "unauthenticated", "expired"},
		"a revoked admin's":     {[]string{"Authorization", "Bearer " + b.token(t, "old", true)}, 401, "unauthenticated", "expired"},
		"a banned user":         {[]string{"Authorization", "Bearer " + b.token(t, "bad", false)}, 403, "permission_denied", "denied"},
		"a name too long":       {[]string{"Authorization", "Bearer " + b.signed(t, strings.Repeat("a", chat.MaxName+1))}, 401, "unauthenticated", "unauthenticated"},
		"nobody knows yet":      {[]string{"Authorization", "Bearer " + b.token(t, "new", false)}, 503, "unavailable", "unavailable"},
		"a user for another":    {[]string{"Authorization", "Bearer " + user, "Chatfleet-User", "bob"}, 403, "permission_denied", "denied"},
		"a server for nobody":   {[]string{"Authorization", "Bearer " + shopKey, "Chatfleet-User", ""}, 400, "invalid_argument", "invalid"},
		"a server for two":      {[]string{"Authorization", "Bearer " + shopKey, "Chatfleet-User", "a", "Chatfleet-User", "b"}, 400, "invalid_argument", "invalid"},
		"a server for %":        {[]string{"Authorization", "Bearer " + shopKey, "Chatfleet-User", "%"}, 400, "invalid_argument", "invalid"},
		"a server for no UTF-8": {[]string{"Authorization", "Bearer " + shopKey, "Chatfleet-User", "%FF"}, 400, "invalid_argument", "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			before := b.counted(t, "GetRoom", c.code)
			a := b.post(t, "GetRoom", `not even JSON`, c.headers...)
			f, reason := a.failed(t)
			if a.status != c.status || f.Code != c.code || reason != c.reason || f.Message == "" {
				t.Errorf("%d %s", a.status, a.body)
			}
			if _, request := b.last(); request != nil {
				t.Error("the domain was asked")
			}
			if n := b.counted(t, "GetRoom", c.code) - before; n != 1 {
				t.Errorf("counted %v times", n)
			}
		})
	}
}

// signed is a token that whoever has the secret made.
func (b *bench) signed(t *testing.T, user string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: b.signer.Secret()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any{"sub": user}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// expired waits for no token to expire: it signs one that was good in the past.
func (b *bench) expired(t *testing.T) string {
	t.Helper()
	past, err := auth.NewDevelopment(auth.DevelopmentOptions{
		Secret: b.signer.Secret(), Clock: func() time.Time { return time.Now().Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := past.Token("ann", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
