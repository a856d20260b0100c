package acme

// What is done for one name. Each has an autocert of its own, so that what the ACME
// server says is known to be about that name; the account is the same, as its key is
// in the folder.

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/asn1"
	"encoding/json"
	nethttp "net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// A site is one name, and what is there for it.
type site struct {
	// Set by New, never changed.
	manager *Manager
	domain  string
	line    *line

	// What the loop reads.
	certificate atomic.Pointer[tls.Certificate]
	challenge   atomic.Pointer[tls.Certificate] // of tls-alpn-01, as long as the ACME server may ask

	fleeting sync.Map // what a shelf keeps in memory only: by key, a function that forgets it

	// Of the goroutine that obtains what is missing.
	failures int
	again    *time.Timer
}

func newSite(m *Manager, domain string) *site {
	s := &site{manager: m, domain: domain}
	s.line = &line{site: s}
	return s
}

// try obtains the certificate, and says what came of it. It returns how long to wait
// before it is tried again, or 0 if it is not.
func (s *site) try() time.Duration {
	m := s.manager
	kind := kindTLS
	if m.plain.Load() && s.failures%2 == 1 {
		kind = kindHTTP
	}
	s.line.begin(kind)
	err := s.obtain()
	why, heard := s.line.end(err)
	if m.alive.Err() != nil {
		return 0
	}
	if err == nil {
		s.forgetPause()
		return 0
	}
	pause := m.pauses[0]
	if heard {
		pause = m.pauses[min(s.failures, len(m.pauses)-1)]
		s.failures++
	}
	if wait, limited := acme.RateLimit(err); limited {
		pause = max(pause, wait)
	}
	s.keepPause(pause)
	m.log.Warn("no certificate yet", "domain", s.domain, "error", why, "again in", pause)
	return pause
}

// A keptPause is what the folder has of the attempts for a name, so that a restart does
// not begin anew: what an ACME server counts, it counts on.
type keptPause struct {
	Directory string // of the ACME server
	Failures  int    // so far
	Pause     string // from when the file was written
}

// pauseKey is the name of the file that has the pause.
func (s *site) pauseKey() string { return s.domain + "+pause" }

// keepPause puts the pause into the folder.
func (s *site) keepPause(d time.Duration) {
	m := s.manager
	data, err := json.Marshal(keptPause{m.options.Directory, s.failures, d.String()})
	if err == nil {
		err = m.folder.Put(m.alive, s.pauseKey(), append(data, '\n'))
	}
	if err != nil && m.alive.Err() == nil {
		m.log.Error("the pause before the next attempt cannot be kept", "domain", s.domain, "error", err)
	}
}

// forgetPause takes it out of the folder.
func (s *site) forgetPause() {
	s.failures = 0
	if err := s.manager.folder.Delete(s.manager.alive, s.pauseKey()); err != nil && s.manager.alive.Err() == nil {
		s.manager.log.Error("the pause before an attempt cannot be forgotten", "domain", s.domain, "error", err)
	}
}

// recallPause returns how long to wait before the first attempt, by what the folder
// has from before. The folder says what time it is, too, as it does for others who
// share it.
func (s *site) recallPause() time.Duration {
	m := s.manager
	data, err := m.folder.Get(m.alive, s.pauseKey())
	if err != nil {
		return 0 // as nearly always, there is none
	}
	var p keptPause
	if json.Unmarshal(data, &p) != nil || p.Directory != m.options.Directory {
		return 0
	}
	s.failures = max(p.Failures, 0)
	file := filepath.Join(string(m.folder), s.pauseKey())
	pause, _ := time.ParseDuration(p.Pause)
	info, err := os.Stat(file)
	now, nowErr := tryFolder(string(m.folder))
	if err != nil || nowErr != nil {
		return 0
	}
	d := min(info.ModTime().Add(pause).Sub(now), longestPause)
	if d <= 0 {
		return 0
	}
	m.log.Warn("no certificate yet: attempts before the start have failed", "domain", s.domain, "again in", d.Round(time.Second),
		"to ask at once, remove", file)
	return d
}

// obtain has the certificate there, from the folder or, once the ACME server may be
// asked, from that. It waits, but not after Close.
func (s *site) obtain() error {
	m := s.manager
	auto := s.autocert()
	over := make(chan error, 1)
	go func() {
		c, err := auto.GetCertificate(&tls.ClientHelloInfo{
			ServerName: s.domain,
			// This is a client that knows elliptic curves, as all do: there are
			// no certificates for others.
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		})
		if err == nil && s.certificate.CompareAndSwap(nil, c) {
			m.log.Info("certificate found", "domain", s.domain, "until", c.Leaf.NotAfter)
		}
		over <- err
	}()
	select {
	case err := <-over:
		return err
	case <-m.alive.Done():
		return m.alive.Err()
	}
}

