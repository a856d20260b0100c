package http_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// errDisk is a cause that no client may see.
var errDisk = errors.New("the disk is on fire")

// failing is a site whose paths fail, each in its own way.
func failing(w *http.Response, r *http.Request) error {
	switch r.Path() {
	case "/status":
		return http.StatusNotFound
	case "/because":
		return http.StatusConflict.Because("there is one")
	case "/cause":
		return http.StatusBadGateway.Because("the catalogue is away", errDisk)
	case "/their-cause":
		return http.StatusBadRequest.Because("the name is missing", errDisk)
	case "/no-cause":
		return http.StatusBadGateway.Because("the catalogue is away", nil)
	case "/error":
		w.Add("X-Name", "of the handler")
		return errDisk
	case "/panic":
		panic("the disk is on fire")
	case "/allow":
		w.Add("Allow", "GET")
		return http.StatusMethodNotAllowed
	case "/moved":
		return http.StatusSeeOther
	case "/unchanged":
		return http.StatusNotModified
	case "/own":
		w.SetStatus(http.StatusNotFound)
		return w.Text("mine")
	case "/own-empty":
		w.SetStatus(http.StatusNotFound)
		return nil
	case "/body":
		_, err := r.Body()
		return err
	case "/busy":
		return http.StatusServiceUnavailable
	case "/late":
		w.Timeout(time.Second)
		return http.Streaming(func(w *http.Response, r *http.Request) error { return w.Pause(time.Minute) })(w, r)
	case "/late-aside":
		w.Timeout(time.Second)
		return http.Blocking(1, func(w *http.Response, r *http.Request) error { return w.Pause(time.Minute) })(w, r)
	case "/flushed":
		return http.Streaming(func(w *http.Response, r *http.Request) error {
			fmt.Fprint(w, "half an answ")
			if err := w.Flush(); err != nil {
				return err
			}
			return errDisk
		})(w, r)
	case "/worker":
		return http.Offload(w, func() (int, error) { return 0, http.StatusGone }, func(*http.Response, int) error { return nil })
	case "/hook":
		w.OnHead(func(w *http.Response) { w.Add("no field", "") })
		return http.StatusNotFound
	}
	return w.Text("hello")
}

// page writes what it knows of a failure, and fails where the path or the query says so.
func page(w *http.Response, r *http.Request, f http.Failure) error {
	w.Add("X-Page", "yes")
	if r.Refused() != nil {
		w.Add("X-Refused", "yes")
	}
	switch r.RawQuery() {
	case "nothing":
		return nil
	case "error":
		w.SetStatus(http.StatusTeapot)
		w.Write([]byte("half a pa"))
		return errDisk
	case "panic":
		w.Write([]byte("half a pa"))
		panic("the page is on fire")
	case "bad-field":
		w.Add("no field", "")
		return w.Text("a page")
	case "ok":
		w.SetStatus(http.StatusOK)
		return w.Text("all is well")
	case "hidden":
		w.SetStatus(http.StatusNotFound)
	case "waits":
		if _, err := w.Hold(); err == nil {
			return errors.New("an error page can be held")
		}
		return w.Text("held")
	}
	return w.HTML(fmt.Sprintf("<p>%d %s %s", int(f.Status), r.Method(), f.Reason))
}

