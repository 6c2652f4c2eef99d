package comet

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
)

// sign makes a token of a header and claims, both as JSON.
func sign(secret, header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

const hs256 = `{"alg":"HS256","typ":"JWT"}`

func TestOnlyTheRightTokensSignIn(t *testing.T) {
	n := startNode(t, nil)
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Hour).Unix()
	good := sign(password+"0", hs256, fmt.Sprintf(`{"user_id":7,"exp":%d}`, future))
	for name, test := range map[string]struct {
		token string
		want  bool
	}{
		"a good one":                {good, true},
		"one with parts of seconds": {sign(password+"0", hs256, fmt.Sprintf(`{"user_id":7,"iat":%d.25,"exp":%d.5}`, past, future)), true},
		"one that does not end":     {sign(password+"0", hs256, `{"user_id":7}`), true},
		"one of another user":       {sign(password+"0", hs256, `{"user_id":8}`), false},
		"an id that is a text":      {sign(password+"0", hs256, `{"user_id":"7"}`), false},
		"one without an id":         {sign(password+"0", hs256, `{"exp":99999999999}`), false},
		"one that has ended":        {sign(password+"0", hs256, fmt.Sprintf(`{"user_id":7,"exp":%d}`, past)), false},
		"that of another tenant":    {sign(password+"1", hs256, `{"user_id":7}`), false},
		"another secret":            {sign("other", hs256, `{"user_id":7}`), false},
		"none at all as signature":  {sign("", `{"alg":"none"}`, `{"user_id":7}`), false},
		"no token":                  {"a.b.c", false},
		"a text":                    {"hash", false},
		"nothing":                   {"", false},
	} {
		h := n.open(path(7, test.token)).next()
		if h.Authorized != test.want {
			t.Errorf("%s: greeted with %+v", name, h)
		}
	}
	stored := n.must("SELECT hash FROM users_auth WHERE id = 7").Rows[0][0]
	v := n.open(path(7, good))
	if h := v.next(); h.text() != stored || len(stored) != hashLength {
		t.Errorf("greeted with %+v with %s, and %s is stored", h, h.Data, stored)
	}
	n.must("INSERT INTO revoked_tokens (token) VALUES (?)", good)
	_ = v.ended()
	if h := n.open(path(7, good)).next(); h.Authorized != false {
		t.Errorf("with a revoked token greeted with %+v", h)
	}
	n.must("DELETE FROM revoked_tokens WHERE token = ?", good)
	if h := n.open(path(7, good)).next(); h.Authorized != true {
		t.Errorf("with a token that is revoked no more greeted with %+v", h)
	}
}

func TestAHashSignsInUntilItIsReplaced(t *testing.T) {
	n := startNode(t, nil)
	v := n.user(7)
	n.must("INSERT INTO users_auth (id, hash) VALUES (7, 'other=+/_')")
	if h := n.open(path(7, "hash7")).next(); h.Authorized != false {
		t.Errorf("with the old hash greeted with %+v", h)
	}
	if h := n.open(path(7, "other=+/_")).next(); h.Authorized != true {
		t.Errorf("with the new hash greeted with %+v", h)
	}
	v.sync() // who is here stays
}

func TestWhoGuessesTooManyKeysIsNotJudged(t *testing.T) {
	n := startNode(t, stopped)
	n.must("INSERT INTO users_auth (id, hash) VALUES (7, 'hash7')")
	expired := sign(password+"0", hs256, `{"user_id":7,"exp":1}`)
	for range 2 * wrongKeys {
		if h := n.open(path(7, expired)).next(); h.Authorized != false {
			t.Fatalf("with a token that has ended greeted with %+v", h)
		}
	}
	for i := range wrongKeys {
		if h := n.open(path(7, fmt.Sprint("guess", i))).next(); h.Authorized != false {
			t.Fatalf("with a wrong hash greeted with %+v", h)
		}
	}
	v := n.open(path(7, "hash7"))
	_ = v.ended()
	if h, greeted := <-v.messages; greeted {
		t.Errorf("a browser that guesses is greeted with %+v", h)
	}
	if h := n.open(path(8, "hash8")).next(); h.Authorized != false {
		t.Errorf("another user is greeted with %+v", h)
	}
}

