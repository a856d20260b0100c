// Package std runs handlers of net/http behind bobbin: routers, middleware, file
// servers, pprof.
//
//	site := std.Handler(mux)
//	log.Fatal(http.ListenAndServe(":8080", site))
//
// Such handlers may wait, so each runs off the loop on a goroutine of its own. The
// request body is streamed, and so is an answer that outgrows its buffer; Flush and
// trailers work, the connection can be hijacked, the context ends when the client
// disconnects, and a panic costs one request.
//
// docs/suites.md has the tests of net/http and of others that handlers behind std pass, and
// those that they do not, with the reasons.
//
// Differences from net/http's server: bobbin sets Transfer-Encoding, and a panic is
// answered by 500. A handler may read the body with one goroutine while it writes with
// another; but while a write waits for a slow client, nothing is read.
//
// A handler that reads slashes in "%2F", as net/http.FileServer does, belongs behind a
// pattern for a subtree of an http.Router, such as "/files/", and not behind "/{name}":
// for that alone the Router does not know what the handler will serve.
package std

import (
	"log"
	nethttp "net/http"

	"github.com/bobbin-http/bobbin/http"
)

// MaxRequests is the number of requests that Handler runs at a time.
const MaxRequests = 1024

// Handler runs a net/http handler off the loop, MaxRequests at a time. Beyond that, or
// before it for a client with many, the answer is 503: see http.Blocking. If h is nil, it
// is net/http's DefaultServeMux.
func Handler(h nethttp.Handler) http.Handler { return http.Blocking(MaxRequests, Wrap(h)) }

// Wrap converts a net/http handler, for http.Blocking; or for http.Streaming, if it
// waits for its client only.
//
// Behind an http.Router, the request has the Router's pattern and its path values; a
// ServeMux within h sets the pattern to its own, and adds the values of that.
//
// The request's context has a *Server under net/http's ServerContextKey. It does not
// serve: only its Handler is set. If the context that Request.SetContext was given has one
// already, it is that, and its ErrorLog gets the lines that net/http would log.
func Wrap(h nethttp.Handler) http.Handler {
	if h == nil {
		h = nethttp.DefaultServeMux
	}
	server := &nethttp.Server{Handler: h}
	return func(w *http.Response, r *http.Request) error {
		turns := newTurns(r)
		body := &body{turns: turns, from: r}
		q, err := request(r, body, server)
		if err != nil {
			return err
		}
		a := &answer{turns: turns, to: w, from: r, request: q, head: q.Method == nethttp.MethodHead, fields: make(nethttp.Header), length: -1}
		defer body.end()
		defer a.end()
		if err := serve(h, a, q); err != nil {
			return err
		}
		if a.handedOn {
			return a.err
		}
		return a.finish()
	}
}

// serve calls the handler, and removes the files of a form that it has parsed. A panic
// with ErrAbortHandler aborts the connection.
func serve(h nethttp.Handler, a *answer, q *nethttp.Request) (err error) {
	defer func() {
		if q.MultipartForm != nil {
			if err := q.MultipartForm.RemoveAll(); err != nil {
				logf(q, "http: a form's temporary file stays: %v", err)
			}
		}
		if r := recover(); r == nethttp.ErrAbortHandler {
			err = http.ErrAbort
		} else if r != nil {
			panic(r)
		}
	}()
	h.ServeHTTP(a, q)
	return nil
}

// logf logs where net/http does: by the ErrorLog of the server in the context, or else by
// package log.
func logf(q *nethttp.Request, format string, args ...any) {
	if s, _ := q.Context().Value(nethttp.ServerContextKey).(*nethttp.Server); s != nil && s.ErrorLog != nil {
		s.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}
