// Site is a small web site: two pages, and a third for whatever is not there.
package main

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
)

func main() { log.Fatal(http.ListenAndServe("localhost:8080", site().Serve)) }

func site() *http.Router {
	pages := new(http.Router)
	pages.Handle("GET /{$}", page(http.StatusOK, "Welcome", `Read <a href="/about">about us</a>.`))
	pages.Handle("GET /about", page(http.StatusOK, "About", "This is a server in Go on one thread."))
	pages.Handle("/", page(http.StatusNotFound, "Not found", `There is no such page. <a href="/">Home</a>`))
	return pages
}

func page(status http.Status, title, text string) http.Handler {
	html := "<!doctype html><title>" + title + "</title><h1>" + title + "</h1><p>" + text + "\n"
	return func(w *http.Response, r *http.Request) error { return w.SetStatus(status).HTML(html) }
}
