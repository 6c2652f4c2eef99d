package backbone

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// An account may demand a bound of every stream, as those of hosted NATS do.
func TestAnAccountThatDemandsBoundsSaysWhatToSet(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server doesn't start")
	}
	err = s.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{
		"": {MaxMemory: -1, MaxStore: 1 << 30, MaxStreams: -1, MaxConsumers: -1, MaxBytesRequired: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	tg := target([]string{s.ClientURL()}, 1)
	tg.Managed, tg.Servers = false, 0
	p := newPool(t)
	if r := p.Ensure(t.Context(), tg); r.Reason != v1alpha1.ReasonStreamsFailed || !strings.Contains(r.Message, "spec.history.maxBytes") {
		t.Errorf("without bounds got %+v", r)
	}
	tg.Settings.MaxBytes, tg.Settings.BucketBytes = 1<<20, 32<<20
	if r := p.Ensure(t.Context(), tg); !fine(r) {
		t.Errorf("with bounds got %+v", r)
	}
}
