// Package trace sends OpenTelemetry traces to a collector, if the node is told of one.
//
// In go the spans that other packages start with the OpenTelemetry API; out go OTLP requests over HTTP, encoded as JSON. The
// library's own exporter would bring gRPC and some 130 packages along, for a request that fits in one small file.
package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Options say where traces go.
type Options struct {
	// URL is the collector's, such as http://localhost:4318; the path /v1/traces is added if it has none.
	URL string
	// Ratio is the share of traces that are kept, from 0 to 1.
	Ratio float64
	// Version and Node name this process.
	Version, Node string
	Logger        *slog.Logger
}

// Bounds of what waits for the collector: beyond it spans are dropped, never the node held up.
const (
	maxWaiting = 4096
	maxBatch   = 512
	every      = 2 * time.Second
)

// Start makes every span of this process go to the collector. The returned function sends what waits, and ends it.
func Start(o Options) (stop func(context.Context) error, err error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the address of a collector is one such as http://localhost:4318, not %q", o.URL)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	e := newExporter(u.String(), o.Logger)
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(e, sdk.WithMaxQueueSize(maxWaiting), sdk.WithMaxExportBatchSize(maxBatch), sdk.WithBatchTimeout(every)),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(o.Ratio))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "chatnode"),
			attribute.String("service.version", o.Version),
			attribute.String("service.instance.id", o.Node),
		)),
	)
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}
