// Package certs provides certificates for HTTPS: from files, which may be replaced
// while the server runs, and generated ones for development.
package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Pair is two PEM files: a certificate with its chain, and its key.
type Pair struct{ Cert, Key string }

// A Store holds the certificates of a server. Any goroutine may call its methods.
type Store struct{ state atomic.Pointer[state] }

// A state is what a Store has at one time. It is never changed.
type state struct {
	now   func() time.Time
	pairs []Pair
	texts []byte // the contents of the files
	all   []*tls.Certificate
}

// Load reads pairs. It refuses certificates that are expired or not yet valid, and
// keys that do not match. Of several certificates, a client gets the one for its
// server name, or else the first. Now returns the current time; any goroutine may
// call it.
func Load(now func() time.Time, pairs ...Pair) (*Store, error) {
	if len(pairs) == 0 {
		return nil, errors.New("no certificate given")
	}
	s := &Store{}
	s.state.Store(&state{now: now, pairs: pairs})
	_, err := s.Reload()
	return s, err
}

// Of makes a store of given certificates.
func Of(list ...*tls.Certificate) *Store {
	s := &Store{}
	s.state.Store(&state{all: list})
	return s
}

// Reload reads the files again, and reports whether they have changed. If one is
// invalid, it keeps all the old ones. It waits for the disk.
func (s *Store) Reload() (changed bool, err error) {
	old := s.state.Load()
	next := &state{now: old.now, pairs: old.pairs}
	for _, p := range old.pairs {
		cert, text, err := old.read(p)
		if err != nil {
			return false, err
		}
		next.all = append(next.all, cert)
		next.texts = append(next.texts, text...)
	}
	if len(next.all) == 0 || bytes.Equal(old.texts, next.texts) {
		return false, nil
	}
	return s.state.CompareAndSwap(old, next), nil // Replace has been here, if it fails
}

// Replace takes over the certificates, and the names of their files, of another store, and
// reports whether they differ from those of before.
func (s *Store) Replace(from *Store) (changed bool) {
	next := from.state.Load()
	old := s.state.Swap(next)
	return next.pairs == nil || !slices.Equal(old.pairs, next.pairs) || !bytes.Equal(old.texts, next.texts)
}

func (s *state) read(p Pair) (*tls.Certificate, []byte, error) {
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
		return nil, nil, fmt.Errorf("%s expired on %s", p.Cert, c.Leaf.NotAfter.Format(time.DateOnly))
	case now.Before(c.Leaf.NotBefore):
		return nil, nil, fmt.Errorf("%s is not valid before %s: check the clock", p.Cert, c.Leaf.NotBefore.Format(time.DateOnly))
	}
	return &c, append(cert, key...), nil
}

// explain rewords common errors of crypto/tls.
func explain(err error) error {
	text := strings.TrimPrefix(err.Error(), "tls: ")
	switch {
	case strings.Contains(text, "does not match"):
		return errors.New("the key does not match the certificate")
	case strings.Contains(text, "found a certificate rather than a key"), strings.Contains(text, "PEM inputs may have been switched"):
		return errors.New("the certificate and the key are swapped, or one of them is neither")
	}
	return errors.New(text)
}

// Get is for tls.Config.GetCertificate. It does not wait.
func (s *Store) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	all := s.state.Load().all
	for _, c := range all {
		if hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	return all[0], nil // the client reports the mismatch
}

// Config returns the configuration of a server: TLS 1.2 and 1.3, with these
// certificates. The cipher suites for TLS 1.2 have forward secrecy and authenticated
// encryption, which all clients of the last ten years support.
func (s *Store) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: s.Get, NextProtos: []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// Slow reports whether one of the keys is slow to sign with, as RSA keys are, so that
// workers should do the handshakes.
func (s *Store) Slow() bool {
	for _, c := range s.state.Load().all {
		if c.Leaf.PublicKeyAlgorithm == x509.RSA {
			return true
		}
	}
	return false
}

// Covers reports whether one of the certificates is valid for a host.
func (s *Store) Covers(host string) bool {
	for _, c := range s.state.Load().all {
		if c.Leaf.VerifyHostname(host) == nil {
			return true
		}
	}
	return false
}

// Expires returns the earliest expiry of the certificates.
func (s *Store) Expires() time.Time {
	var first time.Time
	for _, c := range s.state.Load().all {
		if first.IsZero() || c.Leaf.NotAfter.Before(first) {
			first = c.Leaf.NotAfter
		}
	}
	return first
}
