// Hello is a web server that answers each request with one line of text.
package main

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
)

func main() { log.Fatal(http.ListenAndServe(":8080", hello)) }

func hello(w *http.Response, r *http.Request) error { return w.Text("hello, world\n") }
