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
	"time"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/acme"
	"github.com/bobbin-http/bobbin/http/certs"
)

// HTTPS from the flags.

// httpsOptions are the flags about HTTPS.
type httpsOptions struct {
	certs, keys []string
	mode        string
	domains     []string
	acme        acmeOptions
	redirect    string
	hsts        bool
	clientCA    string // a file

	clients *x509.CertPool // set by open; authorities of clients' certificates, or nil
	store   *certs.Store   // set by open; nil with an ACME server
	manager *acme.Manager  // set by open; nil without an ACME server
	port    uint16         // of the first HTTPS listener
}

// acmeOptions are the flags about certificates from an ACME server.
type acmeOptions struct {
	email  string
	server string
	ca     string
	folder string
}

func (h *httpsOptions) define(f *pflag.FlagSet) {
	f.StringArrayVar(&h.certs, "tls-cert", nil, "serve HTTPS with the PEM certificate in this `file`; repeatable, for several names")
	f.StringArrayVar(&h.keys, "tls-key", nil, "`file` of the certificate's private key; once for each --tls-cert")
	f.StringVar(&h.clientCA, "tls-client-ca", "", "require a certificate of each client, signed by an authority in this PEM `file`")
	f.StringVar(&h.mode, "tls", "", "serve HTTPS with a generated certificate: `mode` self (self-signed, browsers warn) or auto (Let's Encrypt, whose terms you accept)")
	f.StringSliceVar(&h.domains, "domain", nil, "`names` for the generated certificate")
	f.StringVar(&h.acme.email, "acme-email", "", "with --tls auto: `address` for mail from the certificate authority")
	f.StringVar(&h.acme.server, "acme-server", "", "with --tls auto: directory `URL` of another ACME server")
	f.StringVar(&h.acme.ca, "acme-ca", "", "with --tls auto: `file` of the authority that signed the ACME server's own certificate")
	f.StringVar(&h.acme.folder, "acme-folder", "", "with --tls auto: `folder` for keys and certificates")
	f.StringVar(&h.redirect, "redirect-http", "", "also listen on this `address`, such as :80, and redirect to HTTPS")
	f.BoolVar(&h.hsts, "hsts", false, "tell browsers to use only HTTPS for this name, for a year (HSTS)")
	takesFile(f, "tls-cert", "tls-key", "tls-client-ca", "acme-ca")
	takesFolder(f, "acme-folder")
	takesOne(f, "tls", "self", "auto")
	addExample(f, "tls", "bobbin --tls self ./public", "serve a folder over HTTPS, for development")
	inGroup(f, groupHTTPS, "tls-cert", "tls-key", "tls-client-ca", "tls", "domain", "acme-email", "acme-server", "acme-ca", "acme-folder", "redirect-http", "hsts")
	inShortHelp(f, "tls", "domain")
}

// on reports whether HTTPS is on.
func (h *httpsOptions) on() bool { return len(h.certs) > 0 || h.mode != "" }

// check refuses flags that contradict each other.
func (h *httpsOptions) check() error {
	switch {
	case len(h.certs) != len(h.keys):
		return fmt.Errorf("%d of --tls-cert and %d of --tls-key: each certificate needs its key", len(h.certs), len(h.keys))
	case h.mode != "" && h.mode != "self" && h.mode != "auto":
		return fmt.Errorf("--tls %q: write --tls self or --tls auto, or name files with --tls-cert and --tls-key", h.mode)
	case h.mode == "auto" && len(h.domains) == 0:
		return errors.New("--tls auto needs a host name: add --domain")
	case h.mode != "auto" && h.acme != acmeOptions{}:
		return errors.New("--acme-email, --acme-server, --acme-ca and --acme-folder need --tls auto")
	case h.mode != "" && len(h.certs) > 0:
		return errors.New("--tls and --tls-cert contradict each other: remove one")
	}
	return h.checkOthers()
}

