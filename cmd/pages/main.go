// Pages is a small site in one binary: pages made by html/template, and the style
// sheet and picture beside them, all embedded.
//
//	go run ./cmd/pages
package main

import (
	"embed"
	"html/template"
	"io/fs"
	"log"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

//go:embed site
var embedded embed.FS

// A yarn is a product, which has a page.
type yarn struct {
	Name, Colour string
	Metres       int
}

// shop has the pages. Its templates are parsed once, at the start.
type shop struct {
	pages *template.Template
	yarns []yarn
}

func main() {
	handler, err := site()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", handler))
}

func site() (http.Handler, error) {
	files, err := fs.Sub(embedded, "site")
	if err != nil {
		return nil, err
	}
	pages, err := template.ParseFS(files, "*.tmpl")
	if err != nil {
		return nil, err
	}
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		return nil, err
	}
	static, err := static.FS(assets, static.Options{Prefix: "/assets"})
	if err != nil {
		return nil, err
	}
	s := &shop{pages, []yarn{{"Wool", "grey", 200}, {"Silk & linen", "blue", 120}, {"Cotton", "white", 300}}}
	router := new(http.Router)
	router.Handle("GET /{$}", s.list)
	router.Handle("GET /yarns/{name}", s.show)
	router.Handle("/assets/", static.Serve)
	return router.Serve, nil
}

func (s *shop) list(w *http.Response, _ *http.Request) error {
	return w.RenderNamed(s.pages, "list.tmpl", s.yarns)
}

func (s *shop) show(w *http.Response, r *http.Request) error {
	for _, y := range s.yarns {
		if y.Name == r.PathValue("name") {
			return w.RenderNamed(s.pages, "yarn.tmpl", y)
		}
	}
	return http.StatusNotFound
}
