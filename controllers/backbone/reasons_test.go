package backbone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestEnsureSaysWhyItIsNotLetIn(t *testing.T) {
	servers, other := startSecured(t, 1, ""), startSecured(t, 1, "")
	open := startNATS(t, 1)
	withTLS := func(s *TLS) Target {
		tg := target(servers.URLs(), 1)
		tg.TLS = s
		return tg
	}
	withCredentials := func(content string) Target {
		tg := target(servers.URLs(), 1)
		tg.TLS, tg.Credentials = &TLS{CA: servers.tls(operatorSecret).CA}, []byte(content)
		return tg
	}
	mine := servers.tls(operatorSecret)
	tests := []struct {
		name    string
		target  Target
		reason  string
		message string
	}{
		{"no TLS where it is needed", withTLS(nil), v1alpha1.ReasonUnreachable, "certificate"},
		{"no client certificate", withTLS(&TLS{CA: mine.CA}), v1alpha1.ReasonUnauthorized, "certificate"},
		{"a client certificate of another authority", withTLS(&TLS{CA: mine.CA, Cert: other.tls(operatorSecret).Cert, Key: other.tls(operatorSecret).Key}), v1alpha1.ReasonUnauthorized, "certificate"},
		{"a client certificate of nobody there", withTLS(&TLS{CA: mine.CA, Cert: servers.tls(serverSecret).Cert, Key: servers.tls(serverSecret).Key}), v1alpha1.ReasonUnauthorized, "Authorization Violation"},
		{"a server of another authority", withTLS(&TLS{CA: other.tls(operatorSecret).CA, Cert: mine.Cert, Key: mine.Key}), v1alpha1.ReasonUnreachable, "certificate"},
		{"TLS that the server doesn't speak", Target{Owner: "o", URLs: open.URLs(), TLS: mine}, v1alpha1.ReasonUnreachable, "secure connection"},
		{"an authority that is none", withTLS(&TLS{CA: []byte("garbage"), Cert: mine.Cert, Key: mine.Key}), v1alpha1.ReasonSecretInvalid, "ca.crt"},
		{"a key that is none", withTLS(&TLS{CA: mine.CA, Cert: mine.Cert, Key: []byte("garbage")}), v1alpha1.ReasonSecretInvalid, "tls.key"},
		{"credentials that are none", withCredentials("garbage"), v1alpha1.ReasonSecretInvalid, "no user JWT"},
		{"credentials without a seed", withCredentials("-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n"), v1alpha1.ReasonSecretInvalid, "no seed"},
		{"credentials that the server doesn't know", func() Target {
			tg := target(open.URLs(), 1)
			tg.URLs, tg.Credentials = startWithUsers(t), []byte(credentials(t))
			return tg
		}(), v1alpha1.ReasonUnauthorized, "Authorization Violation"},
		{"nobody there", target([]string{"nats://" + closedAddress(t), "nats://" + closedAddress(t)}, 1), v1alpha1.ReasonUnreachable, "nobody answers there"},
		{"a name that nobody has", target([]string{"nats://nowhere.invalid:4222"}, 1), v1alpha1.ReasonUnreachable, "nowhere.invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newPool(t).Ensure(t.Context(), test.target)
			if r.Reason != test.reason || !strings.Contains(r.Message, test.message) || r.Reachable {
				t.Errorf("got %+v", r)
			}
			if strings.Contains(r.Message, "PRIVATE") || strings.Contains(r.Message, "garbage") {
				t.Errorf("the message shows a secret: %s", r.Message)
			}
		})
	}
}

func TestWhoDoesNotAnswerIsWaitedForWithinTheDeadline(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	started := time.Now()
	r := newPool(t).Ensure(t.Context(), target([]string{"nats://" + silent.Addr().String()}, 1))
	if r.Reason != v1alpha1.ReasonUnreachable || r.Message == "" {
		t.Errorf("got %+v", r)
	}
	if took := time.Since(started); took > ensureWait+20*time.Second {
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the operator ends"))
	if r := newPool(t).Ensure(ctx, target([]string{"nats://" + silent.Addr().String()}, 1)); r.Reason != v1alpha1.ReasonUnreachable {
		t.Errorf("got %+v", r)
	}
}

func TestManyWhoWaitForTheSameServerLearnAtOnceThatItDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := newPool(t)
	reports := make([]Report, 50)
	var all sync.WaitGroup
	for i := range reports {
		tg := target([]string{"nats://" + silent.Addr().String()}, 1)
		tg.Owner = fmt.Sprint(i)
		all.Go(func() { reports[i] = p.Ensure(t.Context(), tg) })
	}
	all.Wait()
	for _, r := range reports {
		if r.Reason != v1alpha1.ReasonUnreachable || !strings.Contains(r.Message, silent.Addr().String()) {
			t.Errorf("got %+v", r)
		}
	}
}

func TestAServerThatHangsIsUnreachableUntilItGoesOn(t *testing.T) {
	servers := startNATS(t, 1)
	p, tg := newPool(t), target(servers.URLs(), 1)
	await(t, p, tg, "all streams", fine)
	servers.Server(0).Pause()
	if r := p.Ensure(t.Context(), tg); r.Reason != v1alpha1.ReasonUnreachable {
		t.Errorf("got %+v", r)
	}
	servers.Server(0).Resume()
	await(t, p, tg, "all streams again", fine)
}

func TestAnAccountWithoutJetStreamIsNamed(t *testing.T) {
	servers := startNATSWith(t, process.NATSOptions{Servers: 1, Extra: `
no_auth_user: helper
accounts {
  PLAIN { users: [ { user: plain, password: word } ] }
  STREAMS { jetstream: enabled, users: [ { user: helper, password: word } ] }
}
`})
	tg := target([]string{strings.Replace(servers.URL(), "nats://", "nats://plain:word@", 1)}, 1)
	if r := newPool(t).Ensure(t.Context(), tg); r.Reason != v1alpha1.ReasonNoJetStream || !r.Reachable {
		t.Errorf("got %+v", r)
	}
}

func TestVersionsAreCompared(t *testing.T) {
	for version, is := range map[string]bool{
		"2.11.0": true, "2.12.0-RC.1": true, "v2.15.2": true, "3.0.0": true, "2.10.29": false, "1.99.0": false, "": false, "2": false, "next.1": false,
	} {
		if recent(version) != is {
			t.Errorf("%q is recent: %v", version, !is)
		}
	}
}

// startWithUsers starts a server that wants to know who comes.
func startWithUsers(t *testing.T) []string {
	t.Helper()
	servers := startNATSWith(t, process.NATSOptions{Servers: 1, Extra: `
no_auth_user: helper
accounts { A { jetstream: enabled, users: [ { user: helper, password: word } ] } }
`})
	return []string{strings.Replace(servers.URL(), "nats://", "nats://helper:wrong@", 1)}
}

// credentials are well-formed and of nobody.
func credentials(t *testing.T) string {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n", seed)
}

func closedAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", process.ReservePort(t))
}