// checkOthers refuses flags that need others.
func (h *httpsOptions) checkOthers() error {
	switch {
	case !h.on() && h.redirect != "":
		return errors.New("--redirect-http needs HTTPS: add --tls-cert and --tls-key, or --tls self")
	case !h.on() && h.clientCA != "":
		return errors.New("--tls-client-ca needs HTTPS: add --tls-cert and --tls-key, or --tls self")
	case h.mode == "auto" && h.clientCA != "":
		return errors.New("--tls-client-ca and --tls auto contradict each other, because an ACME server has no certificate to show: use --tls-cert")
	case !h.on() && h.hsts:
		return errors.New("--hsts needs HTTPS: add --tls-cert and --tls-key, or --tls self")
	case len(h.domains) > 0 && h.mode == "":
		return errors.New("--domain needs --tls self or --tls auto")
	}
	if h.redirect != "" {
		if _, err := eventloop.ParseAddress(h.redirect); err != nil {
			return fmt.Errorf("--redirect-http: %w", err)
		}
	}
	return nil
}

// open loads or makes the certificates. Of a server that runs, was is the setup in use: its store
// stays, and fresh has the certificates that are to be in there, unless they stay, too.
func (h *httpsOptions) open(was *setup, at []string, log *slog.Logger) (fresh *certs.Store, err error) {
	if h.store != nil || h.manager != nil {
		return nil, nil // of a setup whose tests run
	}
	if was == nil {
		if h.clientCA != "" {
			if h.clients, err = readAuthorities(h.clientCA); err != nil {
				return nil, fmt.Errorf("--tls-client-ca: %w", err)
			}
		}
		if h.mode == "auto" {
			h.manager, err = h.acme.open(h.domains, log)
		} else {
			h.store, err = h.load(at)
		}
		return nil, err
	}
	running := &was.options.https
	h.store, h.manager, h.clients = running.store, running.manager, running.clients
	if h.mode == "auto" || h.mode == "self" && slices.Equal(h.domains, running.domains) {
		return nil, nil // browsers may have an exception for the one that was made
	}
	return h.load(at)
}

// load loads the certificates from files, or makes a self-signed one.
func (h *httpsOptions) load(at []string) (*certs.Store, error) {
	if h.mode == "self" {
		cert, err := certs.Self(time.Now(), names(h.domains, at)...)
		if err != nil {
			return nil, fmt.Errorf("--domain: %w", err)
		}
		return certs.Of(cert), nil
	}
	var pairs []certs.Pair
	for i := range h.certs {
		pairs = append(pairs, certs.Pair{Cert: h.certs[i], Key: h.keys[i]})
	}
	store, err := certs.Load(time.Now, pairs...)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return store, nil
}

// open makes the client of the ACME server.
func (a *acmeOptions) open(domains []string, log *slog.Logger) (*acme.Manager, error) {
	cache, err := a.cache()
	if err != nil {
		return nil, err
	}
	o := acme.Options{Domains: domains, Email: a.email, Directory: a.server, Cache: cache, Log: log}
	if a.ca != "" {
		if o.RootCAs, err = readAuthorities(a.ca); err != nil {
			return nil, fmt.Errorf("--acme-ca: %w", err)
		}
	}
	m, err := acme.New(o)
	if err != nil {
		return nil, fmt.Errorf("--tls auto: %w", err)
	}
	return m, nil
}

// readAuthorities reads certificates of authorities.
func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("no certificate in %s", file)
	}
	return pool, nil
}

// cache returns the folder for keys and certificates.
func (a *acmeOptions) cache() (string, error) {
	if a.folder != "" {
		return a.folder, nil
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("%w: set the folder with --acme-folder", err)
	}
	return filepath.Join(config, "bobbin", "acme"), nil
}

// config returns the TLS configuration of the server.
func (h *httpsOptions) config() *tls.Config {
	if h.manager != nil {
		return h.manager.Config()
	}
	c := h.store.Config()
	if h.clients != nil {
		c.ClientCAs, c.ClientAuth = h.clients, tls.RequireAndVerifyClientCert
	}
	return c
}

