package http_test

import (
	"errors"
	"html/template"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// A careless template does not look at the errors of its writes.
type careless int

func (c careless) Execute(w io.Writer, _ any) error {
	for range int(c) {
		w.Write(make([]byte, 1<<20))
	}
	return nil
}

// TestATemplateIsAWholePageOrA500 renders pages that are right, and pages that fail.
func TestATemplateIsAWholePageOrA500(t *testing.T) {
	type shop struct {
		Name  string
		Price func() (int, error)
	}
	pages := template.Must(template.New("shop").Parse(`<h1>{{.Name}}</h1>{{template "price" .}}`))
	template.Must(pages.New("price").Parse(`<p>{{call .Price}}`))
	endless := template.Must(template.New("").Parse(`{{range .}}` + strings.Repeat("x", 10_000) + `{{end}}`))
	ten := func() (int, error) { return 10, nil }
	broken := func() (int, error) { return 0, errors.New("the disk is on fire") }
	for _, row := range []struct {
		name   string
		render func(w *http.Response) error
		status int
		typ    string
		body   string
		log    string
	}{
		{"a page is sent", func(w *http.Response) error { return w.Render(pages, shop{"<Tea>", ten}) }, 200, "text/html; charset=utf-8", "<h1>&lt;Tea&gt;</h1><p>10", ""},
		{"one of a name", func(w *http.Response) error { return w.RenderNamed(pages, "price", shop{"", ten}) }, 200, "text/html; charset=utf-8", "<p>10", ""},
		{"of another type", func(w *http.Response) error {
			w.Set("Content-Type", "text/plain").SetStatus(201)
			return w.RenderNamed(pages, "price", shop{"", ten})
		}, 201, "text/plain", "<p>10", ""},
		{"an error in its middle is a 500", func(w *http.Response) error { return w.Render(pages, shop{"Tea", broken}) }, 500, "text/plain; charset=utf-8", "500 Internal Server Error\n", "the disk is on fire"},
		{"so is one in a name", func(w *http.Response) error { return w.RenderNamed(pages, "price", shop{"", broken}) }, 500, "text/plain; charset=utf-8", "500 Internal Server Error\n", "the disk is on fire"},
		{"so is a name that is not there", func(w *http.Response) error { return w.RenderNamed(pages, "none", nil) }, 500, "text/plain; charset=utf-8", "500 Internal Server Error\n", `"none"`},
		{"so is a page without end", func(w *http.Response) error { return w.Render(endless, make([]int, 1_000_000)) }, 500, "text/plain; charset=utf-8", "500 Internal Server Error\n", "larger than 8388608 bytes"},
		{"even if its template does not look", func(w *http.Response) error { return w.Render(careless(9), nil) }, 500, "text/plain; charset=utf-8", "500 Internal Server Error\n", "larger than 8388608 bytes"},
		{"a page may be as large", func(w *http.Response) error { return w.Render(careless(8), nil) }, 200, "text/html; charset=utf-8", "\x00\x00", ""},
		{"an empty page is a page", func(w *http.Response) error { return w.Render(careless(0), nil) }, 200, "text/html; charset=utf-8", "", ""},
		{"two pages are a mistake", func(w *http.Response) error {
			w.RenderNamed(pages, "price", shop{"", ten})
			return w.RenderNamed(pages, "price", shop{"", ten})
		}, 500, "text/plain; charset=utf-8", "500 Internal Server Error\n", "answered twice"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := &notebook{}
			h := func(w *http.Response, r *http.Request) error { return row.render(w) }
			httptest.Run(t, httptest.Config{Handler: h, Log: slog.New(log)}, func(c *httptest.Client) {
				if a := c.Get("/"); a.Status != row.status || a.Header("Content-Type") != row.typ || !strings.HasPrefix(a.Body, row.body) || len(a.Body) > len(row.body) && row.body != "\x00\x00" {
					t.Errorf("got %d %s: %.200q", a.Status, a.Headers, a.Body)
				}
			})
			if len(log.lines) > 0 != (row.log != "") || row.log != "" && !strings.Contains(log.lines[0]["error"], row.log) {
				t.Errorf("the log has %v", log.lines)
			}
		})
	}
}
