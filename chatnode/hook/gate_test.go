package hook

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/chatfleet/chatfleet/test/wait"
)

func openGate(t *testing.T, url string, o GateOptions) *Gate {
	t.Helper()
	o.URL, o.Secrets = url, secrets
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	g, err := NewGate(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func answering(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAGateAsksWithASignedEvent(t *testing.T) {
	var body, signature string
	url := answering(t, func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get(DeliveryHeader) == "" {
			t.Error(err, r.Method)
		}
		body, signature = string(raw), r.Header.Get(SignatureHeader)
		_, _ = io.WriteString(w, `{"accept":true}`)
	})
	g := openGate(t, url, GateOptions{})
	if v, err := g.Check(t.Context(), "shop", "room:a", []byte(`{"text":"hi"}`)); err != nil || !v.Accept || v.Text != nil {
		t.Fatal(v, err)
	}
	if want := `{"app":"shop","room":"room:a","event":{"text":"hi"}}`; body != want {
		t.Errorf("asked %s", body)
	}
	if err := Verify(secret, signature, time.Now(), time.Minute, []byte(body)); err != nil {
		t.Error(err)
	}
}

func TestAVerdictIsTakenAndWhateverElseIsAFailure(t *testing.T) {
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		status int
		answer string
		want   *Verdict // nil: none
	}{
		"accepted":            {200, `{"accept":true}`, &Verdict{Accept: true}},
		"refused":             {200, `{"accept":false,"reason":"rude"}`, &Verdict{Reason: "rude"}},
		"refused, why unsaid": {200, `{"accept":false}`, &Verdict{}},
		"refused with a text": {200, `{"accept":false,"text":"x"}`, &Verdict{}},
		"replaced":            {200, `{"accept":true,"text":"****","score":0.9}`, &Verdict{Accept: true, Text: text("****")}},
		"reason of two lines": {200, `{"accept":false,"reason":" a\r\nb\u0000 "}`, &Verdict{Reason: "a b"}},
		"replaced by nothing": {200, `{"accept":true,"text":""}`, nil},
		"no verdict":          {200, `{}`, nil},
		"null":                {200, `null`, nil},
		"a string":            {200, `{"accept":"true"}`, nil},
		"not JSON":            {200, `yes`, nil},
		"more than JSON":      {200, `{"accept":true} and more`, nil},
		"empty":               {200, ``, nil},
		"oversized":           {200, `{"accept":true}` + strings.Repeat(" ", maxAnswer), nil},
		"no content":          {204, ``, nil},
		"not found":           {404, `{"accept":true}`, nil},
		"an error":            {500, `{"accept":true}`, nil},
		"redirected":          {307, `{"accept":true}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			})
			strict, err := openGate(t, url, GateOptions{}).Check(t.Context(), "default", "room:a", []byte(`{}`))
			loose, looseErr := openGate(t, url, GateOptions{AcceptOnFailure: true}).Check(t.Context(), "default", "room:a", []byte(`{}`))
			want, same := Verdict{Accept: true}, func(a, b Verdict) bool {
				return a.Accept == b.Accept && a.Reason == b.Reason && (a.Text == nil) == (b.Text == nil) && (a.Text == nil || *a.Text == *b.Text)
			}
			if c.want != nil {
				want = *c.want
				if err != nil || !same(strict, want) {
					t.Errorf("said %+v, %v", strict, err)
				}
			} else if !errors.Is(err, ErrNoVerdict) || strict.Accept {
				t.Errorf("without a verdict, said %+v, %v", strict, err)
			}
			if looseErr != nil || !same(loose, want) {
				t.Errorf("said %+v, %v where failures are accepted", loose, looseErr)
			}
			if asked.Load() != 2 {
				t.Errorf("asked %d times for two questions", asked.Load())
			}
		})
	}
}

func TestAReceiverThatCannotBeReachedGivesNoVerdict(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	untrusted := httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	hanging := make(chan struct{})
	silent := answering(t, func(http.ResponseWriter, *http.Request) { <-hanging })
	defer close(hanging)
	for name, url := range map[string]string{"gone": gone.URL + "/secret-path", "untrusted": untrusted.URL, "silent": silent} {
		_, err := openGate(t, url, GateOptions{Timeout: 300 * time.Millisecond}).Check(t.Context(), "default", "room:a", []byte(`{}`))
		if !errors.Is(err, ErrNoVerdict) || strings.Contains(err.Error(), "secret-path") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAGateHasABoundOfQuestionsThatAreOut(t *testing.T) {
	release := make(chan struct{})
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = io.WriteString(w, `{"accept":true}`)
	})
	registry := prometheus.NewRegistry()
	g := openGate(t, url, GateOptions{Registerer: registry})
	answers := make(chan error, gateParallel)
	for range gateParallel {
		go func() {
			_, err := g.Check(t.Context(), "default", "room:a", []byte(`{}`))
			answers <- err
		}()
	}
	wait.For(t, patience, "all places to be taken", func(context.Context) error {
		if len(g.places) < gateParallel {
			return errors.New("some are free")
		}
		return nil
	})
	if _, err := g.Check(t.Context(), "default", "room:a", []byte(`{}`)); !errors.Is(err, ErrNoVerdict) {
		t.Error(err)
	}
	close(release)
	for range gateParallel {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if v, err := g.Check(t.Context(), "default", "room:a", []byte(`{}`)); err != nil || !v.Accept {
		t.Error("the places are not given back:", err)
	}
	if failed := testutil.ToFloat64(g.metrics.checks.WithLabelValues("failed")); failed != 1 {
		t.Errorf("%v failures were counted", failed)
	}
}

func TestACallerWhoGoesAwayGetsNoVerdictOfThePolicy(t *testing.T) {
	hanging := make(chan struct{})
	url := answering(t, func(http.ResponseWriter, *http.Request) { <-hanging })
	defer close(hanging)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v, err := openGate(t, url, GateOptions{AcceptOnFailure: true}).Check(ctx, "default", "room:a", []byte(`{}`))
	if v.Accept || !errors.Is(err, context.Canceled) {
		t.Error(v, err)
	}
}

func TestAddressesHoldNoPasswords(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://example.org/hook": true, "http://127.0.0.1:1": true, "https://ann:secret@example.org/": false, "ftp://example.org": false,
		"/hook": false, "": false, "https://": false,
	} {
		if err := CheckURL(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func FuzzVerdict(f *testing.F) {
	for _, seed := range []string{
		`{"accept":true}`, `{"accept":false,"reason":"no"}`, `{"accept":true,"text":"x"}`, `{"accept":null}`, `[]`, `{"accept":true}{}`, "\xff",
		`{"accept":false,"reason":"` + strings.Repeat("ß", 300) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := parseVerdict(raw)
		switch {
		case err != nil && (v.Accept || v.Text != nil || v.Reason != ""):
			t.Errorf("a verdict %+v beside an error", v)
		case v.Text != nil && (!v.Accept || *v.Text == ""):
			t.Errorf("a text that can't be stored: %+v", v)
		case len(v.Reason) > maxReason || strings.ContainsAny(v.Reason, "\r\n\x00") || !utf8.ValidString(v.Reason):
			t.Errorf("a reason that can't be shown: %q", v.Reason)
		case v.Accept && v.Reason != "":
			t.Errorf("a reason without a refusal: %+v", v)
		}
	})
}