// keep keeps the certificates up to date until stop is called. The server listens by
// now, as ACME challenges need it.
func (h *httpsOptions) keep(loop *eventloop.Loop, log *slog.Logger) (stop func()) {
	if h.manager != nil {
		h.manager.Start()
		return h.manager.Close
	}
	return keepFresh(loop, h.store, log)
}

// names returns the host names and addresses for a self-signed certificate.
func names(domains, at []string) []string {
	list := append(slices.Clone(domains), "localhost", "127.0.0.1", "::1")
	for _, s := range at {
		addresses, err := eventloop.ParseAddress(s)
		if err != nil {
			continue // reported by ParseAddress before
		}
		for _, a := range addresses {
			if ip := a.IP.Addr(); a.Path == "" && !ip.IsUnspecified() && !slices.Contains(list, ip.String()) {
				list = append(list, ip.String())
			}
		}
	}
	if host, err := os.Hostname(); err == nil && host != "" && !slices.Contains(list, host) {
		if _, err := certs.Self(time.Now(), host); err == nil { // some machines have host names that no certificate can have
			list = append(list, host)
		}
	}
	return list
}

// reloadEvery is the interval between two looks at the certificate files.
const reloadEvery = 10 * time.Second

// keepFresh reloads the certificates when their files change. The old ones stay in use if
// the new ones are invalid. SIGHUP reloads them, too: see reload.go.
func keepFresh(loop *eventloop.Loop, store *certs.Store, log *slog.Logger) (stop func()) {
	var last string // the last error in the log
	var timer *eventloop.Timer
	var look func()
	look = func() {
		var changed bool
		var err error
		loop.Offload(func() { changed, err = store.Reload() }, func(panicked error) {
			err = errors.Join(err, panicked)
			switch {
			case err != nil && err.Error() != last:
				log.Error("certificates not reloaded, the old ones stay in use", "error", err)
				last = err.Error()
			case changed:
				log.Info("certificates reloaded", "until", store.Expires().Format(time.DateOnly))
				last = ""
			}
		})
		timer = loop.After(reloadEvery, look)
	}
	timer = loop.After(reloadEvery, look)
	return func() { timer.Stop() }
}

// httpsOnly redirects plain HTTP to HTTPS, and sends HSTS over TLS with --hsts.
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

// toHTTPS redirects to the same URL over HTTPS. Status 308 keeps the method.
func toHTTPS(w *http.Response, r *http.Request, port uint16) error {
	host := r.Host()
	if host == "" {
		return http.StatusBadRequest.Because("this is plain HTTP without a Host header, so there is no URL to redirect to: use https://")
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

// listenAll opens all sockets, and returns the URL of each.
func (o *options) listenAll(servers http.Servers) (at []string, err error) {
	listen, scheme := servers.Listen, "http"
	if o.https.on() {
		listen, scheme = servers.ListenTLS, "https"
	}
	for _, address := range o.at {
		listeners, err := listen(address)
		if err != nil {
			return nil, explainListen(o.listenFlag(), address, err)
		}
		bound := listeners[0].Addr()
		if o.https.port == 0 {
			o.https.port = bound.IP.Port()
		}
		if len(at) == 0 {
			o.first = bound
		}
		if o.life.port == 0 {
			o.life.port = bound.IP.Port()
		}
		at = append(at, url(scheme, address, bound))
	}
	if o.https.redirect != "" {
		if _, err := servers.Listen(o.https.redirect); err != nil {
			return nil, explainListen("--redirect-http", o.https.redirect, err)
		}
	}
	return at, nil
}

// listenFlag returns the flag that the addresses are from.
func (o *options) listenFlag() string {
	if o.unused["port"] {
		return "--listen"
	}
	return "--port"
}

// fingerprint returns the SHA-256 of a self-signed certificate, to compare with the
// browser's warning, and "" for others.
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
