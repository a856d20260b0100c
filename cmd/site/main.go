// Site has two pages, and answers 404 for all other paths.
package main

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
)

func main() { log.Fatal(http.ListenAndServe("localhost:8080", site().Serve)) }

func site() *http.Router {
	pages := new(http.Router)
	pages.Handle("GET /{$}", func(w *http.Response, r *http.Request) error { return w.HTML("<h1>Welcome</h1>\n") })
	pages.Handle("GET /about", func(w *http.Response, r *http.Request) error { return w.HTML("<h1>About</h1>\n") })
	return pages
}
