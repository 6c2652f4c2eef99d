package backbone

import (
	"crypto/tls"
	"errors"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// oldest is the first version of NATS with all that chat nodes use: messages that expire by themselves (presence) and reads of the newest
// message of many subjects at once came with it.
const oldest = "2.11"

// recent says whether a server is new enough. What isn't a version is not.
func recent(version string) bool {
	least, _ := numbers(oldest)
	have, ok := numbers(version)
	return ok && (have[0] > least[0] || have[0] == least[0] && have[1] >= least[1])
}

// numbers are major and minor.
func numbers(version string) (n [2]int, ok bool) {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < len(n) {
		return n, false
	}
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(parts[i]); err != nil {
			return n, false
		}
	}
	return n, true
}

// dialReason says in which way no server let us in. That one refuses us tells more than that another one is down.
func dialReason(err error) string {
	var unusable secretError
	var mistrust *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unusable):
		return v1alpha1.ReasonSecretInvalid
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired):
		return v1alpha1.ReasonUnauthorized
	case errors.As(err, &mistrust):
		return v1alpha1.ReasonUnreachable
	case strings.Contains(err.Error(), "remote error: tls:"), hungUp(err):
		return v1alpha1.ReasonUnauthorized // it doesn't take our certificate
	default:
		return v1alpha1.ReasonUnreachable
	}
}

// hungUp says that a server closed the connection after the TLS handshake: it refused our certificate, and what it said of that got lost.
func hungUp(err error) bool {
	return errors.Is(err, nats.ErrTLS) && strings.Contains(err.Error(), "closed by remote after TLS handshake")
}
