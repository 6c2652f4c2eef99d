package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kube "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/crowd"
)

// dialWait bounds one attempt to connect.
const dialWait = 5 * time.Second

// tokenSecret is what the tokens of tests are signed with.
var tokenSecret = bytes.Repeat([]byte("end-to-end."), 4)

// tokenSecretName is the Secret with it.
const tokenSecretName = "tokens"

// makeTokenSecret makes the Secret in a namespace.
func makeTokenSecret(t *testing.T, namespace string, secret []byte) {
	t.Helper()
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: tokenSecretName}, Data: map[string][]byte{"secret": secret},
	}
	if err := unlessKept(theWorld.kube.Create(t.Context(), s)); err != nil {
		t.Fatalf("make the secret of tokens: %v", err)
	}
}

// chat is where the clients of a ChatCluster come in.
type chat struct {
	namespace, name, host string
	// secret signs tokens; nil: clients are anonymous.
	secret []byte
	// prefix of the rooms that its clients may use.
	prefix string
}

// names are those of the children.
func (c chat) names() plan.Names {
	return plan.NamesOf(&v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: c.name}})
}

// token is one for the user; empty for anonymous users.
func (c chat) token(user string) (string, error) {
	if c.secret == nil {
		return "", nil
	}
	signer, err := auth.NewDevelopment(auth.DevelopmentOptions{Secret: c.secret})
	if err != nil {
		return "", err
	}
	return signer.Token(user, time.Hour)
}

// through is the host:port of the ingress controller.
func (c chat) through(ctx context.Context) (string, error) {
	if address := fromEnvironment("E2E_INGRESS", ""); address != "" {
		return address, nil
	}
	var ingress networkingv1.Ingress
	if err := theWorld.kube.Get(ctx, kube.ObjectKey{Namespace: c.namespace, Name: c.names().Clients}, &ingress); err != nil {
		return "", fmt.Errorf("find the ingress: %w", err)
	}
	for _, i := range ingress.Status.LoadBalancer.Ingress {
		if i.IP != "" {
			return net.JoinHostPort(i.IP, "80"), nil
		}
		if i.Hostname != "" {
			return net.JoinHostPort(i.Hostname, "80"), nil
		}
	}
	return "", errors.New("the Ingress has no address; E2E_INGRESS=host:port gives one")
}

// dial connects a user through the ingress.
func (c chat) dial(ctx context.Context, user string, o client.Options) (*client.Client, error) {
	var err error
	if o.Token, err = c.token(user); err != nil {
		return nil, err
	}
	if o.Through, err = c.through(ctx); err != nil {
		return nil, err
	}
	o.Name = user
	if o.Timeout == 0 {
		o.Timeout = dialWait
	}
	return client.Dial(ctx, "http://"+c.host, o)
}

// exchange sends a message and sees it come back, both through the ingress.
func (c chat) exchange(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*dialWait)
	defer cancel()
	one, err := c.dial(ctx, "ann", client.Options{})
	if err != nil {
		return err
	}
	defer one.Close()
	room := c.prefix + "exchange-" + uuid.NewString()
	heard := make(chan struct{}, 8)
	o := client.SubscribeOptions{OnPublication: func(*protocol.Publication) { heard <- struct{}{} }}
	if _, err := one.Subscribe(ctx, room, o); err != nil {
		return err
	}
	if _, err := one.Send(ctx, room, uuid.Must(uuid.NewV7()).String(), "hello"); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		return errors.New("an acknowledged message is not seen")
	}
}

// waitExchange returns when a message goes through.
func (c chat) waitExchange(t *testing.T, patience time.Duration) {
	t.Helper()
	eventually(t, patience, "a message to go through "+c.namespace+"/"+c.name, func() error { return c.exchange(t.Context()) })
}

// crowdPatience bounds the waits of a crowd.
const crowdPatience = 3 * time.Minute

// gather brings clients who talk and read through the ingress.
func (c chat) gather(t *testing.T, clients, rooms int, rest time.Duration) *crowd.Crowd {
	t.Helper()
	f := crowd.Fleet{T: t, Patience: crowdPatience, Dial: func(ctx context.Context, user string, _ int, o client.Options) (*client.Client, error) {
		return c.dial(ctx, user, o)
	}}
	return crowd.Gather(f, c.prefix+testName(t)+"-"+uuid.NewString()[:8], clients, rooms, rest)
}

// verdict ends a crowd, and fails the test if anything acknowledged was lost, doubled, reordered or altered.
func verdict(t *testing.T, c *crowd.Crowd) {
	t.Helper()
	c.Finish()
	v := c.Judge()
	t.Logf("%d messages acknowledged, %d stored, shown %d times; %d recoveries needed history", v.Acknowledged, v.Stored, v.Shown, c.Unrecovered())
	if faults := v.Faults(); faults != "" {
		t.Error(faults)
	}
	if v.Acknowledged == 0 {
		t.Error("no message was acknowledged: that proves nothing")
	}
	c.Disperse()
}
