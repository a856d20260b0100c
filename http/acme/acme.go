// Package acme gets certificates from an ACME server, such as Let's Encrypt, and
// keeps them renewed.
//
//	m, err := acme.New(acme.Options{Domains: []string{"example.com"}, Cache: "/var/lib/site"})
//	server, err := http.NewServer(http.Config{Handler: m.Challenges(site), TLS: m.Config()})
//	server.ListenTLS(":443")
//	server.Listen(":80")
//	m.Start()
//	defer m.Close()
//	server.Run()
//
// The work is done by golang.org/x/crypto/acme/autocert, which waits for others: for
// the ACME server, for minutes, and for a disk. So the loop never asks it. Whatever
// somebody may ask the loop for is put into memory when autocert has it, a
// certificate as well as the answer to a challenge, and the loop reads it from there.
//
// An ACME server wants to see that a domain is ours. It connects to port 443, and
// finds there what was agreed upon (tls-alpn-01, RFC 8737), or asks for a file on
// port 80 (http-01, RFC 8555 section 8.3). One of the two is enough. Neither proves
// a wildcard.
//
// Who uses an ACME server has agreed to its terms of service: we say so in their
// name.
package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	nethttp "net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/idna"

	"github.com/bobbin-http/bobbin/http"
)

// Options say which certificates to get, and where.
type Options struct {
	// Domains are the names, each of which has a certificate of its own. Letters
	// that are not ASCII may be written as they are, or as "xn--".
	Domains []string

	// Email is whom the ACME server writes to when something is wrong; nobody if
	// empty.
	Email string

	// Directory is the URL by which the ACME server is known. It is that of Let's
	// Encrypt if empty.
	Directory string

	// Cache is a folder for the keys and the certificates, so that they are there
	// after a restart: ACME servers do not give many. It is made if it is not
	// there. Several processes may share one if not all begin at once; but each
	// answers only the challenges that are its own.
	Cache string

	// RootCAs is whom to trust for the connection to the ACME server, where it is
	// not one that the system knows.
	RootCAs *x509.CertPool

	Log *slog.Logger // nothing if nil
}

// Why a handshake has no certificate.
var (
	ErrNoName    = errors.New("acme: the client does not say which name it wants")
	ErrUnknown   = errors.New("acme: no certificate is kept for this name")
	ErrNotYet    = errors.New("acme: there is no certificate for this name yet")
	ErrNotProven = errors.New("acme: there is no challenge for this name")
)

// A Manager has the certificates. Any goroutine may call its methods.
type Manager struct {
	// Set by New, never changed.
	options Options
	folder  autocert.DirCache
	dial    nethttp.RoundTripper
	log     *slog.Logger
	pauses  []time.Duration
	sites   map[string]*site // by name
	order   []*site          // as they were given

	alive context.Context // until Close
	end   context.CancelFunc
	start sync.Once
	over  chan struct{} // closed when our goroutine has ended; nil before Start

	plain  atomic.Bool // somebody answers challenges on a plain-text listener
	open   atomic.Bool // the ACME server may be asked
	tokens sync.Map    // of http-01, with what to answer: strings
}

// New makes a Manager, which gets nothing before Start.
func New(o Options) (*Manager, error) {
	m := &Manager{options: o, folder: autocert.DirCache(o.Cache), log: o.Log, pauses: pauses, sites: make(map[string]*site)}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if len(o.Domains) == 0 {
		return nil, errors.New("acme: no domain is given to get a certificate for")
	}
	for _, d := range o.Domains {
		name, err := parseDomain(d)
		if err != nil {
			return nil, err
		}
		if m.sites[name] == nil {
			s := newSite(m, name)
			m.sites[name] = s
			m.order = append(m.order, s)
		}
	}
	if a, err := mail.ParseAddress(o.Email); o.Email != "" && (err != nil || a.Address != o.Email) {
		return nil, fmt.Errorf("acme: %q is not an email address", o.Email)
	}
	if m.options.Directory == "" {
		m.options.Directory = acme.LetsEncryptURL
	}
	if u, err := url.Parse(m.options.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("acme: the directory %q is not the URL of an ACME server: it begins with https://", o.Directory)
	}
	if err := prepareFolder(o.Cache); err != nil {
		return nil, err
	}
	transport := nethttp.DefaultTransport.(*nethttp.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}
	m.dial = transport
	m.alive, m.end = context.WithCancel(context.Background())
	return m, nil
}

// parseDomain returns a name as it is written in a certificate.
func parseDomain(s string) (string, error) {
	bare := strings.Trim(s, "[]")
	if _, err := netip.ParseAddr(bare); err == nil {
		return "", fmt.Errorf("acme: %q is an address: certificates are for names", s)
	}
	switch {
	case strings.HasPrefix(s, "*"):
		return "", fmt.Errorf("acme: %q is a wildcard, which can be proven by DNS only, and that is not done here: give each name", s)
	case strings.ContainsAny(s, ":/"):
		return "", fmt.Errorf("acme: %q is not only a name: give it without https://, port and path", s)
	}
	name, err := spell(s)
	if err != nil {
		return "", fmt.Errorf("acme: %q cannot be the name of a host: %w", s, err)
	}
	if !strings.Contains(name, ".") {
		return "", fmt.Errorf("acme: %q is a name in a local network: certificates are for names that all can find, with a dot", s)
	}
	return name, nil
}

