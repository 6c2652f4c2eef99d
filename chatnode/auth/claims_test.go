package auth

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestConnectionCarriesTheClaims(t *testing.T) {
	v := newVerifier(t, Options{HMACSecret: testSecret})
	for name, c := range map[string]struct {
		payload string
		want    Connection
	}{
		"all": {
			`{"sub":"ann","app":"shop","jti":"7","admin":true,"exp":1800000060,"iat":1799999999,"info":{"name": "Ann",
			"n":12345678901234567890},"channels":["a","b"],"subs":{"c":{"info":{ },"data": [1, 2]},"d":{}}}`,
			Connection{
				User: "ann", App: "shop", ID: "7", Admin: true,
				ExpiresAt: time.Unix(1_800_000_060, 0), IssuedAt: time.Unix(1_799_999_999, 0),
				Info:     json.RawMessage(`{"name":"Ann","n":12345678901234567890}`),
				Channels: []string{"a", "b"},
				Subs: map[string]SubscribeOptions{
					"c": {Info: json.RawMessage(`{}`), Data: json.RawMessage(`[1,2]`)}, "d": {},
				},
			},
		},
		"least":      {`{"sub":"ann"}`, Connection{User: "ann", App: DefaultApp}},
		"nulls":      {`{"sub":"ann","info":null,"subs":null,"channels":null,"channel":null}`, Connection{User: "ann", App: DefaultApp}},
		"other case": {`{"sub":"ann","App":"shop","INFO":1}`, Connection{User: "ann", App: DefaultApp}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Connection(sign(t, jose.HS256, testSecret, "", c.payload))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestSubscriptionCarriesTheClaims(t *testing.T) {
	v := newVerifier(t, Options{HMACSecret: testSecret})
	token := sign(t, jose.HS256, testSecret, "",
		`{"sub":"ann","channel":"room:x","client":"c1","app":"shop","exp":1800000060,"info":[ 1 ]}`)
	got, err := v.Subscription(token)
	want := Subscription{
		User: "ann", Client: "c1", Channel: "room:x", App: "shop",
		ExpiresAt: time.Unix(1_800_000_060, 0), Info: json.RawMessage(`[1]`),
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestOneKindOfTokenIsNotTheOther(t *testing.T) {
	v := newVerifier(t, Options{HMACSecret: testSecret})
	for name, c := range map[string]struct {
		payload                  string
		connection, subscription error
	}{
		"connection":    {`{"sub":"ann","channels":["room:x"]}`, nil, ErrPurpose},
		"subscription":  {`{"sub":"ann","channel":"room:x"}`, ErrPurpose, nil},
		"empty channel": {`{"sub":"ann","channel":""}`, ErrPurpose, ErrPurpose},
		"anonymous":     {`{"channel":"room:x"}`, ErrPurpose, nil},
	} {
		t.Run(name, func(t *testing.T) {
			token := sign(t, jose.HS256, testSecret, "", c.payload)
			if _, err := v.Connection(token); !errors.Is(err, c.connection) {
				t.Errorf("as connection token: %v, want %v", err, c.connection)
			}
			if _, err := v.Subscription(token); !errors.Is(err, c.subscription) {
				t.Errorf("as subscription token: %v, want %v", err, c.subscription)
			}
		})
	}
}

func FuzzConnection(f *testing.F) {
	f.Add(sign(f, jose.HS256, testSecret, "", testClaims))
	f.Add(sign(f, jose.EdDSA, testEd25519(), "ed", testClaims))
	f.Add(sign(f, jose.HS256, testSecret, "", `{"sub":"ann","info":{"a":[1, 2]},"subs":{"x":{"data":null}}}`))
	f.Add(unsigned(`{"alg":"none"}`, `{"sub":"ann"}`, nil))
	f.Add(unsigned(`{"alg":"HS256","crit":["b64"],"b64":false}`, `{}`, nil))
	f.Add("a.b.c")
	path := writeFile(f, "keys.json", allTestKeys())
	v := newVerifier(f, Options{HMACSecret: testSecret, JWKSFile: path})
	f.Fuzz(func(t *testing.T, token string) {
		c, err := v.Connection(token)
		if err != nil {
			if resultOf(err) == "other" {
				t.Fatalf("error without a kind: %v", err)
			}
			return
		}
		if c.User == "" || c.App == "" {
			t.Fatalf("accepted without a user or an app: %+v", c)
		}
	})
}

// FuzzClaims reaches what FuzzConnection cannot without the secret.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"sub":"ann","exp":1,"info":{"a": 1},"channels":["a"],"subs":{"c":{"info":null}}}`))
	f.Add([]byte(`{"sub":"ann","channel":"room:x","client":"c"}`))
	f.Add([]byte("{\"info\":\"\n\"}"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := decodeClaims(payload)
		if err != nil {
			return
		}
		connection, notConnection := c.connection()
		if _, notSubscription := c.subscription(); notConnection == nil && notSubscription == nil {
			t.Fatal("one token is of both kinds")
		}
		if connection.Info != nil && !json.Valid(connection.Info) {
			t.Fatalf("info is not JSON: %q", connection.Info)
		}
		for _, b := range connection.Info {
			if b == '\n' {
				t.Fatalf("info breaks a frame: %q", connection.Info)
			}
		}
	})
}
