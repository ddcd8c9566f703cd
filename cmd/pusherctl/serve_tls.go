package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Browsers reject certificates that are valid for more than 398 days.
//
// Source: CA/Browser Forum, Baseline Requirements, section 6.3.2.
const (
	certificateLifetime = 397 * 24 * time.Hour
	certificateRenewal  = 30 * 24 * time.Hour // before its end
)

// A certificate is what serve uses, and whether it created it itself.
type certificate struct {
	tls.Certificate
	file       string
	selfSigned bool
}

// certificate returns nil if the server has no TLS.
func (s service) certificate() (*certificate, error) {
	if s.certFile == "" && s.keyFile == "" && !s.tls {
		return nil, nil
	}
	if s.certFile == "" && s.keyFile == "" {
		return selfSigned(s.addr)
	}
	if s.certFile == "" || s.keyFile == "" {
		return nil, usagef("--tls-cert and --tls-key: set both or none")
	}
	pair, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
	if err != nil {
		return nil, usagef("--tls-cert and --tls-key: %w", err)
	}
	return &certificate{Certificate: pair, file: s.certFile}, nil
}

// selfSigned returns the certificate of an earlier start if it is still good, so that it
// has to be trusted once, or a new one. It is for localhost and the host of the address.
func selfSigned(addr string) (*certificate, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, usagef("--tls: no folder for the certificate, use --tls-cert and --tls-key: %w", err)
	}
	folder := filepath.Join(cache, "pusherctl")
	certFile, keyFile := filepath.Join(folder, "localhost.pem"), filepath.Join(folder, "localhost-key.pem")
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(addr); err == nil && host != "" {
		hosts = append(hosts, host)
	}
	if pair, err := tls.LoadX509KeyPair(certFile, keyFile); err == nil && good(pair.Leaf, hosts) {
		return &certificate{pair, certFile, true}, nil
	}
	certPEM, keyPEM, err := newCertificate(hosts)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(keyFile, keyPEM, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(certFile, certPEM, 0o644); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	return &certificate{pair, certFile, true}, err
}

func good(leaf *x509.Certificate, hosts []string) bool {
	for _, host := range hosts {
		if leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return time.Now().Before(leaf.NotAfter.Add(-certificateRenewal))
}

// newCertificate returns a certificate that is no authority: whoever steals its key can
// impersonate these hosts only.
func newCertificate(hosts []string) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "pusherctl serve"},
		NotBefore:             now.Add(-time.Hour), // for clocks that differ
		NotAfter:              now.Add(certificateLifetime - time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}

// spki returns the hash of the public key, as Chromium's flag expects it.
func (c *certificate) spki() string {
	sum := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}
