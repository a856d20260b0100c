package main

import (
	"bytes"
	_ "embed"
	"html"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The default site is served without a PATH: a few pages to look at and to measure.
var (
	//go:embed site/index.html
	indexPage string

	//go:embed site/about.html
	aboutPage string

	//go:embed site/404.html
	missingPage string
)

// defaultSite returns the handler of the default site, for one loop. Xray answers the paths
// below /-/, and is nil if there are none.
func defaultSite(xray http.Handler) http.Handler {
	start := startPage{}
	about := preparePage(aboutPage)
	missing := preparePage(missingPage, [2]string{"Vary", "Accept"})
	hello := must(http.Prepare([]byte("Hello, World!"), [2]string{"Content-Type", "text/plain"}))

	return func(w *http.Response, r *http.Request) error {
		if m := r.Method(); m != http.MethodGet && m != http.MethodHead {
			if err := below(xray, w, r); err != http.StatusNotFound {
				return err
			}
			return http.MethodNotAllowed(w, r, "GET, HEAD")
		}
		path := r.PathBytes()
		for range 2 { // first as sent, the usual case; then cleaned
			switch string(path) {
			case "/":
				return w.WritePrepared(start.at(r))
			case "/about":
				return w.WritePrepared(about)
			case "/bench":
				return w.WritePrepared(hello) // the 13 bytes that benchmarks expect
			}
			var err error
			if path, err = r.CleanPathBytes(nil); err != nil {
				return err
			}
		}
		if err := below(xray, w, r); err != http.StatusNotFound {
			return err
		}
		if !acceptsHTML(r.HeaderBytes("accept")) {
			return http.StatusNotFound
		}
		return w.SetStatus(http.StatusNotFound).WritePrepared(missing)
	}
}

// A startPage is the first page, which shows the address that it was requested at. The
// page for the last address is kept, because nearly always the next one is the same.
type startPage struct {
	page   *http.Prepared
	host   []byte
	secure bool
}

// at returns the page for a request.
func (p *startPage) at(r *http.Request) *http.Prepared {
	host, secure := r.HostBytes(), r.TLS() != nil
	if p.page == nil || secure != p.secure || !bytes.Equal(host, p.host) {
		p.page = preparePage(strings.ReplaceAll(indexPage, "{address}", html.EscapeString(addressOf(string(host), secure))))
		p.host, p.secure = append(p.host[:0], host...), secure
	}
	return p.page
}

// addressOf returns the URL of a site without a path. The page shows it in a command, so a
// Host with characters that mean something to a shell is not in it.
func addressOf(host string, secure bool) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]"
	if host == "" || strings.Trim(host, plain) != "" {
		host = "localhost"
	}
	if secure {
		return "https://" + host
	}
	return "http://" + host
}

// preparePage makes the answer of a page with one style sheet in it.
func preparePage(page string, fields ...[2]string) *http.Prepared {
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	fields = append(fields, [2]string{"Content-Type", "text/html; charset=utf-8"}, [2]string{"Content-Security-Policy", pagePolicy(style)})
	return must(http.Prepare([]byte(page), fields...))
}

// must panics on an error that only a bug in the program can cause.
func must(p *http.Prepared, err error) *http.Prepared {
	if err != nil {
		panic(err)
	}
	return p
}
