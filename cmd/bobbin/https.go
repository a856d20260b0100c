package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/acme"
	"github.com/bobbin-http/bobbin/http/certs"
)

// HTTPS, made of what was typed.

// httpsOptions are about it.
type httpsOptions struct {
	certs, keys []string
	mode        string
	domains     []string
	acme        acmeOptions
	redirect    string
	hsts        bool

	store   *certs.Store  // once it is open; nil if an ACME server has the certificates
	manager *acme.Manager // once it is open, if so
	port    uint16        // where HTTPS is spoken, once it is
}

// acmeOptions are about certificates that an ACME server gives.
type acmeOptions struct {
	email  string
	server string
	ca     string
	folder string
}

func (h *httpsOptions) define(f *pflag.FlagSet) {
	f.StringArrayVar(&h.certs, "tls-cert", nil, "speak HTTPS, with the certificate in a `file` in PEM; may be repeated, for several names")
	f.StringArrayVar(&h.keys, "tls-key", nil, "the `file` of the certificate's key; as often as --tls-cert")
	f.StringVar(&h.mode, "tls", "", "speak HTTPS with a certificate that is made for the purpose: `self`, which browsers warn of, or auto, from Let's Encrypt, whose terms you agree to")
	f.StringSliceVar(&h.domains, "domain", nil, "`names` that such a certificate is for")
	f.StringVar(&h.acme.email, "acme-email", "", "with --tls auto: the `address` to which it is written when something is wrong")
	f.StringVar(&h.acme.server, "acme-server", "", "with --tls auto: the directory `URL` of another ACME server")
	f.StringVar(&h.acme.ca, "acme-ca", "", "with --tls auto: the `file` of the authority that such a server's own certificate is from")
	f.StringVar(&h.acme.folder, "acme-folder", "", "with --tls auto: the `folder` in which keys and certificates are kept")
	f.StringVar(&h.redirect, "redirect-http", "", "listen at an `address`, such as :80, too, and send whoever asks there to HTTPS")
	f.BoolVar(&h.hsts, "hsts", false, "tell browsers to use nothing but HTTPS for a year, for this name")
}

// on reports whether HTTPS is spoken.
func (h *httpsOptions) on() bool { return len(h.certs) > 0 || h.mode != "" }

// check finds what does not go together.
func (h *httpsOptions) check() error {
	switch {
	case len(h.certs) != len(h.keys):
		return fmt.Errorf("there are %d of --tls-cert and %d of --tls-key: each certificate has its key", len(h.certs), len(h.keys))
	case h.mode != "" && h.mode != "self" && h.mode != "auto":
		return fmt.Errorf("--tls: there is no %q: write --tls self or --tls auto, or name files with --tls-cert and --tls-key", h.mode)
	case h.mode == "auto" && len(h.domains) == 0:
		return errors.New("--tls auto needs to know for which name: add --domain")
	case h.mode != "auto" && h.acme != acmeOptions{}:
		return errors.New("--acme-email, --acme-server, --acme-ca and --acme-folder are for --tls auto")
	case h.mode != "" && len(h.certs) > 0:
		return errors.New("--tls and --tls-cert contradict each other: leave one out")
	case !h.on() && h.redirect != "":
		return errors.New("--redirect-http leads to HTTPS, and there is none: add --tls-cert and --tls-key, or --tls self")
	case !h.on() && h.hsts:
		return errors.New("--hsts is about HTTPS, and there is none: add --tls-cert and --tls-key, or --tls self")
	case len(h.domains) > 0 && h.mode == "":
		return errors.New("--domain is for --tls self and --tls auto")
	}
	if h.redirect != "" {
		if _, err := eventloop.ParseAddress(h.redirect); err != nil {
			return fmt.Errorf("--redirect-http: %w", err)
		}
	}
	return nil
}

// open reads or makes the certificates.
func (h *httpsOptions) open(at []string, log *slog.Logger) (err error) {
	if h.mode == "auto" {
		h.manager, err = h.acme.open(h.domains, log)
		return err
	}
	if h.mode == "self" {
		cert, err := certs.Self(time.Now(), names(h.domains, at)...)
		if err != nil {
			return fmt.Errorf("--domain: %w", err)
		}
		h.store = certs.Of(cert)
		return nil
	}
	var pairs []certs.Pair
	for i := range h.certs {
		pairs = append(pairs, certs.Pair{Cert: h.certs[i], Key: h.keys[i]})
	}
	store, err := certs.Load(time.Now, pairs...)
	if err != nil {
		return fmt.Errorf("--tls-cert: %w", err)
	}
	h.store = store
	return nil
}

// open makes ready to ask an ACME server.
func (a *acmeOptions) open(domains []string, log *slog.Logger) (*acme.Manager, error) {
	cache, err := a.cache()
	if err != nil {
		return nil, err
	}
	o := acme.Options{Domains: domains, Email: a.email, Directory: a.server, Cache: cache, Log: log}
	if a.ca != "" {
		text, err := os.ReadFile(a.ca)
		if err != nil {
			return nil, fmt.Errorf("--acme-ca: %w", err)
		}
		o.RootCAs = x509.NewCertPool()
		if !o.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--acme-ca: there is no certificate in %s", a.ca)
		}
	}
	m, err := acme.New(o)
	if err != nil {
		return nil, fmt.Errorf("--tls auto: %w", err)
	}
	return m, nil
}

