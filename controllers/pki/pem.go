package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

const (
	certificateBlock = "CERTIFICATE"
	privateKeyBlock  = "PRIVATE KEY"
)

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: der}), nil
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateKeyBlock, Bytes: der}), nil
}

func encodeAll(certs []*x509.Certificate) (encoded []byte) {
	for _, c := range certs {
		encoded = append(encoded, pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.Raw})...)
	}
	return encoded
}

// parseAll reads every certificate, and passes over what is none.
func parseAll(encoded []byte) (certs []*x509.Certificate) {
	for {
		var block *pem.Block
		if block, encoded = pem.Decode(encoded); block == nil {
			return certs
		}
		if cert, err := x509.ParseCertificate(block.Bytes); block.Type == certificateBlock && err == nil {
			certs = append(certs, cert)
		}
	}
}

func parseOne(encoded []byte) (*x509.Certificate, error) {
	certs := parseAll(encoded)
	if len(certs) == 0 {
		return nil, errors.New("there is no certificate")
	}
	return certs[0], nil
}

func contains(certs []*x509.Certificate, cert *x509.Certificate) bool {
	return slices.ContainsFunc(certs, cert.Equal)
}
