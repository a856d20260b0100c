// Hello is the smallest web server that says something.
package main

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
)

func main() { log.Fatal(http.ListenAndServe(":8080", hello)) }

func hello(w *http.Response, r *http.Request) error { return w.Text("hello, world\n") }