// TestAnErrorHandlerWritesEveryError asks for all kinds of errors.
func TestAnErrorHandlerWritesEveryError(t *testing.T) {
	const html, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	for _, row := range []struct {
		name    string
		request string // GET and this path, unless there is a space
		status  int
		typ     string
		body    string
		has     string // a field
		not     string
	}{
		{name: "a status that a handler returns", request: "/status", status: 404, typ: html, body: "<p>404 GET ", not: "X-Refused"},
		{name: "HEAD has the same head and no body", request: "HEAD /status HTTP/1.1\r\nHost: a\r\n\r\n", status: 404, typ: html, has: "Content-Length: 12"},
		{name: "the reason of Because is known", request: "/because", status: 409, typ: html, body: "<p>409 GET there is one"},
		{name: "a cause is not in the reason", request: "/cause", status: 502, typ: html, body: "<p>502 GET the catalogue is away"},
		{name: "any other error is a 500 without a reason", request: "/error", status: 500, typ: html, body: "<p>500 GET ", not: "X-Name"},
		{name: "so is a panic, which ends the connection", request: "/panic", status: 500, typ: html, body: "<p>500 GET ", has: "Connection: close"},
		{name: "fields of the handler's stay", request: "/allow", status: 405, typ: html, body: "<p>405 GET ", has: "Allow: GET"},
		{name: "503 has its Retry-After", request: "/busy", status: 503, typ: html, body: "<p>503 GET ", has: "Retry-After: 1"},
		{name: "a redirect is no error", request: "/moved", status: 303, typ: text, body: "303 See Other\n", not: "X-Page"},
		{name: "304 is none and has no body", request: "/unchanged", status: 304, not: "X-Page"},
		{name: "a handler's own answer stays, whatever its status", request: "/own", status: 404, typ: text, body: "mine", not: "X-Page"},
		{name: "so it does without a body", request: "/own-empty", status: 404, not: "X-Page"},
		{name: "an error of a worker", request: "/worker", status: 410, typ: html, body: "<p>410 GET "},
		{name: "a handler whose time is over", request: "/late", status: 503, typ: html, body: "<p>503 GET it takes too long, try again later"},
		{name: "one that is off the loop", request: "/late-aside", status: 503, typ: html, body: "<p>503 GET it takes too long, try again later"},
		{name: "a mistake in a hook", request: "/hook", status: 500, typ: html, body: "<p>500 GET "},
		{name: "a body above the limit", request: "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n", status: 413, typ: html, body: "<p>413 POST the body is too large"},
		{name: "a body that is too slow", request: "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nhello", status: 408, typ: html, body: "<p>408 POST the body took too long"},
		{name: "a malformed chunk", request: "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", status: 400, typ: html, body: "<p>400 POST "},
		{name: "a head that is malformed", request: "GET / HTTP/1.1\r\nHost : a\r\n\r\n", status: 400, typ: html, body: "<p>400 GET "},
		{name: "one without a method", request: "{}\r\n\r\n", status: 400, typ: html, body: "<p>400  "},
		{name: "one that is too large", request: "GET / HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("x", 9000) + "\r\n\r\n", status: 431, typ: html, body: "<p>431 GET ", has: "X-Refused"},
		{name: "one that is too slow", request: "GET / HTTP/1.1\r\nHost: a\r\n", status: 408, typ: html, body: "<p>408 GET the head took too long"},
		{name: "an unknown method", request: "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", status: 501, typ: html, body: "<p>501 BREW no such method here", has: "X-Refused"},
		{name: "a method that is not for us keeps its Allow", request: "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", status: 405, typ: html, body: "<p>405 TRACE ", has: "Allow: "},
		{name: "OPTIONS * is no error", request: "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", status: 204, not: "X-Page"},
		{name: "a page may hide a status behind another", request: "/because?hidden", status: 404, typ: html, body: "<p>409 GET there is one"},
		{name: "without a body, the text is plain, and the fields stay", request: "/because?nothing", status: 409, typ: text, body: "409 Conflict: there is one\n", has: "X-Page: yes"},
		{name: "if it fails, the answer is as without it", request: "/allow?error", status: 405, typ: text, body: "405 Method Not Allowed\n", has: "Allow: GET", not: "X-Page"},
		{name: "if it panics, the connection ends too", request: "/because?panic", status: 409, typ: text, body: "409 Conflict: there is one\n", has: "Connection: close", not: "X-Page"},
		{name: "if it makes a mistake in a field", request: "/because?bad-field", status: 409, typ: text, body: "409 Conflict: there is one\n", not: "X-Page"},
		{name: "an error never becomes a 200", request: "/because?ok", status: 409, typ: text, body: "409 Conflict: there is one\n", not: "X-Page"},
		{name: "it cannot wait", request: "/because?waits", status: 409, typ: text, body: "409 Conflict: there is one\n", not: "X-Page"},
		{name: "no errors, no pages", request: "/", status: 200, typ: text, body: "hello", not: "X-Page"},
	} {
		t.Run(row.name, func(t *testing.T) {
			request, method := row.request, "GET"
			if strings.HasPrefix(request, "/") {
				request = httptest.Request("GET", request, "")
			} else if strings.HasPrefix(request, "HEAD ") {
				method = "HEAD"
			}
			config := httptest.Config{Handler: failing, ErrorHandler: page, Limits: http.Limits{Body: 1000}}
			httptest.Run(t, config, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				conn.Send(request)
				a := conn.Answer(method)
				fields := strings.Join(a.Headers, "\n")
				if a.Status != row.status || a.Header("Content-Type") != row.typ || !strings.HasPrefix(a.Body, row.body) || row.body == "" && a.Body != "" {
					t.Errorf("got %v", a)
				}
				if !strings.Contains(fields, row.has) || row.not != "" && strings.Contains(fields, row.not) {
					t.Errorf("the fields are %s", fields)
				}
				if strings.Contains(a.Body+fields, "on fire") {
					t.Errorf("the cause is shown: %v", a)
				}
			})
		})
	}
}

