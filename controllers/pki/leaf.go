package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"time"
)

// maxCommonName is the bound of RFC 5280.
const maxCommonName = 64

// leaf is the certificate of one part.
type leaf struct {
	cert            *x509.Certificate
	certPEM, keyPEM []byte
}

// leaf is the certificate in data if that is still good, and else a new one.
func (a *authority) leaf(w Wanted, data map[string][]byte, now time.Time) (*leaf, error) {
	if l := loadLeaf(data); l != nil && l.fits(w) && a.stands(l, now) {
		return l, nil
	}
	return a.issue(w, now)
}

// stands says whether the leaf may stay. One that an old authority signed stays until everybody trusts the new one, due or not.
func (a *authority) stands(l *leaf, now time.Time) bool {
	if l.signedBy(a.cert) {
		return now.Before(renewal(l.cert))
	}
	return !a.mayReplace && now.Before(l.cert.NotAfter) && slices.ContainsFunc(a.trusted, l.signedBy)
}

func (a *authority) issue(w Wanted, now time.Time) (*leaf, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	names, addresses := w.names()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: w.Name[:min(len(w.Name), maxCommonName)]},
		NotBefore:    now.Add(-skew),
		NotAfter:     earlier(now.Add(LeafLife), a.cert.NotAfter),
		DNSNames:     names,
		IPAddresses:  addresses,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  w.usage(),
	}
	l := &leaf{}
	if l.certPEM, err = sign(template, a.cert, key.Public(), a.key); err != nil {
		return nil, err
	}
	if l.keyPEM, err = encodeKey(key); err != nil {
		return nil, err
	}
	l.cert, err = parseOne(l.certPEM)
	return l, err
}

// loadLeaf gives nil if the data can't be used.
func loadLeaf(data map[string][]byte) *leaf {
	pair, err := tls.X509KeyPair(data[KeyCert], data[KeyPrivate])
	if err != nil {
		return nil
	}
	return &leaf{cert: pair.Leaf, certPEM: data[KeyCert], keyPEM: data[KeyPrivate]}
}

func (l *leaf) fits(w Wanted) bool {
	have, wanted := slices.Clone(l.cert.DNSNames), slices.Clone(w.DNSNames)
	for _, address := range l.cert.IPAddresses {
		have = append(have, address.String())
	}
	slices.Sort(have)
	slices.Sort(wanted)
	return slices.Equal(have, wanted) && slices.Equal(l.cert.ExtKeyUsage, w.usage())
}

func (l *leaf) signedBy(authority *x509.Certificate) bool {
	return bytes.Equal(l.cert.RawIssuer, authority.RawSubject) && l.cert.CheckSignatureFrom(authority) == nil
}

func (l *leaf) data(authorities []byte) map[string][]byte {
	return map[string][]byte{KeyCert: l.certPEM, KeyPrivate: l.keyPEM, KeyAuthorities: authorities}
}

// names are the DNS names, and apart from them the IP addresses.
func (w Wanted) names() (names []string, addresses []net.IP) {
	for _, name := range w.DNSNames {
		if address := net.ParseIP(name); address != nil {
			addresses = append(addresses, address)
		} else {
			names = append(names, name)
		}
	}
	return names, addresses
}

func (w Wanted) usage() (usage []x509.ExtKeyUsage) {
	if w.Server {
		usage = append(usage, x509.ExtKeyUsageServerAuth)
	}
	if w.Client {
		usage = append(usage, x509.ExtKeyUsageClientAuth)
	}
	return usage
}

// issued is when a certificate was signed.
func issued(c *x509.Certificate) time.Time { return c.NotBefore.Add(skew) }

// renewal is when two thirds of a certificate's life are over.
func renewal(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 3 * 2)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
