package std

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/bobbin-http/bobbin/http"
)

// TestHandlersFindWhatNetHTTPDocuments has handlers look at their writer and their request.
// Each row is run by both servers, and the answers of both are the same.
func TestHandlersFindWhatNetHTTPDocuments(t *testing.T) {
	const page = "<!doctype html><title>A page</title>"
	rows := []struct {
		name    string
		handler func(w nethttp.ResponseWriter, r *nethttp.Request) any // what it has seen
		want    string                                                 // of that
	}{
		{"a type is detected from the first 512 bytes, in however many pieces they are written", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			for _, c := range []byte(page) {
				w.Write([]byte{c})
			}
			return nil
		}, "<nil>"},
		{"more than 512 bytes in pieces are all sent", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			for range 300 {
				io.WriteString(w, "<p>12")
			}
			return nil
		}, "<nil>"},
		{"an answer that is flushed before its body has no type", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.(nethttp.Flusher).Flush()
			io.WriteString(w, page)
			return nil
		}, "<nil>"},
		{"an empty Write does not decide about the type", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.Write(nil)
			io.WriteString(w, page)
			return nil
		}, "<nil>"},
		{"output beyond the declared length is refused", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.Header().Set("Content-Length", "3")
			_, short := io.WriteString(w, "abc")
			n, long := io.WriteString(w, "d")
			return fmt.Sprint(short, n, long == nethttp.ErrContentLength)
		}, "<nil> 0 true"},
		{"a length of nil asks for chunks", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.Header()["Content-Length"] = nil
			io.WriteString(w, page)
			return nil
		}, "<nil>"},
		{"a Transfer-Encoding asks for chunks", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.Header().Set("Transfer-Encoding", "chunked")
			io.WriteString(w, page)
			return nil
		}, "<nil>"},
		{"a 304 does not describe a body", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.Header().Set("Content-Type", "text/css")
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(nethttp.StatusNotModified)
			return nil
		}, "<nil>"},
		{"a writer takes strings", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			n, err := w.(io.StringWriter).WriteString(page)
			return fmt.Sprint(n, err)
		}, fmt.Sprint(len(page), " <nil>")},
		{"a writer reads from readers", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			n, err := w.(io.ReaderFrom).ReadFrom(io.MultiReader(strings.NewReader(page), bytes.NewReader(make([]byte, 100_000))))
			return fmt.Sprint(n, err)
		}, fmt.Sprint(100_000+len(page), " <nil>")},
		{"a reader's error is that of reading from it", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			n, err := w.(io.ReaderFrom).ReadFrom(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("ab"))))
			return fmt.Sprint(n, err)
		}, "1 timeout"},
		{"a trailer that would frame or route the message is dropped", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			w.Header().Set("Trailer", "Content-Length, X-Sum")
			io.WriteString(w, page)
			w.Header().Set("X-Sum", "1")
			w.Header().Set(nethttp.TrailerPrefix+"Transfer-Encoding", "gzip")
			w.Header().Set(nethttp.TrailerPrefix+"If-Match", "*")
			return nil
		}, "<nil>"},
		{"a request that may not be answered from a cache says so in the newer field, too", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			return r.Header["Cache-Control"]
		}, "[no-cache]"},
		{"a 101 has no body", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			conn, _, err := hijackAfter101(w)
			fmt.Fprint(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			conn.Close()
			return err
		}, "http: request method or response status code does not allow body"},
		{"a status that none can be is a panic", func(w nethttp.ResponseWriter, r *nethttp.Request) (seen any) {
			defer func() { seen = recover() }()
			w.WriteHeader(42)
			return nil
		}, "invalid WriteHeader code 42"},
		{"the context has the local address", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			at, ok := r.Context().Value(nethttp.LocalAddrContextKey).(*net.TCPAddr)
			return fmt.Sprint(ok, at.String() == r.Host)
		}, "true true"},
		{"the context has a server", func(w nethttp.ResponseWriter, r *nethttp.Request) any {
			s, _ := r.Context().Value(nethttp.ServerContextKey).(*nethttp.Server)
			return s != nil && s.Handler != nil
		}, "true"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			seen := make(chan string, 1)
			h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
				defer func() {
					if p := recover(); p != nil {
						seen <- fmt.Sprint("panic: ", p)
					}
				}()
				seen <- fmt.Sprint(row.handler(w, r))
			})
			theirs := httptest.NewServer(h)
			defer theirs.Close()
			ours := serveBobbin(t, Handler(h))
			var answers [2]string
			for i, url := range []string{theirs.URL, ours} {
				answers[i] = describe(t, url)
				if got := <-seen; got != row.want {
					t.Errorf("%s: the handler has seen %q, and not %q", []string{"net/http", "bobbin"}[i], got, row.want)
				}
			}
			if answers[0] != answers[1] {
				t.Errorf("the answers differ:\nnet/http: %s\nbobbin:   %s", answers[0], answers[1])
			}
		})
	}
}

// hijackAfter101 begins a 101, and returns the error of writing a body to it.
func hijackAfter101(w nethttp.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	w.WriteHeader(nethttp.StatusSwitchingProtocols)
	_, err := io.WriteString(w, "x")
	conn, rw, failed := w.(nethttp.Hijacker).Hijack()
	return conn, rw, errors.Join(err, failed)
}

