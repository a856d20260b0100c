package acme

// The certificate of one name. Each name has an autocert of its own, so that the
// answers of the ACME server can be attributed; the account is the same for all,
// because its key is in the folder.

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

// A site is one name with its certificates.
type site struct {
	// Set by New, never changed.
	manager   *Manager
	domain    string
	transport *transport

	// Read by the loop.
	certificate atomic.Pointer[tls.Certificate]
	challenge   atomic.Pointer[tls.Certificate] // of tls-alpn-01, while the ACME server may ask for it

	fleeting sync.Map // values that a shelf keeps in memory only: by key, the function that deletes them

	// Owned by the goroutine that obtains certificates.
	failures int
	again    *time.Timer
}

func newSite(m *Manager, domain string) *site {
	s := &site{manager: m, domain: domain}
	s.transport = &transport{site: s}
	return s
}

// try obtains the certificate and logs the result. It returns the pause before the
// next attempt, or 0 if none is needed.
func (s *site) try() time.Duration {
	m := s.manager
	kind := kindTLS
	if m.plain.Load() && s.failures%2 == 1 {
		kind = kindHTTP
	}
	s.transport.begin(kind)
	err := s.obtain()
	why, answered := s.transport.end(err)
	if m.alive.Err() != nil {
		return 0
	}
	if err == nil {
		s.forgetPause()
		return 0
	}
	pause := m.pauses[0]
	if answered {
		pause = m.pauses[min(s.failures, len(m.pauses)-1)]
		s.failures++
	}
	if wait, limited := acme.RateLimit(err); limited {
		pause = max(pause, wait)
	}
	s.keepPause(pause)
	m.log.Warn("no certificate yet", "domain", s.domain, "error", why, "retry_in", pause)
	return pause
}

// A keptPause is the state of the attempts for a name in the folder, so that a
// restart does not begin anew: the ACME server goes on counting.
type keptPause struct {
	Directory string // of the ACME server
	Failures  int    // so far
	Pause     string // from the modification time of the file
}

// pauseKey is the name of the file with the pause.
func (s *site) pauseKey() string { return s.domain + "+pause" }

// keepPause stores the pause in the folder.
func (s *site) keepPause(d time.Duration) {
	m := s.manager
	data, err := json.Marshal(keptPause{m.options.Directory, s.failures, d.String()})
	if err == nil {
		err = m.folder.Put(m.alive, s.pauseKey(), append(data, '\n'))
	}
	if err != nil && m.alive.Err() == nil {
		m.log.Error("cannot store the pause before the next attempt", "domain", s.domain, "error", err)
	}
}

// forgetPause removes the pause from the folder.
func (s *site) forgetPause() {
	s.failures = 0
	if err := s.manager.folder.Delete(s.manager.alive, s.pauseKey()); err != nil && s.manager.alive.Err() == nil {
		s.manager.log.Error("cannot remove the stored pause", "domain", s.domain, "error", err)
	}
}

// recallPause returns the pause before the first attempt, from the folder. It takes
// the current time from the folder's file system, too, because others may share the
// folder.
func (s *site) recallPause() time.Duration {
	m := s.manager
	data, err := m.folder.Get(m.alive, s.pauseKey())
	if err != nil {
		return 0 // the usual case: there is none
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
	m.log.Warn("no certificate yet: earlier attempts have failed", "domain", s.domain, "retry_in", d.Round(time.Second),
		"remove_to_retry_now", file)
	return d
}

// obtain loads the certificate from the folder or, once that is allowed, gets it from
// the ACME server. It waits, but not after Close.
func (s *site) obtain() error {
	m := s.manager
	auto := s.autocert()
	over := make(chan error, 1)
	go func() {
		c, err := auto.GetCertificate(&tls.ClientHelloInfo{
			ServerName: s.domain,
			// The cipher suite of a client that supports elliptic curves, as all
			// clients do: there are no other certificates.
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

// autocert makes an autocert for this site. A failed one does nothing for a minute,
// so each attempt makes a new one. The one that succeeds stays: it has a timer and
// renews the certificate.
func (s *site) autocert() *autocert.Manager {
	m := s.manager
	auto := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      shelf{s},
		HostPolicy: autocert.HostWhitelist(s.domain),
		Email:      m.options.Email,
		Client: &acme.Client{
			DirectoryURL: m.options.Directory,
			HTTPClient:   &nethttp.Client{Transport: s.transport, Timeout: requestTimeout},
			RetryBackoff: backOff,
			UserAgent:    "bobbin",
		},
	}
	if m.plain.Load() {
		auto.HTTPHandler(nil) // not used, but it enables http-01
	}
	return auto
}

// backOff returns the pause before a request is repeated, or 0 if it is not. Requests
// refused as too many are not repeated, because the pauses between attempts are
// longer.
func backOff(n int, _ *nethttp.Request, a *nethttp.Response) time.Duration {
	if a.StatusCode == nethttp.StatusTooManyRequests || n > retriesMax {
		return 0
	}
	return time.Duration(n) * time.Second
}

// show replaces the certificate.
func (s *site) show(c *tls.Certificate) {
	what := "certificate obtained"
	if s.certificate.Swap(c) != nil {
		what = "certificate renewed"
	}
	s.manager.log.Info(what, "domain", s.domain, "until", c.Leaf.NotAfter)
}

// A shelf is the folder as autocert sees it. autocert stores everything that clients
// may request, certificates and answers to challenges, before it tells the ACME
// server to look. So they are copied into memory here.
//
// autocert does not promise much about keys and values. So values are recognised by
// their format in RFC 8555, and TestChallengesAreAnsweredFromMemory checks that
// autocert keeps to the rest.
type shelf struct{ site *site }

// Get implements autocert.Cache.
func (f shelf) Get(ctx context.Context, key string) ([]byte, error) {
	s := f.site
	data, err := s.manager.folder.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	// Before a renewal, autocert checks whether another process with the same folder
	// has renewed already; if so, that certificate is used. Before the first
	// certificate, only autocert decides whether the one in the folder is valid.
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
			// It serves until the end of the process. If autocert got this error, it
			// would soon request another certificate.
			m.log.Error("cannot store the certificate", "domain", s.domain, "error", err)
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

// certificateOf returns the certificate in a value of autocert, which includes its
// key, or nil if the value is something else.
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
