package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Tickets of TLS sessions, by which a client that comes back is spared a whole handshake. The
// keys are this program's and not crypto/tls's, so that the next process of an upgrade can
// have them. A ticket is good as long as the kind of certificates and what clients are asked
// for stay the same (CVE-2025-23419): both are in what is authenticated.

// The life of a key is that of crypto/tls: it encrypts for a day, and decrypts for a week.
const (
	ticketKeyFresh = 24 * time.Hour
	ticketKeyLife  = 7 * 24 * time.Hour
)

// A ticketKey is one of them.
type ticketKey struct {
	Key  []byte    `json:"key"`
	Made time.Time `json:"made"`

	seal cipher.AEAD
}

// ticketKeys are all of them, the newest first. All loops have them in common.
type ticketKeys struct {
	now   func() time.Time
	scope [sha256.Size]byte

	mu   sync.Mutex
	list []*ticketKey
}

// newTicketKeys makes keys for a server, or takes those of the process before.
func newTicketKeys(scope string, before []byte, now func() time.Time) (*ticketKeys, error) {
	k := &ticketKeys{now: now, scope: sha256.Sum256([]byte(scope))}
	if len(before) == 0 {
		return k, nil
	}
	if err := json.Unmarshal(before, &k.list); err != nil {
		return nil, fmt.Errorf("the process before has handed over keys of sessions that are none: %w", err)
	}
	for _, one := range k.list {
		if one == nil {
			return nil, errors.New("the process before has handed over a key of sessions that is none")
		}
		if err := one.open(); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// open makes the cipher of a key.
func (k *ticketKey) open() error {
	block, err := aes.NewCipher(k.Key)
	if err == nil {
		k.seal, err = cipher.NewGCMWithRandomNonce(block)
	}
	if err != nil {
		return fmt.Errorf("a key of sessions: %w", err)
	}
	return nil
}

// secret returns the keys for the next process.
func (k *ticketKeys) secret() []byte {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := json.Marshal(k.list)
	if err != nil {
		return nil // there is none
	}
	return text
}

// current returns the key that encrypts, and forgets those that are too old.
func (k *ticketKeys) current() (*ticketKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	for n := len(k.list); n > 0 && now.Sub(k.list[n-1].Made) >= ticketKeyLife; n-- {
		k.list = k.list[:n-1]
	}
	if len(k.list) > 0 && now.Sub(k.list[0].Made) < ticketKeyFresh {
		return k.list[0], nil
	}
	one := &ticketKey{Key: make([]byte, 32), Made: now}
	if _, err := rand.Read(one.Key); err != nil {
		return nil, err
	}
	if err := one.open(); err != nil {
		return nil, err
	}
	k.list = append([]*ticketKey{one}, k.list...)
	return one, nil
}

// all returns the keys that decrypt.
func (k *ticketKeys) all() []*ticketKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list // which is replaced and not changed
}

// use has a configuration use the keys.
func (k *ticketKeys) use(c *tls.Config) {
	c.WrapSession = func(_ tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
		text, err := s.Bytes()
		if err != nil {
			return nil, err
		}
		key, err := k.current()
		if err != nil {
			return nil, err
		}
		return key.seal.Seal(nil, nil, text, k.scope[:]), nil
	}
	c.UnwrapSession = func(ticket []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
		now := k.now()
		for _, key := range k.all() {
			if now.Sub(key.Made) >= ticketKeyLife {
				break
			}
			if text, err := key.seal.Open(nil, nil, ticket, k.scope[:]); err == nil {
				return tls.ParseSessionState(text)
			}
		}
		return nil, nil // a whole handshake
	}
}

// newTickets returns the keys for these settings, those of the process before included.
func (h *httpsOptions) newTickets(from *heir) (*ticketKeys, error) {
	scope := fmt.Sprintf("%q %q %q %q", h.mode, h.domains, h.certs, h.clientCA)
	if h.clientCA != "" {
		text, err := os.ReadFile(h.clientCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-client-ca: %w", err)
		}
		scope += string(text)
	}
	var before []byte
	if from != nil {
		before = from.from.Secret
	}
	return newTicketKeys(scope, before, time.Now)
}