// cache returns the folder in which keys and certificates are kept.
func (a *acmeOptions) cache() (string, error) {
	if a.folder != "" {
		return a.folder, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("%w: name a folder with --acme-folder", err)
	}
	return filepath.Join(config, "bobbin", "acme"), nil
}

// config is what a server needs.
func (h *httpsOptions) config() *tls.Config {
	if h.manager != nil {
		return h.manager.Config()
	}
	return h.store.Config()
}

// keep has the certificates kept up to date, until the result is called. Somebody
// listens by now.
func (h *httpsOptions) keep(loop *eventloop.Loop, log *slog.Logger) (stop func()) {
	if h.manager != nil {
		h.manager.Start()
		return h.manager.Close
	}
	return keepFresh(loop, h.store, log)
}

// names are what a certificate of this machine's own is for.
func names(domains, at []string) []string {
	list := append(slices.Clone(domains), "localhost", "127.0.0.1", "::1")
	for _, s := range at {
		addresses, err := eventloop.ParseAddress(s)
		if err != nil {
			continue // which was said before
		}
		for _, a := range addresses {
			if ip := a.IP.Addr(); a.Path == "" && !ip.IsUnspecified() && !slices.Contains(list, ip.String()) {
				list = append(list, ip.String())
			}
		}
	}
	if host, err := os.Hostname(); err == nil && host != "" && !slices.Contains(list, host) {
		if _, err := certs.Self(time.Now(), host); err == nil { // some machines have names that no certificate can have
			list = append(list, host)
		}
	}
	return list
}

// reloadEvery is how often the files of certificates are looked at.
const reloadEvery = 10 * time.Second

// keepFresh has certificates read again on SIGHUP, and when their files change. Those
// in use stay if something is wrong with the new ones.
func keepFresh(loop *eventloop.Loop, store *certs.Store, log *slog.Logger) (stop func()) {
	var said string
	read := func(asked bool) {
		var changed bool
		var err error
		loop.Offload(func() { changed, err = store.Reload() }, func(panicked error) {
			err = errors.Join(err, panicked)
			switch {
			case err != nil && (asked || err.Error() != said):
				log.Error("certificates stay as they are", "error", err)
				said = err.Error()
			case changed:
				log.Info("certificates were read again", "until", store.Expires().Format(time.DateOnly))
				said = ""
			case asked:
				log.Info("certificates have not changed")
			}
		})
	}
	var timer *eventloop.Timer
	var look func()
	look = func() {
		read(false)
		timer = loop.After(reloadEvery, look)
	}
	timer = loop.After(reloadEvery, look)
	unhook := onSignal(func() { _ = loop.Post(func() { read(true) }) }, syscall.SIGHUP) // too late, if it has ended
	return func() {
		unhook()
		timer.Stop()
	}
}

// httpsOnly sends those who speak plain HTTP to where HTTPS is spoken, and tells the
// others to remember it, if that is wanted.
func (h *httpsOptions) httpsOnly(next http.Handler) http.Handler {
	plain := http.Handler(func(w *http.Response, r *http.Request) error { return toHTTPS(w, r, h.port) })
	if h.manager != nil && h.redirect != "" {
		plain = h.manager.Challenges(plain)
	}
	return func(w *http.Response, r *http.Request) error {
		if r.TLS() == nil {
			return plain(w, r)
		}
		if h.hsts {
			w.OnHead(func(w *http.Response) { w.Add("Strict-Transport-Security", "max-age=31536000") })
		}
		return next(w, r)
	}
}

// toHTTPS redirects to the same place by HTTPS. 308 keeps the method.
func toHTTPS(w *http.Response, r *http.Request, port uint16) error {
	host := r.Host()
	if host == "" {
		return http.StatusBadRequest.Because("this is plain HTTP, and the request does not say which host it is for: write https://")
	}
	if at, err := netip.ParseAddrPort(host); err == nil {
		host = at.Addr().String()
		if at.Addr().Is6() {
			host = "[" + host + "]"
		}
	} else if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if port != 443 {
		host = fmt.Sprintf("%s:%d", host, port)
	}
	to := "https://" + host + string(r.PathBytes())
	if query, asked := r.QueryBytes(); asked {
		to += "?" + string(query)
	}
	return w.Redirect(http.StatusPermanentRedirect, to)
}

// listenAll opens all sockets, and returns what to type into a browser for each.
func (o *options) listenAll(servers http.Servers) (at []string, err error) {
	listen, scheme := servers.Listen, "http"
	if o.https.on() {
		listen, scheme = servers.ListenTLS, "https"
	}
	for _, address := range o.at {
		listeners, err := listen(address)
		if err != nil {
			return nil, explainListen(err)
		}
		bound := listeners[0].Addr()
		if o.https.port == 0 {
			o.https.port = bound.IP.Port()
		}
		at = append(at, url(scheme, address, bound))
	}
	if o.https.redirect != "" {
		if _, err := servers.Listen(o.https.redirect); err != nil {
			return nil, explainListen(err)
		}
	}
	return at, nil
}

// fingerprint is what to compare when a browser warns of a certificate that was
// made for the purpose.
func (h *httpsOptions) fingerprint() string {
	if h.mode != "self" {
		return ""
	}
	cert, err := h.store.Get(&tls.ClientHelloInfo{})
	if err != nil {
		return ""
	}
	return certs.Fingerprint(cert)
}
