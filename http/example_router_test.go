package http_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

func ExampleRouter() {
	var site http.Router
	site.Handle("GET /{$}", func(w *http.Response, r *http.Request) error {
		return w.Text("home")
	})

	api := site.Group("/api", fresh)
	api.Handle("GET /users/{id}", func(w *http.Response, r *http.Request) error {
		return w.Text("user " + r.PathValue("id"))
	})
	api.Handle("GET /files/{path...}", func(w *http.Response, r *http.Request) error {
		return w.Text(r.PathValue("path") + " by " + r.Pattern())
	})

	visit(site.Serve, "GET", "/")
	visit(site.Serve, "GET", "/api/users/%C3%85sa")
	visit(site.Serve, "GET", "/api/files/a/b.txt")
	visit(site.Serve, "GET", "/api//files?all")
	visit(site.Serve, "PUT", "/api/users/7")
	visit(site.Serve, "GET", "/elsewhere")
	// Output:
	// GET /: home
	// GET /api/users/%C3%85sa: user Åsa (no-store)
	// GET /api/files/a/b.txt: a/b.txt by GET /api/files/{path...} (no-store)
	// GET /api//files?all: 307 Temporary Redirect to /api/files/?all
	// PUT /api/users/7: 405 Method Not Allowed, but GET, HEAD
	// GET /elsewhere: 404 Not Found
}

// fresh keeps caches away from what is behind it.
func fresh(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		w.Add("Cache-Control", "no-store")
		return next(w, r)
	}
}

// visit asks a server over a simulated kernel, and prints what it answers.
func visit(h http.Handler, method, target string) {
	kernel := sim.New(1)
	server, err := http.NewServer(http.Config{Handler: h, Loop: eventloop.Config{Kernel: kernel}})
	if err != nil {
		panic(err)
	}
	server.Listen(":80")
	var answer []byte
	kernel.Go(func(c *sim.Script) {
		wire, _ := kernel.Dial()
		c.Send(wire, []byte(method+" "+target+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
		answer, _ = c.ReceiveAll(wire)
		wire.Close()
		server.Stop()
	})
	server.Run()

	heard, err := nethttp.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(heard.Body)
	said := strings.TrimSpace(string(body))
	switch fields := heard.Header; {
	case fields.Get("Location") != "":
		said += " to " + fields.Get("Location")
	case fields.Get("Allow") != "":
		said += ", but " + fields.Get("Allow")
	case fields.Get("Cache-Control") != "":
		said += " (" + fields.Get("Cache-Control") + ")"
	}
	fmt.Printf("%s %s: %s\n", method, target, said)
}
