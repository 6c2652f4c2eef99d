package main

import (
	"crypto/tls"
	"log/slog"
)

// certificate is served from files, and follows them.
type certificate struct{ *followed[*tls.Certificate] }

func loadCertificate(certFile, keyFile string, log *slog.Logger) (certificate, error) {
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}
	f, err := follow("TLS certificate", read, log, certFile, keyFile)
	return certificate{f}, err
}

// get is for tls.Config.GetCertificate.
func (c certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(), nil }
