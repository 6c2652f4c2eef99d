package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// skew is how far clocks may be behind the one that signs.
const skew = 5 * time.Minute

var errMissing = errors.New("is not there")

// authority signs leafs.
type authority struct {
	cert            *x509.Certificate
	certPEM, keyPEM []byte
	key             crypto.Signer
	trusted         []*x509.Certificate // cert first, then those that it replaces
	since           time.Time           // when all of trusted came together
	mayReplace      bool                // everybody trusts cert by now
}

// newAuthority makes an authority that takes the place of others.
func newAuthority(old []*x509.Certificate, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		// Authorities that replace each other need different names.
		Subject:               pkix.Name{CommonName: "chatfleet " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(AuthorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	certPEM, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	cert, err := parseOne(certPEM)
	if err != nil {
		return nil, err
	}
	a := &authority{cert: cert, certPEM: certPEM, keyPEM: keyPEM, key: key}
	a.replace(old, now)
	return a, nil
}

// loadAuthority reads the Secret of the authority.
func loadAuthority(data map[string][]byte, now time.Time) (*authority, error) {
	if len(data[KeyCert]) == 0 && len(data[KeyPrivate]) == 0 {
		return nil, errMissing
	}
	pair, err := tls.X509KeyPair(data[KeyCert], data[KeyPrivate])
	if err != nil {
		return nil, fmt.Errorf("use %s and %s: %w; delete the secret to have a new one made", KeyCert, KeyPrivate, err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s is not the certificate of an authority; delete the secret to have a new one made", KeyCert)
	}
	if now.After(pair.Leaf.NotAfter) {
		return newAuthority(parseAll(data[KeyAuthorities]), now)
	}
	a := &authority{cert: pair.Leaf, certPEM: data[KeyCert], keyPEM: data[KeyPrivate], key: key}
	trusted := parseAll(data[KeyAuthorities])
	since, err := time.Parse(time.RFC3339, string(data[KeySince]))
	if err != nil || len(trusted) == 0 || !trusted[0].Equal(a.cert) {
		a.replace(trusted, now)
		return a, nil
	}
	a.trusted, a.since = trusted, since
	a.settle(now)
	return a, nil
}

// replace begins to trust the authority beside those that it replaces.
func (a *authority) replace(old []*x509.Certificate, now time.Time) {
	a.trusted, a.since = []*x509.Certificate{a.cert}, now.UTC().Truncate(time.Second)
	for _, o := range old {
		if !contains(a.trusted, o) {
			a.trusted = append(a.trusted, o)
		}
	}
	a.settle(now)
}

// settle leaves out what is no more valid, and finds in which step the replacement is.
func (a *authority) settle(now time.Time) {
	a.trusted = slices.DeleteFunc(a.trusted, func(c *x509.Certificate) bool { return !c.Equal(a.cert) && now.After(c.NotAfter) })
	a.mayReplace = len(a.trusted) == 1 || !now.Before(a.since.Add(Overlap))
}

// forgetOld stops trusting the old authorities if every leaf is signed by the new one, and everybody had the time to take those up.
func (a *authority) forgetOld(leafs map[string]*leaf, now time.Time) {
	for _, l := range leafs {
		if !l.signedBy(a.cert) || now.Before(issued(l.cert).Add(Overlap)) {
			return
		}
	}
	a.trusted = a.trusted[:1]
}

// next is when the first thing changes.
func (a *authority) next(leafs map[string]*leaf) time.Time {
	next := renewal(a.cert)
	soonest := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	var last time.Time // when the last leaf of this authority was signed
	ready := true
	for _, l := range leafs {
		if !l.signedBy(a.cert) {
			soonest(a.since.Add(Overlap))
			ready = false
			continue
		}
		soonest(renewal(l.cert))
		if issued(l.cert).After(last) {
			last = issued(l.cert)
		}
	}
	if ready && len(a.trusted) > 1 {
		soonest(last.Add(Overlap))
	}
	return next
}

// end is when the first certificate ends.
func (a *authority) end(leafs map[string]*leaf) time.Time {
	end := a.cert.NotAfter
	for _, l := range leafs {
		if l.cert.NotAfter.Before(end) {
			end = l.cert.NotAfter
		}
	}
	return end
}

func (a *authority) bundle() []byte { return encodeAll(a.trusted) }

func (a *authority) data() map[string][]byte {
	return map[string][]byte{
		KeyCert: a.certPEM, KeyPrivate: a.keyPEM, KeyAuthorities: a.bundle(), KeySince: []byte(a.since.UTC().Format(time.RFC3339)),
	}
}

func newSerial() (*big.Int, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	raw[0] = raw[0]&0x7f | 0x40 // positive, and always 16 bytes
	return new(big.Int).SetBytes(raw), nil
}
