package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// With --demo there are answers of chosen sizes, times and kinds, for people who test clients.

const (
	demoBytes = 1 << 30          // the most of one answer
	demoDrip  = 1 << 20          // the most that come slowly
	demoWait  = 60 * time.Second // the longest wait
	demoEvent = time.Second      // between two events
)

const demoText = `Answers for people who test clients:

/-/demo/bytes/N        N bytes, at most 1 GiB
/-/demo/delay/T        an answer after T, such as 500ms or 3s, at most 60s
/-/demo/drip/N/T       N bytes, at most 1 MiB, spread over T
/-/demo/status/CODE    an answer with this status, 200 to 599
/-/demo/redirect/N     N redirects in a row, at most 100
/-/demo/events         server-sent events, one a second
/-/demo/echo           the request as it came, with its body; every method
/-/demo/cut/N          N bytes of an answer of twice as many, and then a reset
`

// demoPattern is what bodies are made of, from its beginning.
var demoPattern = bytes.Repeat([]byte("A bobbin holds one thread, wound in loops, and 64 bytes a line.\n"), 256)

// demo returns the handler of the paths below /-/demo/.
func demo() http.Handler {
	var routes http.Router
	routes.Handle("GET /-/demo/{$}", func(w *http.Response, _ *http.Request) error { return w.Text(demoText) })
	routes.Handle("GET /-/demo/bytes/{n}", http.Streaming(demoSized))
	routes.Handle("GET /-/demo/delay/{t}", http.Streaming(demoDelay))
	routes.Handle("GET /-/demo/drip/{n}/{t}", http.Streaming(demoDripped))
	routes.Handle("GET /-/demo/status/{code}", demoStatus)
	routes.Handle("GET /-/demo/redirect/{n}", demoRedirect)
	routes.Handle("GET /-/demo/events", demoEvents)
	routes.Handle("GET /-/demo/cut/{n}", http.Streaming(demoCut))
	routes.Handle("/-/demo/echo", http.Streaming(demoEcho))
	return routes.Serve
}

// aroundDemo answers these paths, and has next answer all others.
func aroundDemo(next http.Handler) http.Handler {
	routes := demo()
	return func(w *http.Response, r *http.Request) error {
		if isBelow(r.PathBytes(), "/-/demo") {
			w.Set("Cache-Control", "no-store")
			return routes(w, r)
		}
		return next(w, r)
	}
}

// demoNumber reads a number of bytes, or of something else, of the path.
func demoNumber(r *http.Request, name string, most int64) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, http.StatusBadRequest.Because(fmt.Sprintf("write a number from 0 to %d in place of %q", most, r.PathValue(name)))
	}
	return n, nil
}

// demoTime reads a time of the path.
func demoTime(r *http.Request) (time.Duration, error) {
	t, err := time.ParseDuration(r.PathValue("t"))
	if err != nil || t < 0 || t > demoWait {
		return 0, http.StatusBadRequest.Because(fmt.Sprintf("write a time such as 500ms or 3s, at most %v, in place of %q", demoWait, r.PathValue("t")))
	}
	return t, nil
}

func demoSized(w *http.Response, r *http.Request) error {
	n, err := demoNumber(r, "n", demoBytes)
	if err != nil {
		return err
	}
	demoHead(w, n)
	return demoWrite(w, n)
}

func demoHead(w *http.Response, length int64) {
	w.Set("Content-Type", "text/plain; charset=utf-8").Set("Content-Length", strconv.FormatInt(length, 10))
}

func demoWrite(w *http.Response, n int64) error {
	for n > 0 {
		piece := demoPattern[:min(n, int64(len(demoPattern)))]
		if _, err := w.Write(piece); err != nil {
			return err
		}
		n -= int64(len(piece))
	}
	return nil
}

func demoDelay(w *http.Response, r *http.Request) error {
	t, err := demoTime(r)
	if err != nil {
		return err
	}
	if err := w.Pause(t); err != nil {
		return err
	}
	return w.Text(fmt.Sprintf("after %v\n", t))
}

// demoDripped sends the bytes of each tenth of a second together.
func demoDripped(w *http.Response, r *http.Request) error {
	n, err := demoNumber(r, "n", demoDrip)
	if err != nil {
		return err
	}
	t, err := demoTime(r)
	if err != nil {
		return err
	}
	demoHead(w, n)
	const each = 100 * time.Millisecond
	steps := max(int64(t/each), 1)
	for i := range steps {
		if err := demoWrite(w, n*(i+1)/steps-n*i/steps); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if i+1 < steps {
			if err := w.Pause(t / time.Duration(steps)); err != nil {
				return err
			}
		}
	}
	return nil
}

func demoStatus(w *http.Response, r *http.Request) error {
	n, err := strconv.Atoi(r.PathValue("code"))
	if err != nil || n < 200 || n > 599 {
		return http.StatusBadRequest.Because(fmt.Sprintf("write a status from 200 to 599 in place of %q", r.PathValue("code")))
	}
	return http.Status(n)
}

func demoRedirect(w *http.Response, r *http.Request) error {
	n, err := demoNumber(r, "n", 100)
	switch {
	case err != nil:
		return err
	case n == 0:
		return w.Text("there\n")
	}
	return w.Redirect(http.StatusFound, fmt.Sprintf("/-/demo/redirect/%d", n-1))
}

func demoEvents(w *http.Response, r *http.Request) error {
	events, err := w.Events()
	if err != nil {
		return err
	}
	loop := r.Loop()
	n := 0
	var timer *eventloop.Timer
	var send func()
	send = func() {
		n++
		if events.Send(http.Event{ID: strconv.Itoa(n), Data: fmt.Sprintf("event %d", n)}) == nil {
			timer = loop.After(demoEvent, send)
		}
	}
	events.OnClose(func() {
		if timer != nil {
			timer.Stop()
		}
	})
	send()
	return nil
}

// demoCut ends the connection in the middle of an answer.
func demoCut(w *http.Response, r *http.Request) error {
	n, err := demoNumber(r, "n", demoDrip)
	if err != nil {
		return err
	}
	demoHead(w, 2*n+1)
	if err := demoWrite(w, n); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	// A reset takes from the client's kernel what the client has not read yet.
	if err := w.Pause(demoEvent / 4); err != nil {
		return err
	}
	return http.ErrAbort
}

// demoEcho answers with the request.
func demoEcho(w *http.Response, r *http.Request) error {
	w.Set("Content-Type", "text/plain; charset=utf-8").Set("X-Content-Type-Options", "nosniff")
	fmt.Fprintf(w, "%s %s HTTP/%d.%d\n", r.Method(), r.Target(), r.ProtoMajor(), r.ProtoMinor())
	for name, value := range r.Headers() {
		fmt.Fprintf(w, "%s: %s\n", name, value)
	}
	fmt.Fprintln(w)
	p := make([]byte, 16<<10)
	for {
		n, err := r.Read(p)
		if n > 0 {
			if _, err := w.Write(p[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}
