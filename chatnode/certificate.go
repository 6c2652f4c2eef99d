package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often, at most, the files of a certificate are looked at.
const certificateCheck = 5 * time.Second

// certificate serves a certificate from files, and follows them when they change. A pair that can't be read leaves the last one in use.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	changed [2]time.Time
	checked time.Time
}

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	changed, err := c.times()
	if err != nil {
		return fmt.Errorf("look at the TLS certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read the TLS certificate: %w", err)
	}
	c.pair, c.changed = &pair, changed
	return nil
}

func (c *certificate) times() (t [2]time.Time, err error) {
	for i, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return t, err
		}
		t[i] = info.ModTime()
	}
	return t, nil
}

// get is for tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) > certificateCheck {
		c.checked = now
		if changed, err := c.times(); err != nil || changed != c.changed {
			if err := c.load(); err != nil {
				c.log.Error("keep the old TLS certificate", "error", err)
			} else {
				c.log.Info("read the new TLS certificate")
			}
		}
	}
	return c.pair, nil
}
