package main

import (
	_ "embed"

	"github.com/bobbin-http/bobbin/http"
)

// The default site is served without a PATH: a few pages to look at and to measure.
var (
	//go:embed site/index.html
	indexPage []byte

	//go:embed site/about.html
	aboutPage []byte

	//go:embed site/404.html
	missingPage []byte
)

// defaultSite returns the handler of the default site.
func defaultSite() http.Handler {
	html := [2]string{"Content-Type", "text/html; charset=utf-8"}
	index := must(http.Prepare(indexPage, html))
	about := must(http.Prepare(aboutPage, html))
	missing := must(http.Prepare(missingPage, html))
	hello := must(http.Prepare([]byte("Hello, World!"), [2]string{"Content-Type", "text/plain"}))

	return func(w *http.Response, r *http.Request) error {
		if m := r.Method(); m != http.MethodGet && m != http.MethodHead {
			w.Add("Allow", "GET, HEAD")
			return http.StatusMethodNotAllowed
		}
		path := r.PathBytes()
		for range 2 { // first as sent, the usual case; then cleaned
			switch string(path) {
			case "/":
				return w.WritePrepared(index)
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
		return w.SetStatus(http.StatusNotFound).WritePrepared(missing)
	}
}

// must panics on an error that only a bug in the program can cause.
func must(p *http.Prepared, err error) *http.Prepared {
	if err != nil {
		panic(err)
	}
	return p
}