func TestBackendsThatGuessThePasswordAreBlocked(t *testing.T) {
	n := startNode(t, stopped)
	wrong := &mysql.Login{User: "root", From: netip.MustParseAddr("192.0.2.1"), Secret: true}
	for range wrongKeys {
		if _, err := n.gateway.login(t.Context(), wrong); !errors.Is(err, errAuthentication) {
			t.Fatalf("a wrong password: %v", err)
		}
	}
	var told *mysql.Error
	_, err := n.gateway.login(t.Context(), wrong)
	const words = "Host '192.0.2.1' is blocked because of too many wrong passwords; try again in 6 seconds"
	if !errors.As(err, &told) || told.Code != mysql.CodeBlocked || told.Message != words {
		t.Errorf("one wrong password too many: %v", err)
	}
	elsewhere := &mysql.Login{User: "root", From: netip.MustParseAddr("192.0.2.2"), Secret: true}
	if _, err := n.gateway.login(t.Context(), elsewhere); !errors.Is(err, errAuthentication) {
		t.Errorf("from elsewhere: %v", err)
	}
}

// wrongKeys is how many may be shown at once.
const wrongKeys = 10

// stopped has the gateway's clock stand still.
func stopped(s *setup) {
	now := time.Now()
	s.options.Now = func() time.Time { return now }
}

func TestBadRequestsAreToldWhyAndDropped(t *testing.T) {
	n := startNode(t, nil)
	for path, code := range map[string]string{
		"/ws/":                                "401",
		"/ws/sesion":                          "401",
		"/ws/sesion=x&devid=0&v=4":            "401",
		"/comet-server/ws/sesion=x&myid=1":    "406",
		"//ws/sesion=x&myid=1&devid=0":        "418",
		"//comet-server/ws/myid=1&devid=0&v=": "418",
		"/ws/sesion=x&myid=1&devid=0&v=abc":   "418",
	} {
		v := n.open(path)
		h := v.next()
		if h.Pipe != "sys" || h.Event != "error" || !strings.Contains(string(h.Data), `"error_code":`+code) {
			t.Errorf("%s is answered with %+v with %s", path, h, h.Data)
		}
		_ = v.ended()
	}
}

func TestOtherRequestsAreAnswered(t *testing.T) {
	n := startNode(t, nil)
	for _, test := range []struct {
		method, path, want string
		status             int
	}{
		{http.MethodGet, "/info", `{"node":"node______","status":"ok"}`, http.StatusOK},
		{http.MethodGet, "/comet-server/info", `"status":"ok"`, http.StatusOK},
		{http.MethodGet, "/", serverName, http.StatusOK},
		{http.MethodOptions, "/x", "+OK", http.StatusOK},
		{http.MethodPost, "/x", "404", http.StatusNotFound},
		{http.MethodGet, "/x.html", "404", http.StatusNotFound},
	} {
		q, err := http.NewRequestWithContext(t.Context(), test.method, n.http.URL+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := n.http.Client().Do(q)
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 1000)
		length, _ := resp.Body.Read(body)
		_ = resp.Body.Close()
		if resp.StatusCode != test.status || !strings.Contains(string(body[:length]), test.want) || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: %d %q", test.method, test.path, resp.StatusCode, body[:length])
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{path(7, "hash"), "//ws/sesion=&myid=&devid=0&v=3.25&api=js", "/ws/", "/info", "/ws/&&&=&=", "/ws/v=4&devid=-1&myid=9223372036854775808&uuid=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		w, ws, err := parsePath(uri)
		if err == nil && ws && (w.user < 0 || w.tenant < 0 || !nameable(w.uuid)) {
			t.Errorf("%q gave %+v", uri, w)
		}
	})
}

func FuzzToken(f *testing.F) {
	for _, seed := range []string{sign(password+"0", hs256, `{"user_id":7}`), "a.b.c", "..", "", "e30.e30.e30", sign("x", hs256, `{"user_id":1e3}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if c, err := verify(token, []byte(password), 0, time.Now()); err == nil && token != "" {
			if c.UserID == nil {
				t.Errorf("%q is taken for a token", token)
			}
		}
	})
}
