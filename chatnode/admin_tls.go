package main

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
)

// adminServer serves the admin port: over TLS if there is a certificate, and what is more than health only to clients with one if there
// are authorities for those.
func (n *node) adminServer() (*http.Server, error) {
	s := &http.Server{
		Handler: n.adminHandler(), ReadHeaderTimeout: headerWait, IdleTimeout: idleWait,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug), // failed handshakes, mostly
	}
	if n.o.adminCert == "" {
		return s, nil
	}
	pair, err := loadCertificate(n.o.adminCert, n.o.adminKey, n.log)
	if err != nil {
		return nil, err
	}
	s.TLSConfig = &tls.Config{GetCertificate: pair.get, MinVersion: tls.VersionTLS12}
	if n.o.adminClientCA == "" {
		return s, nil
	}
	read := func() (*x509.CertPool, error) { return readAuthorities(n.o.adminClientCA) }
	authorities, err := follow("authorities of clients of the admin port", read, n.log, n.o.adminClientCA)
	if err != nil {
		return nil, err
	}
	s.Handler = guarded(s.Handler)
	// A resumed session would be judged by authorities that may have been withdrawn since.
	s.TLSConfig.SessionTicketsDisabled = true
	plain := s.TLSConfig.Clone()
	s.TLSConfig.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := plain.Clone()
		c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, authorities.current()
		return c, nil
	}
	return s, nil
}

// guarded lets everybody ask for health, as kubelets do without a certificate, and only clients with a verified one for the rest.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		health := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if !health && len(r.TLS.VerifiedChains) == 0 {
			writeText(w, http.StatusForbidden, "a client certificate is needed\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}
