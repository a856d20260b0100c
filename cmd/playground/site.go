package main

import (
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The site that the simulated machine serves.

// yarn is an answer that no socket of this machine holds.
var yarn = strings.Repeat("one thread, wound around a bobbin\n", 120)

func site() *http.Router {
	pages := new(http.Router)
	pages.Handle("GET /{$}", hello)
	pages.Handle("GET /yarn", longAnswer)
	return pages
}

func hello(w *http.Response, _ *http.Request) error { return w.Text("hello, world\n") }

func longAnswer(w *http.Response, _ *http.Request) error { return w.Text(yarn) }
