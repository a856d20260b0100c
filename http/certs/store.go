// Package certs has certificates for HTTPS: those that stand in files, which may be
// replaced while the server runs, and those that are made for development.
package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// A Pair is a certificate, with those that lead to its issuer behind it, and its
// key, in files in PEM.
type Pair struct{ Cert, Key string }

// A Store has the certificates of a server. Get and Reload may be called by any
// goroutine.
type Store struct {
	pairs []Pair
	now   func() time.Time
	seen  atomic.Pointer[[]byte] // what the files held
	all   atomic.Pointer[[]*tls.Certificate]
}

// Load reads pairs. One whose time has not come or is over, or whose key is
// another's, is an error that says so. Of several, a client gets the one for the
// name that it asks for, and the first if there is none. Now says what time it is;
// it may be called by any goroutine.
func Load(now func() time.Time, pairs ...Pair) (*Store, error) {
	if len(pairs) == 0 {
		return nil, errors.New("there is no certificate")
	}
	s := &Store{pairs: pairs, now: now}
	_, err := s.Reload()
	return s, err
}

// Of makes a store of certificates that are there already.
func Of(list ...*tls.Certificate) *Store {
	s := &Store{}
	s.all.Store(&list)
	return s
}

// Reload reads the files again, and reports whether they have changed. If one is
// not right, all stay as they were. It waits for the disk.
func (s *Store) Reload() (changed bool, err error) {
	var list []*tls.Certificate
	var texts []byte
	for _, p := range s.pairs {
		cert, text, err := s.read(p)
		if err != nil {
			return false, err
		}
		list = append(list, cert)
		texts = append(texts, text...)
	}
	if old := s.seen.Load(); len(list) == 0 || old != nil && bytes.Equal(*old, texts) {
		return false, nil
	}
	s.seen.Store(&texts)
	s.all.Store(&list)
	return true, nil
}

func (s *Store) read(p Pair) (*tls.Certificate, []byte, error) {
	cert, err := os.ReadFile(p.Cert)
	if err != nil {
		return nil, nil, err
	}
	key, err := os.ReadFile(p.Key)
	if err != nil {
		return nil, nil, err
	}
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, nil, fmt.Errorf("%s and %s: %w", p.Cert, p.Key, explain(err))
	}
	switch now := s.now(); {
	case now.After(c.Leaf.NotAfter):
		return nil, nil, fmt.Errorf("%s has expired on %s", p.Cert, c.Leaf.NotAfter.Format(time.DateOnly))
	case now.Before(c.Leaf.NotBefore):
		return nil, nil, fmt.Errorf("%s is not valid before %s: is the clock right?", p.Cert, c.Leaf.NotBefore.Format(time.DateOnly))
	}
	return &c, append(cert, key...), nil
}

// explain says in other words what is often wrong.
func explain(err error) error {
	text := strings.TrimPrefix(err.Error(), "tls: ")
	switch {
	case strings.Contains(text, "does not match"):
		return errors.New("the key is not that of the certificate")
	case strings.Contains(text, "found a certificate rather than a key"), strings.Contains(text, "PEM inputs may have been switched"):
		return errors.New("they are the wrong way round, or one of them is no certificate and no key")
	}
	return errors.New(text)
}

// Get is for tls.Config.GetCertificate. It does not wait.
func (s *Store) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	all := *s.all.Load()
	for _, c := range all {
		if hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	return all[0], nil // the client will say what it thinks of it
}

// Config is what a server needs: TLS 1.2 and 1.3, with these certificates. What a
// client of TLS 1.2 can choose from has forward secrecy, and authenticates what it
// encrypts; who knows no such thing is ten years old.
func (s *Store) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: s.Get, NextProtos: []string{"http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// Slow reports whether one of the keys is slow to sign with, as those of RSA are,
// so that handshakes should be left to workers.
func (s *Store) Slow() bool {
	for _, c := range *s.all.Load() {
		if c.Leaf.PublicKeyAlgorithm == x509.RSA {
			return true
		}
	}
	return false
}

// Covers reports whether one of the certificates is for a host.
func (s *Store) Covers(host string) bool {
	for _, c := range *s.all.Load() {
		if c.Leaf.VerifyHostname(host) == nil {
			return true
		}
	}
	return false
}

// Expires returns when the first of the certificates does.
func (s *Store) Expires() time.Time {
	var first time.Time
	for _, c := range *s.all.Load() {
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}