// TestAnErrorAfterTheHeadHasNoPage has a handler fail when its head is out: the
// connection is broken, and the ErrorHandler is not asked.
func TestAnErrorAfterTheHeadHasNoPage(t *testing.T) {
	asked := 0
	count := func(w *http.Response, r *http.Request, f http.Failure) error {
		asked++
		return nil
	}
	httptest.Run(t, httptest.Config{Handler: failing, ErrorHandler: count}, func(c *httptest.Client) {
		if a := c.Get("/flushed"); a.Err == nil || asked != 0 {
			t.Errorf("got %v, and the function was called %d times", a, asked)
		}
		if a := c.Get("/status"); a.Status != 404 || asked != 1 {
			t.Errorf("got %v, and the function was called %d times", a, asked)
		}
	})
}

// TestTheCauseOfAnErrorIsLogged looks at what the operator reads of each failure.
func TestTheCauseOfAnErrorIsLogged(t *testing.T) {
	for _, row := range []struct{ name, path, line string }{
		{"a status is an answer as any other", "/status", ""},
		{"so is one with a reason", "/because", ""},
		{"a cause of the server's is an error", "/cause", "ERROR handler failed: 502 Bad Gateway: the catalogue is away: the disk is on fire"},
		{"one of the client's is information", "/their-cause", "INFO handler refused a request: 400 Bad Request: the name is missing: the disk is on fire"},
		{"no cause, no line", "/no-cause", ""},
		{"an error without a status", "/error", "ERROR handler failed: the disk is on fire"},
		{"a page that fails", "/status?error", "ERROR error handler failed: the disk is on fire"},
		{"one that makes a mistake", "/status?bad-field", `ERROR error handler failed: http: "no field" is no field name`},
		{"one that panics", "/status?panic", "ERROR panic in a handler: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := &levels{}
			httptest.Run(t, httptest.Config{Handler: failing, ErrorHandler: page, Log: slog.New(log)}, func(c *httptest.Client) { c.Get(row.path) })
			var lines []string
			for i, line := range log.lines {
				lines = append(lines, log.levels[i]+" "+line[""]+": "+line["error"])
			}
			if all := strings.Join(lines, "\n"); !strings.HasPrefix(all, row.line) || (all == "") != (row.line == "") || len(lines) > 1 {
				t.Errorf("the log has %q", lines)
			}
		})
	}
}

// TestACauseIsFound looks for both halves of such an error.
func TestACauseIsFound(t *testing.T) {
	err := http.StatusBadGateway.Because("the catalogue is away", errDisk)
	var status http.Status
	if !errors.Is(err, errDisk) || !errors.As(err, &status) || status != http.StatusBadGateway {
		t.Errorf("%v is %v", err, status)
	}
}
