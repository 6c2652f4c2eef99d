// Package pki makes the certificates that the parts of one ChatCluster show each other: an authority of its own, and one leaf certificate
// for each part.
//
// In go the data of the Secrets as they are, what certificates are wanted, and the time; out comes the data of those Secrets that must be
// written, and when to ask again. It has no client and no clock. The authority lives for ten years and a leaf for one; each is renewed when
// two thirds of its life are over.
//
// An authority is replaced in three steps, each Overlap after the one before, so that everybody has read the Secrets in between and no
// handshake ever fails: first all trust the new authority beside the old one; then all leafs are signed by the new one; then the old one is
// trusted no more. It begins by itself when the authority grows old, when somebody puts another authority into its Secret, and when somebody
// deletes that Secret.
package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Keys of the Secrets. Those of the authority and of the leafs have the same ones; only the authority has KeySince.
const (
	// KeyCert is the certificate, in PEM.
	KeyCert = "tls.crt"
	// KeyPrivate is its private key, in PEM (PKCS #8).
	KeyPrivate = "tls.key"
	// KeyAuthorities are the authorities to trust, in PEM; the one that signs comes first.
	KeyAuthorities = "ca.crt"
	// KeySince is the time, in RFC 3339, since which all of KeyAuthorities are trusted.
	KeySince = "trusted-since"
)

const (
	// AuthorityLife is how long a new authority is valid.
	AuthorityLife = 10 * 365 * 24 * time.Hour
	// LeafLife is how long a new leaf is valid.
	LeafLife = 365 * 24 * time.Hour
	// Overlap is the time between the steps in which an authority is replaced: more than a kubelet takes to bring a changed Secret into a
	// pod, and a process to notice it.
	Overlap = 10 * time.Minute
)

// Wanted is one leaf certificate.
type Wanted struct {
	// Name of its Secret.
	Name string
	// DNSNames are its subject alternative names. An IP address is taken as one.
	DNSNames []string
	// Server and Client say what it may be used for.
	Server, Client bool
}

// Result is what Issue finds should be.
type Result struct {
	// Secrets has the whole data of each Secret that must be made or changed, by name. Write that of the authority first: a leaf whose
	// authority got lost is signed anew.
	Secrets map[string]map[string][]byte
	// RenewAt is when to call again if nothing changes before.
	RenewAt time.Time
	// ExpiresAt is when the first certificate ends, should it not be renewed.
	ExpiresAt time.Time
}

// Issue compares what is wanted with what Secrets have, all by the name of the Secret: caName is that of the authority. What is still good
// stays as it is. An error means that the Secret of the authority holds something that can't sign; it is not replaced, since somebody put
// it there.
func Issue(caName string, wanted []Wanted, have map[string]map[string][]byte, now time.Time) (Result, error) {
	ca, err := loadAuthority(have[caName], now)
	switch {
	case errors.Is(err, errMissing):
		ca, err = newAuthority(signersOf(wanted, have), now)
	case err == nil && !now.Before(renewal(ca.cert)):
		ca, err = newAuthority(ca.trusted, now)
	}
	if err != nil {
		return Result{}, fmt.Errorf("authority in secret %s: %w", caName, err)
	}

	leafs := make(map[string]*leaf, len(wanted))
	for _, w := range wanted {
		if leafs[w.Name], err = ca.leaf(w, have[w.Name], now); err != nil {
			return Result{}, fmt.Errorf("certificate of secret %s: %w", w.Name, err)
		}
	}
	ca.forgetOld(leafs, now)

	result := Result{Secrets: map[string]map[string][]byte{}, RenewAt: ca.next(leafs), ExpiresAt: ca.end(leafs)}
	put := func(name string, data map[string][]byte) {
		if !maps.EqualFunc(data, have[name], bytes.Equal) {
			result.Secrets[name] = data
		}
	}
	put(caName, ca.data())
	for name, l := range leafs {
		put(name, l.data(ca.bundle()))
	}
	return result, nil
}

// signersOf finds the authorities that signed the leafs that there are, among those that the leafs' own Secrets trust: what is known of an
// authority whose Secret is lost.
func signersOf(wanted []Wanted, have map[string]map[string][]byte) (signers []*x509.Certificate) {
	for _, w := range wanted {
		data := have[w.Name]
		cert, err := parseOne(data[KeyCert])
		if err != nil {
			continue
		}
		for _, authority := range parseAll(data[KeyAuthorities]) {
			if cert.CheckSignatureFrom(authority) == nil && !contains(signers, authority) {
				signers = append(signers, authority)
			}
		}
	}
	return signers
}