// TestHandlersReadTrailers sends two of a request, one of which it has announced.
func TestHandlersReadTrailers(t *testing.T) {
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		before := fmt.Sprint(r.Trailer, r.Header["Trailer"])
		body, err := io.ReadAll(r.Body)
		fmt.Fprintln(w, before, string(body), err, r.Trailer)
	})
	theirs := httptest.NewServer(h)
	defer theirs.Close()
	for name, at := range map[string]string{"net/http": theirs.URL, "bobbin": serveBobbin(t, Handler(h))} {
		c := dial(t, at, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\nConnection: close\r\n\r\n"+
			"5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-Late: a\r\nX-Late: b\r\n\r\n")
		answer, err := io.ReadAll(c)
		if want := "map[X-Sum:[]] [] hello <nil> map[X-Late:[a b] X-Sum:[5]]"; err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("%s: %q, %v", name, answer, err)
		}
		c.Close()
	}
}

// describe asks with a Pragma, and tells what the answer is.
func describe(t *testing.T, url string) string {
	q, err := nethttp.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Pragma", "no-cache")
	answer, err := nethttp.DefaultTransport.RoundTrip(q)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	length := answer.ContentLength
	if len(body) >= 2048 { // from here on net/http sends chunks
		length = -1
	}
	return fmt.Sprintf("%d, type %q, length %d, trailers %v, %v, %.60q of %d", answer.StatusCode, answer.Header["Content-Type"], length, answer.Trailer, err, body, len(body))
}

// TestFilesOfAFormAreRemoved sends a file too large for the memory that the handler gives
// to it.
func TestFilesOfAFormAreRemoved(t *testing.T) {
	names := make(chan string, 1)
	for _, ends := range []string{"it returns", "it panics"} {
		t.Run("when "+ends, func(t *testing.T) {
			at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
				if err := r.ParseMultipartForm(10); err != nil {
					t.Error(err)
				}
				f, err := r.MultipartForm.File["file"][0].Open()
				if err != nil {
					t.Error(err)
				}
				names <- f.(*os.File).Name()
				f.Close()
				if ends == "it panics" {
					panic(nethttp.ErrAbortHandler)
				}
			})))
			var form bytes.Buffer
			parts := multipart.NewWriter(&form)
			file, err := parts.CreateFormFile("file", "a.txt")
			if err != nil {
				t.Fatal(err)
			}
			file.Write(make([]byte, 100_000))
			parts.Close()
			if answer, err := nethttp.Post(at, parts.FormDataContentType(), &form); err == nil {
				answer.Body.Close()
			}
			if name := <-names; !isGone(name) {
				t.Errorf("%s is still there", name)
				os.Remove(name)
			}
		})
	}
}

func isGone(name string) bool {
	_, err := os.Stat(name)
	return os.IsNotExist(err)
}

// TestAClientThatLeavesIsNotified hangs if CloseNotify does not tell. It tells nothing of
// a client that has its answer.
func TestAClientThatLeavesIsNotified(t *testing.T) {
	told := make(chan (<-chan bool))
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		gone := w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
		told <- gone
		if r.URL.Path == "/waits" {
			told <- nil
			<-gone
			told <- nil
		}
	})))
	c := dial(t, at, "GET /waits HTTP/1.1\r\nHost: a\r\n\r\n")
	<-told
	<-told
	c.Close()
	<-told

	c = dial(t, at, "GET /returns HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	gone := <-told
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
		t.Error("a client that has its answer counts as one that has left")
	default:
	}
}

// TestASecondStatusIsLogged has a handler answer twice. The line is one of package log's,
// or of the server in the context.
func TestASecondStatusIsLogged(t *testing.T) {
	var ofLog, ofServer lockedLines // the handler's goroutine writes to them
	log.SetOutput(&ofLog)
	defer log.SetOutput(os.Stderr)
	h := Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.WriteHeader(nethttp.StatusTeapot)
		w.WriteHeader(nethttp.StatusOK)
	}))
	own := &nethttp.Server{ErrorLog: log.New(&ofServer, "", 0)}
	for lines, h := range map[*lockedLines]http.Handler{&ofLog: h, &ofServer: func(w *http.Response, r *http.Request) error {
		r.SetContext(context.WithValue(r.Context(), nethttp.ServerContextKey, own))
		return h(w, r)
	}} {
		answer, err := nethttp.Get(serveBobbin(t, h))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if got := lines.String(); answer.StatusCode != nethttp.StatusTeapot || !strings.Contains(got, "superfluous response.WriteHeader call from") || !strings.Contains(got, "nethttp_test.go:") {
			t.Errorf("%d, and the log says %q", answer.StatusCode, got)
		}
	}
}

// TestNoHandlerIsTheDefaultMux serves what package net/http's HandleFunc has registered.
func TestNoHandlerIsTheDefaultMux(t *testing.T) {
	defer func(mux *nethttp.ServeMux) { nethttp.DefaultServeMux = mux }(nethttp.DefaultServeMux)
	nethttp.DefaultServeMux = nethttp.NewServeMux() // so that the test may run again
	nethttp.HandleFunc("/of-the-default-mux", func(w nethttp.ResponseWriter, r *nethttp.Request) { io.WriteString(w, "found") })
	if got := describe(t, serveBobbin(t, Handler(nil))+"/of-the-default-mux"); !strings.Contains(got, "found") {
		t.Error(got)
	}
}

// dial sends lines to a server.
func dial(t *testing.T, at, lines string) net.Conn {
	c, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, lines); err != nil {
		t.Fatal(err)
	}
	return c
}

// lockedLines is what a log has written, for a test that reads it meanwhile.
type lockedLines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
