package backbone

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nkeys"
)

// secretError says that a secret can't be used, without showing any of it.
type secretError struct{ error }

func (e secretError) Unwrap() error { return e.error }

func (t *TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(t.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, secretError{errors.New("ca.crt holds no certificate")}
		}
	}
	if len(t.Cert) == 0 && len(t.Key) == 0 {
		return config, nil
	}
	pair, err := tls.X509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, secretError{fmt.Errorf("use tls.crt and tls.key: %w", err)}
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// checkCredentials says whether the content of a .creds file can be used.
func checkCredentials(content []byte) error {
	if token, err := nkeys.ParseDecoratedJWT(content); err != nil || strings.Count(token, ".") != 2 {
		return secretError{errors.New("the NATS credentials hold no user JWT")}
	}
	if _, err := nkeys.ParseDecoratedUserNKey(content); err != nil {
		return secretError{errors.New("the NATS credentials hold no seed of a user")}
	}
	return nil
}
