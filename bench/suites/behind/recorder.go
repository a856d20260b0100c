package behind

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/std"
)

// ServeHTTP stands for h.ServeHTTP(w, r) in the tests of others. If w is an
// httptest.ResponseRecorder, the request goes to a server of bobbin's over loopback, h
// runs behind std with the request that bobbin has read, and the recorder records the
// answer that came back. Any other writer is that of a handler which runs already.
func ServeHTTP(h nethttp.Handler, w nethttp.ResponseWriter, r *nethttp.Request) {
	rec, ok := w.(*httptest.ResponseRecorder)
	if !ok {
		h.ServeHTTP(w, r)
		return
	}
	startRecorded()
	c, err := net.Dial("tcp", recorded.at)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	one := &recordedCall{handler: h, given: r, w: rec, over: make(chan bool)}
	recorded.calls.Store(c.LocalAddr().String(), one)
	defer recorded.calls.Delete(c.LocalAddr().String())
	if _, err := c.Write(onTheWire(r)); err != nil {
		panic(err)
	}
	answer, err := nethttp.ReadResponse(bufio.NewReader(c), r)
	var body []byte
	if err == nil {
		body, _ = io.ReadAll(answer.Body)
	}
	if one.ran.Load() {
		<-one.over
	}
	if one.panicked != nil {
		panic(one.panicked)
	}
	if err != nil {
		panic(fmt.Sprint("bobbin gave no answer: ", err))
	}
	one.record(answer, body)
}

// recorded is the server behind ServeHTTP.
var recorded struct {
	once  sync.Once
	at    string
	calls sync.Map // a *recordedCall for the address of each client
}

// startRecorded starts it, once in a process.
func startRecorded() {
	recorded.once.Do(func() {
		s, err := http.NewServer(http.Config{AnyMethod: true, Handler: beginRecorded})
		if err != nil {
			panic(err)
		}
		at, err := s.Listen("127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		recorded.at = at[0].Addr().String()
		go s.Run()
	})
}

// A recordedCall is one call of ServeHTTP.
type recordedCall struct {
	handler nethttp.Handler
	given   *nethttp.Request // as the test made it
	w       *httptest.ResponseRecorder

	ran      atomic.Bool    // the handler was called; set before the answer is sent
	over     chan bool      // closed when it has returned
	set      nethttp.Header // what the handler has set
	panicked any
}

// beginRecorded gives the request the values and the end of the test's context.
func beginRecorded(w *http.Response, r *http.Request) error {
	found, ok := recorded.calls.Load(r.RemoteAddr().String())
	if !ok {
		panic("no call belongs to this connection")
	}
	one := found.(*recordedCall)
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(one.given.Context(), func() { cancel(context.Cause(one.given.Context())) })
	w.OnEnd(func() {
		stop()
		cancel(nil)
	})
	r.SetContext(both{ctx, one.given.Context()})
	return handlers(w, r)
}

// handlers runs those of the tests.
var handlers = std.Handler(nethttp.HandlerFunc(serveRecorded))

// serveRecorded runs the handler of a call behind std. The request is the one that came
// over the wire. What does not travel there is the test's: values of its context, the
// client's address, and TLS.
func serveRecorded(w nethttp.ResponseWriter, q *nethttp.Request) {
	noteServed()
	found, _ := recorded.calls.Load(q.RemoteAddr)
	one := found.(*recordedCall)
	one.ran.Store(true)
	defer close(one.over)
	defer func() {
		one.set = w.Header().Clone()
		if one.panicked = recover(); one.panicked != nil {
			panic(one.panicked)
		}
	}()
	for name, values := range one.w.Header() { // set before the handler was called
		w.Header()[name] = values
	}
	q.RemoteAddr, q.TLS = one.given.RemoteAddr, one.given.TLS
	q.Form, q.PostForm, q.MultipartForm = one.given.Form, one.given.PostForm, one.given.MultipartForm
	if one.given.Body == nil {
		q.Body = nil
	}
	defer func() { one.given.Method = q.Method }() // where a test looks at what a handler has changed
	one.handler.ServeHTTP(w, q)
}

// record puts an answer into the recorder. Fields that the server adds to every answer,
// and a recorder does not, are left out unless the handler has set them.
func (one *recordedCall) record(answer *nethttp.Response, body []byte) {
	to := one.w.Header()
	clear(to)
	for name, values := range answer.Header {
		switch name {
		case "Date", "Server", "Content-Length", "Connection":
			if one.ran.Load() && one.set[name] == nil {
				continue
			}
		}
		to[name] = values
	}
	one.w.WriteHeader(answer.StatusCode)
	if len(body) > 0 {
		one.w.Write(body)
	}
	for name, values := range answer.Trailer {
		to[name] = values
	}
	one.w.Flushed = len(answer.TransferEncoding) > 0
}

// onTheWire returns a request of a test as a client would send it.
func onTheWire(r *nethttp.Request) []byte {
	var b bytes.Buffer
	method, host, target := r.Method, r.Host, "/"
	if method == "" {
		method = "GET"
	}
	if r.URL != nil {
		target = r.URL.RequestURI()
		if r.URL.IsAbs() && r.URL.Host != "" {
			target = r.URL.Scheme + "://" + r.URL.Host + target
		}
		if host == "" {
			host = r.URL.Host
		}
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	for name, values := range r.Header {
		for _, v := range values {
			if !strings.EqualFold(name, "Host") && !strings.EqualFold(name, "Content-Length") {
				fmt.Fprintf(&b, "%s: %s\r\n", name, v)
			}
		}
	}
	if len(body) > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
