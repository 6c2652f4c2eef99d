package trace

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSpansReachTheCollector(t *testing.T) {
	got := make(chan request, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req request
		if err = errors.Join(err, json.Unmarshal(body, &req)); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s %v", r.URL.Path, err)
		}
		got <- req
	}))
	defer collector.Close()
	stop, err := Start(Options{URL: collector.URL, Ratio: 1, Version: "v1", Node: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, parent := otel.Tracer("test").Start(t.Context(), "parent")
	_, child := otel.Tracer("test").Start(ctx, "child")
	child.SetAttributes(attribute.Int("offset", 7), attribute.Bool("duplicate", true))
	child.SetStatus(codes.Error, "broken")
	child.End()
	parent.End()
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := (<-got).ResourceSpans[0].ScopeSpans[0].Spans
	if len(spans) != 2 || spans[0].Name != "child" || spans[0].ParentID != spans[1].SpanID || spans[0].TraceID != spans[1].TraceID ||
		spans[0].Status.Code != 2 || spans[0].Attributes[0].Value["intValue"] != "7" || spans[1].ParentID != "" {
		t.Fatalf("%+v", spans)
	}
}

func TestACollectorThatIsNotThereHoldsNobodyUp(t *testing.T) {
	stop, err := Start(Options{URL: "http://127.0.0.1:1", Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, span := otel.Tracer("test").Start(t.Context(), "lost")
	span.End()
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAWrongAddressIsRefused(t *testing.T) {
	for _, url := range []string{"", "localhost:4318", "ftp://x", "http://"} {
		if _, err := Start(Options{URL: url}); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}
