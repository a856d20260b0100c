package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html"
	"regexp"
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
	start := startPage{live: xray != nil}
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
	live   bool // its drawing shows the loop, and it links to the inspector
	page   *http.Prepared
	host   []byte
	secure bool
}

// at returns the page for a request.
func (p *startPage) at(r *http.Request) *http.Prepared {
	host, secure := r.HostBytes(), r.Scheme() == "https"
	if p.page == nil || secure != p.secure || !bytes.Equal(host, p.host) {
		page := indexPage
		if !p.live {
			page = liveParts.ReplaceAllString(page, "")
		}
		p.page = preparePage(strings.ReplaceAll(page, "{address}", html.EscapeString(addressOf(string(host), secure))))
		p.host, p.secure = append(p.host[:0], host...), secure
	}
	return p.page
}

// liveParts are the parts of the start page that are for where the inspector is.
var liveParts = regexp.MustCompile(`(?s)<!--live-->.*?<!--/live-->\n?`)

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

// preparePage makes the answer of a page with one style sheet in it, and one script at most,
// which may ask this server for more.
func preparePage(page string, fields ...[2]string) *http.Prepared {
	policy := pagePolicy(elementOf(page, "style"))
	if script := elementOf(page, "script"); script != "" {
		sum := sha256.Sum256([]byte(script))
		policy += "; connect-src 'self'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	fields = append(fields, [2]string{"Content-Type", "text/html; charset=utf-8"}, [2]string{"Content-Security-Policy", policy})
	return must(http.Prepare([]byte(page), fields...))
}

// elementOf returns the content of the first element of that name without attributes, ""
// if there is none.
func elementOf(page, name string) string {
	_, rest, _ := strings.Cut(page, "<"+name+">")
	content, _, found := strings.Cut(rest, "</"+name+">")
	if !found {
		return ""
	}
	return content
}

// must panics on an error that only a bug in the program can cause.
func must(p *http.Prepared, err error) *http.Prepared {
	if err != nil {
		panic(err)
	}
	return p
}
