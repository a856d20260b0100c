// Package acme gets certificates from an ACME server, such as Let's Encrypt, and
// renews them.
//
//	m, err := acme.New(acme.Options{Domains: []string{"example.com"}, Cache: "/var/lib/site"})
//	server, err := http.NewServer(http.Config{Handler: m.Challenges(site), TLS: m.Config()})
//	server.ListenTLS(":443")
//	server.Listen(":80")
//	m.Start()
//	defer m.Close()
//	server.Run()
//
// golang.org/x/crypto/acme/autocert does the work. It waits for the ACME server, for
// minutes, and for the disk, so the loop never calls it. Everything that a client may
// request, certificates and answers to challenges, is put into memory when autocert
// has it, and the loop reads it from there.
//
// An ACME server verifies that a domain is under our control. It connects to port 443
// and expects a certain certificate (tls-alpn-01, RFC 8737), or requests a file on
// port 80 (http-01, RFC 8555 section 8.3). One of the two is enough. Neither works
// for wildcards.
//
// Using this package means accepting the terms of service of the ACME server: it
// sends the acceptance.
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

// Options are the settings of a Manager.
type Options struct {
	// Domains are the names. Each gets a certificate of its own. Non-ASCII letters
	// may be written as they are or as "xn--".
	Domains []string

	// Email is the address for mail from the ACME server about problems; none if
	// empty.
	Email string

	// Directory is the directory URL of the ACME server; that of Let's Encrypt if
	// empty.
	Directory string

	// Cache is the folder for keys and certificates. It makes them survive restarts,
	// because ACME servers limit how many they issue. It is created if it is missing.
	// Several processes may share a folder if they do not all start at once; each of
	// them answers only its own challenges.
	Cache string

	// RootCAs are the authorities for the connection to the ACME server, if the
	// system lacks its own.
	RootCAs *x509.CertPool

	Log *slog.Logger // slog.Default() if nil; silence is slog.DiscardHandler
}

// The errors of a handshake without a certificate.
var (
	ErrNoName    = errors.New("acme: the client sent no server name")
	ErrUnknown   = errors.New("acme: no certificate is configured for this name")
	ErrNotYet    = errors.New("acme: no certificate for this name yet")
	ErrNotProven = errors.New("acme: no challenge for this name")
)

// A Manager holds the certificates. Any goroutine may call its methods.
type Manager struct {
	// Set by New, never changed.
	options Options
	folder  autocert.DirCache
	dial    nethttp.RoundTripper
	log     *slog.Logger
	pauses  []time.Duration
	sites   map[string]*site // by name
	order   []*site          // in the order of Options

	alive context.Context // until Close
	end   context.CancelFunc
	start sync.Once
	over  chan struct{} // closed when the manager's goroutine has ended; nil before Start

	plain  atomic.Bool // a plain-text listener answers challenges
	open   atomic.Bool // requests to the ACME server are allowed
	tokens sync.Map    // of http-01, with their answers: strings
}

// New makes a Manager, which does nothing before Start.
func New(o Options) (*Manager, error) {
	m := &Manager{options: o, folder: autocert.DirCache(o.Cache), log: o.Log, pauses: pauses, sites: make(map[string]*site)}
	if m.log == nil {
		m.log = slog.Default()
	}
	if len(o.Domains) == 0 {
		return nil, errors.New("acme: Domains is empty")
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
		return nil, fmt.Errorf("acme: directory %q is not the URL of an ACME server, which begins with https://", o.Directory)
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

// parseDomain returns a name in the form of a certificate.
func parseDomain(s string) (string, error) {
	bare := strings.Trim(s, "[]")
	if _, err := netip.ParseAddr(bare); err == nil {
		return "", fmt.Errorf("acme: %q is an address: write a domain name", s)
	}
	switch {
	case strings.HasPrefix(s, "*"):
		return "", fmt.Errorf("acme: %q is a wildcard, which needs DNS challenges, and these are not supported: list each name", s)
	case strings.ContainsAny(s, ":/"):
		return "", fmt.Errorf("acme: %q has a scheme, a port or a path: write the name only", s)
	}
	name, err := spell(s)
	if err != nil {
		return "", fmt.Errorf("acme: %q is not a valid host name: %w", s, err)
	}
	if !strings.Contains(name, ".") {
		return "", fmt.Errorf("acme: %q is a local name: certificates are issued for public names, which have a dot", s)
	}
	return name, nil
}

// spell returns the canonical spelling of a name: lower case, non-ASCII letters as
// "xn--", no final dot.
func spell(s string) (string, error) {
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", err
	}
	if len(name) > longestName {
		return "", errors.New("the name is too long")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > longestLabel {
			return "", fmt.Errorf("a label has %d letters, and 1 to %d are allowed", len(label), longestLabel)
		}
	}
	return name, nil
}

// prepareFolder creates the folder, and checks that it is writable: a certificate
// that cannot be stored counts against the limits of the ACME server all the same.
func prepareFolder(folder string) error {
	if folder == "" {
		return errors.New("acme: Cache is empty: name a folder for the certificates, because ACME servers limit how many they issue")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("acme: %w", err)
	}
	if _, err := tryFolder(folder); err != nil {
		return fmt.Errorf("acme: the folder for certificates is not writable: %w", err)
	}
	return nil
}

// tryFolder writes a file to the folder, removes it, and returns its modification
// time.
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

// Config returns a TLS configuration with the certificates and the answers to
// tls-alpn-01. The caller may change it.
func (m *Manager) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: m.Certificate,
		NextProtos:     []string{"h2", "http/1.1", acme.ALPNProto},
	}
}

// Certificate is for tls.Config.GetCertificate. It never waits: it returns a
// certificate in memory, or an error.
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

// find returns the site of a name. Most clients use the canonical spelling, but they
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

// wellKnown is the path of the answers to http-01 (RFC 8555 section 8.3).
const wellKnown = "/.well-known/acme-challenge/"

// Challenges is the http.Middleware that answers http-01 on a plain-text listener. If
// it is called before Start, every second attempt uses http-01, and the others
// tls-alpn-01. It passes unknown challenges on to the next handler: they may belong
// to a neighbour.
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

// Start loads the certificates from the folder before it returns, and starts to
// obtain missing ones. The ACME server connects to us for that, so the server should
// listen by now.
//
// autocert has no call that only looks into the folder, so requests to the ACME
// server are blocked meanwhile. That may fail a renewal that is overdue; autocert
// repeats it within the hour.
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

// Close stops all requests to the ACME server and aborts the current one. The
// certificates stay in memory. autocert itself cannot be stopped: a call that waits
// between two requests returns at its next one, and each certificate keeps a timer,
// whose renewals fail at once.
func (m *Manager) Close() {
	m.end()
	m.start.Do(func() {}) // nothing starts after this, or Start has returned
	if m.over != nil {
		<-m.over
	}
}

// run obtains the missing certificates, one after the other, and repeats each until
// it succeeds. autocert renews them with timers of its own.
func (m *Manager) run(missing []*site) {
	defer close(m.over)
	due := make(chan *site, len(missing))
	later := func(s *site, pause time.Duration) {
		s.again = time.AfterFunc(pause, func() { due <- s }) // has room: each site is in it once at most
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
