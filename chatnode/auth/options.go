package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options says which tokens are accepted. Without a secret and a key set no
// token is.
type Options struct {
	// HMACSecret verifies HS256 tokens, at least 32 bytes; nil: none.
	HMACSecret []byte
	// HMACSecretFile holds the secret instead; white space around it is cut.
	HMACSecretFile string
	// ShortSecret accepts a secret of fewer bytes, for systems whose tokens are
	// signed so already: whoever has a token can guess a short one.
	ShortSecret bool
	// JWKSURL is where the key set is fetched (http or https).
	JWKSURL string
	// JWKSFile holds the key set instead.
	JWKSFile string
	// ServerKeysFile holds the keys of applications' servers; see ServerKey.
	ServerKeysFile string

	Issuer   string // required claim iss; empty: any
	Audience string // required member of the claim aud; empty: any

	Clock      func() time.Time      // nil: time.Now
	Registerer prometheus.Registerer // nil: metrics are not registered
	Logger     *slog.Logger          // nil: slog.Default()

	FilePoll       time.Duration // how often files are looked at; 0: 5 s
	RefreshDefault time.Duration // how long a fetched key set lives without max-age; 0: 10 min
	RefreshAtLeast time.Duration // least time between two fetches; 0: 10 s
	HTTPClient     *http.Client  // fetches the key set; nil: one of its own
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.FilePoll == 0 {
		o.FilePoll = 5 * time.Second
	}
	if o.RefreshDefault == 0 {
		o.RefreshDefault = 10 * time.Minute
	}
	if o.RefreshAtLeast == 0 {
		o.RefreshAtLeast = 10 * time.Second
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient()
	}
	return o
}

func (o Options) validate() error {
	if o.HMACSecret != nil && o.HMACSecretFile != "" {
		return errors.New("the HMAC secret is given both itself and by a file")
	}
	if o.JWKSURL != "" && o.JWKSFile != "" {
		return errors.New("the key set is given both by a URL and by a file")
	}
	return nil
}

// New reads the secret and the key set and follows them until ctx ends or
// Close. A file that cannot be read is an error; a URL that does not answer is
// not: the node starts, and tokens are ErrUnavailable until the key set is there.
func New(ctx context.Context, options Options) (*Verifier, error) {
	if err := options.validate(); err != nil {
		return nil, fmt.Errorf("configure tokens: %w", err)
	}
	options = options.withDefaults()
	m, err := newMetrics(options.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register token metrics: %w", err)
	}
	v := &Verifier{options: options, metrics: m, secret: secret{short: options.ShortSecret}}
	ctx, cancel := context.WithCancel(ctx)
	background, err := v.open(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("configure tokens: %w", err)
	}
	var running sync.WaitGroup
	for _, run := range background {
		running.Go(func() { run(ctx) })
	}
	v.stop = func() {
		cancel()
		running.Wait()
	}
	return v, nil
}

// open reads the configured files once and returns what follows the sources.
func (v *Verifier) open(ctx context.Context) ([]func(context.Context), error) {
	var background []func(context.Context)
	switch {
	case v.options.HMACSecret != nil:
		if err := v.secret.set(v.options.HMACSecret); err != nil {
			return nil, err
		}
	case v.options.HMACSecretFile != "":
		f := v.follow("hmac_file", v.options.HMACSecretFile, v.secret.setText)
		if err := f.load(); err != nil {
			return nil, err
		}
		background = append(background, f.run)
	}
	if v.options.ServerKeysFile != "" {
		f := v.follow("server_keys_file", v.options.ServerKeysFile, v.servers.set)
		if err := f.load(); err != nil {
			return nil, err
		}
		background = append(background, f.run)
	}
	switch {
	case v.options.JWKSURL != "":
		source, err := newRemoteKeys(ctx, v.options, v.metrics)
		if err != nil {
			return nil, err
		}
		v.keys = source
	case v.options.JWKSFile != "":
		source := &fileKeys{}
		source.file = v.follow("jwks_file", v.options.JWKSFile, source.set)
		if err := source.file.load(); err != nil {
			return nil, err
		}
		v.keys = source
	}
	if v.keys != nil {
		background = append(background, v.keys.run)
	}
	return background, nil
}
