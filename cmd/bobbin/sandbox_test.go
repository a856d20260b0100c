package main

import (
	"fmt"
	"io"
	nethttp "net/http"
	"os"

	"github.com/bobbin-http/bobbin/http"
)

// runWithPeeking is the program, with a page that opens the file of its query, as a handler
// with a mistake would, and a page that tries to write it.
func runWithPeeking() int {
	return runWith(func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			query, _ := r.QueryBytes()
			var err error
			var file *os.File
			switch r.Path() {
			case "/peek":
				file, err = os.Open(string(query))
			case "/poke":
				file, err = os.OpenFile(string(query), os.O_WRONLY|os.O_CREATE, 0o600)
			case "/who":
				status, err := os.ReadFile("/proc/self/status")
				if err != nil {
					return err
				}
				return w.Text(string(status))
			default:
				return next(w, r)
			}
			if err != nil {
				return w.Text(err.Error())
			}
			file.Close()
			return w.Text("open")
		}
	})
}

// ask returns what the program answers.
func (p *program) ask(path string) string {
	p.t.Helper()
	answer, err := nethttp.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprint(answer.StatusCode, " ", string(text))
}