// autocert makes one for this site. It remembers a failure for a minute, in which it
// does nothing; so each attempt has a new one. The one that succeeds stays, as it has
// set a timer, and renews the certificate.
func (s *site) autocert() *autocert.Manager {
	m := s.manager
	auto := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      shelf{s},
		HostPolicy: autocert.HostWhitelist(s.domain),
		Email:      m.options.Email,
		Client: &acme.Client{
			DirectoryURL: m.options.Directory,
			HTTPClient:   &nethttp.Client{Transport: s.line, Timeout: requestTimeout},
			RetryBackoff: backOff,
			UserAgent:    "bobbin",
		},
	}
	if m.plain.Load() {
		auto.HTTPHandler(nil) // is not used, but has http-01 tried
	}
	return auto
}

// backOff says how long to wait before a request is made again, or 0 if it is not:
// who was told that there were too many shall not ask again, and our own pauses are
// longer.
func backOff(n int, _ *nethttp.Request, a *nethttp.Response) time.Duration {
	if a.StatusCode == nethttp.StatusTooManyRequests || n > retriesMax {
		return 0
	}
	return time.Duration(n) * time.Second
}

// show puts a certificate in place of the one before.
func (s *site) show(c *tls.Certificate) {
	what := "certificate obtained"
	if s.certificate.Swap(c) != nil {
		what = "certificate renewed"
	}
	s.manager.log.Info(what, "domain", s.domain, "until", c.Leaf.NotAfter)
}

// A shelf is the folder, as autocert sees it. It puts there everything that somebody
// may ask for, certificates and the answers to challenges, when they are ready and
// before anybody is told to come and ask. This is where we take them from.
//
// autocert promises nothing about the keys, and not much about what it puts there. So
// it is told apart by what it is by RFC 8555, and TestChallengesAreAnsweredFromMemory
// holds autocert to the rest.
type shelf struct{ site *site }

// Get implements autocert.Cache.
func (f shelf) Get(ctx context.Context, key string) ([]byte, error) {
	s := f.site
	data, err := s.manager.folder.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	// Where autocert wants to renew and finds that somebody with the same folder
	// has, it takes that. Before there is any, it is for autocert to say whether
	// what is in the folder is good.
	if now := s.certificate.Load(); now != nil {
		if c := certificateOf(data); c != nil && !isChallenge(c) && c.Leaf.NotAfter.After(now.Leaf.NotAfter) {
			s.show(c)
		}
	}
	return data, nil
}

// Put implements autocert.Cache.
func (f shelf) Put(ctx context.Context, key string, data []byte) error {
	s, m := f.site, f.site.manager
	c := certificateOf(data)
	switch {
	case c != nil && isChallenge(c):
		s.challenge.Store(c)
		s.fleeting.Store(key, func() { s.challenge.CompareAndSwap(c, nil) })
		return nil
	case c != nil:
		s.show(c)
		if err := m.folder.Put(ctx, key, data); err != nil {
			// It serves until we end. If autocert were told, it would soon ask for
			// another one.
			m.log.Error("certificate cannot be kept", "domain", s.domain, "error", err)
		}
		return nil
	}
	if token, _, ok := bytes.Cut(data, []byte(".")); ok {
		// A key authorization (RFC 8555 section 8.1). A key in PEM has no dot.
		m.tokens.Store(string(token), string(data))
		s.fleeting.Store(key, func() { m.tokens.Delete(string(token)) })
		return nil
	}
	return m.folder.Put(ctx, key, data)
}

// Delete implements autocert.Cache.
func (f shelf) Delete(ctx context.Context, key string) error {
	if forget, ok := f.site.fleeting.LoadAndDelete(key); ok {
		forget.(func())()
		return nil
	}
	return f.site.manager.folder.Delete(ctx, key)
}

// certificateOf returns the certificate in what autocert has put on a shelf, which
// has its key with it, or nil if it is something else.
func certificateOf(data []byte) *tls.Certificate {
	c, err := tls.X509KeyPair(data, data)
	if err != nil {
		return nil
	}
	return &c
}

// acmeIdentifier marks a certificate that answers tls-alpn-01 (RFC 8737 section 3).
var acmeIdentifier = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}

func isChallenge(c *tls.Certificate) bool {
	for _, e := range c.Leaf.Extensions {
		if e.Id.Equal(acmeIdentifier) {
			return true
		}
	}
	return false
}