// spell returns the one spelling of a name: in small letters, those that are not
// ASCII as "xn--", without the root's dot.
func spell(s string) (string, error) {
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", err
	}
	if len(name) > longestName {
		return "", errors.New("it is too long")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > longestLabel {
			return "", fmt.Errorf("a part of it has %d letters, and not 1 to %d", len(label), longestLabel)
		}
	}
	return name, nil
}

// prepareFolder makes the folder, and finds out now whether it can be written to: a
// certificate that was obtained and cannot be kept is one of few.
func prepareFolder(folder string) error {
	if folder == "" {
		return errors.New("acme: no folder is given to keep certificates in, and ACME servers do not give them at every start")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("acme: %w", err)
	}
	if _, err := tryFolder(folder); err != nil {
		return fmt.Errorf("acme: certificates cannot be kept: %w", err)
	}
	return nil
}

// tryFolder writes a file in the folder, removes it, and returns when it was written.
func tryFolder(folder string) (time.Time, error) {
	f, err := os.CreateTemp(folder, "try")
	if err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	f.Close()
	if removed := os.Remove(f.Name()); err == nil {
		err = removed
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Config returns a configuration of TLS that has the certificates, and answers
// tls-alpn-01. It is the caller's to change.
func (m *Manager) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: m.Certificate,
		NextProtos:     []string{"http/1.1", acme.ALPNProto},
	}
}

// Certificate is for tls.Config.GetCertificate. It never waits: what it answers is
// in memory, or not there.
func (m *Manager) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := hello.ServerName
	if name == "" {
		return nil, ErrNoName
	}
	s := m.find(name)
	if s == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	c, none := s.certificate.Load(), ErrNotYet
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		c, none = s.challenge.Load(), ErrNotProven
	}
	if c == nil {
		return nil, fmt.Errorf("%w: %q", none, name)
	}
	return c, nil
}

// find returns what is kept for a name. Most clients spell it as we do, but they
// need not.
func (m *Manager) find(name string) *site {
	if s := m.sites[name]; s != nil || len(name) > longestName {
		return s
	}
	name, err := spell(name)
	if err != nil {
		return nil
	}
	return m.sites[name]
}

// wellKnown is where an ACME server looks for the answer to http-01 (RFC 8555
// section 8.3).
const wellKnown = "/.well-known/acme-challenge/"

// Challenges is the http.Middleware that answers http-01, on a listener in plain
// text. Only if it was called before Start, that way is tried: by every second
// attempt, while the others try tls-alpn-01. A challenge that is not ours is left to
// the next handler: it may be for a neighbour.
func (m *Manager) Challenges(next http.Handler) http.Handler {
	m.plain.Store(true)
	return func(w *http.Response, r *http.Request) error {
		if path := r.PathBytes(); len(path) > len(wellKnown) && string(path[:len(wellKnown)]) == wellKnown && (r.Method() == http.MethodGet || r.Method() == http.MethodHead) {
			if answer, ours := m.tokens.Load(string(path[len(wellKnown):])); ours {
				return w.Text(answer.(string))
			}
		}
		return next(w, r)
	}
}

// Start takes the certificates from the folder, which are there when it returns,
// and has those that are missing obtained. The ACME server connects to us for that,
// so that somebody should listen by now.
//
// As autocert cannot be asked for what is in the folder only, the way to the ACME
// server is shut in the meantime. A renewal that is overdue may find it so; autocert
// tries that again within the hour.
func (m *Manager) Start() {
	m.start.Do(func() {
		var missing []*site
		for _, s := range m.order {
			if s.obtain() != nil {
				missing = append(missing, s)
			}
		}
		m.open.Store(true)
		m.over = make(chan struct{})
		go m.run(missing)
	})
}

// Close ends it: the ACME server is asked nothing any more, and what is under way
// with it is cut off. The certificates stay in memory. autocert itself has no end. A
// call that waits between two questions returns when it wants to ask the next, and
// for each certificate a timer remains, whose renewals fail at once.
func (m *Manager) Close() {
	m.end()
	m.start.Do(func() {}) // nothing starts any more, or all has
	if m.over != nil {
		<-m.over
	}
}

// run obtains what is missing, one after the other, and each again and again until
// it is there. To renew them is autocert's part, with timers of its own.
func (m *Manager) run(missing []*site) {
	defer close(m.over)
	due := make(chan *site, len(missing))
	later := func(s *site, pause time.Duration) {
		s.again = time.AfterFunc(pause, func() { due <- s }) // has room: each is there once
	}
	for _, s := range missing {
		if pause := s.recallPause(); pause > 0 {
			later(s, pause)
		} else {
			due <- s
		}
	}
	for {
		select {
		case <-m.alive.Done():
			for _, s := range missing {
				if s.again != nil {
					s.again.Stop()
				}
			}
			return
		case s := <-due:
			if pause := s.try(); pause > 0 {
				later(s, pause)
			}
		}
	}
}
