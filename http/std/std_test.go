package std

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// serveBobbin runs a handler behind bobbin, over loopback.
func serveBobbin(t testing.TB, h http.Handler) (url string) {
	plain, _, _ := runBobbin(t, http.Config{Handler: h, Loop: eventloop.Config{CheckOwner: true}})
	return "http://" + plain
}

// runBobbin runs a server over loopback until the test ends, or stop is called and open
// requests have ended. The address secure is for TLS, and there is one if it is configured.
func runBobbin(t testing.TB, config http.Config) (plain, secure string, stop func()) {
	t.Helper()
	s, err := http.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listen := func(by func(string) ([]*eventloop.Listener, error)) string {
		listeners, err := by("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return listeners[0].Addr().String()
	}
	plain = listen(s.Listen)
	if config.TLS != nil {
		secure = listen(s.ListenTLS)
	}
	over := make(chan error, 1)
	go func() {
		over <- s.Run()
		close(over)
	}()
	t.Cleanup(func() {
		s.Stop()
		s.Stop()
		<-over
	})
	return plain, secure, func() {
		s.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}
}

// site has what people do with net/http.
func site(folder, upstream string) nethttp.Handler {
	mux := nethttp.NewServeMux()
	handle := func(pattern string, h nethttp.HandlerFunc) { mux.HandleFunc(pattern, h) }
	mux.Handle("/files/", nethttp.StripPrefix("/files/", nethttp.FileServer(nethttp.Dir(folder))))
	if to, err := url.Parse(upstream); err == nil && upstream != "" {
		mux.Handle("/proxy/", nethttp.StripPrefix("/proxy", httputil.NewSingleHostReverseProxy(to)))
	}
	mux.Handle("/quick", nethttp.TimeoutHandler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprint(w, "in time")
	}), time.Minute, "late"))
	mux.Handle("/late", nethttp.TimeoutHandler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		<-r.Context().Done()
	}), time.Millisecond, "late"))
	handle("/hello", func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, "hello") })
	handle("/nothing", func(w nethttp.ResponseWriter, r *nethttp.Request) {})
	handle("/users/{id}", func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, r.PathValue("id")) })
	handle("/echo", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("X-Length", fmt.Sprint(r.ContentLength))
		w.Header().Set("X-Coding", fmt.Sprint(r.TransferEncoding))
		io.Copy(w, r.Body)
	})
	handle("/form", func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, r.FormValue("a"), r.FormValue("b")) })
	handle("/limited", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if _, err := io.ReadAll(nethttp.MaxBytesReader(w, r.Body, 10)); err != nil {
			nethttp.Error(w, err.Error(), nethttp.StatusRequestEntityTooLarge)
		}
	})
	handle("/request", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		fmt.Fprintln(w, r.Method, r.URL, r.Proto, r.RequestURI, r.ContentLength, r.TransferEncoding, r.Header["X-Many"], r.Header.Get("User-Agent"), r.Close)
	})
	handle("/status/{n}", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		n := 0
		fmt.Sscan(r.PathValue("n"), &n)
		w.WriteHeader(n)
		_, err := w.Write([]byte("a body"))
		if n == 204 && err == nil {
			panic("a body was taken")
		}
	})
	handle("/types", func(w nethttp.ResponseWriter, r *nethttp.Request) { fmt.Fprint(w, "<html><p>sniffed") })
	handle("/fields", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		h := w.Header()
		h.Add("X-Many", "a")
		h.Add("X-Many", "b")
		h.Set("X-Folded", "a\r\nSet-Cookie: b")
		h.Set("Content-Type", "text/x-special")
		nethttp.SetCookie(w, &nethttp.Cookie{Name: "a", Value: "b"})
		h.Set("Content-Length", "5")
		fmt.Fprint(w, "hello")
	})
	handle("/redirect", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/hello?x", nethttp.StatusFound)
	})
	handle("/large", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for range 100 {
			w.Write(bytes.Repeat([]byte("x"), 10_000))
		}
	})
	handle("/flushed", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for i := range 3 {
			fmt.Fprint(w, i)
			w.(nethttp.Flusher).Flush()
		}
	})
	handle("/trailers", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "hello")
		w.Header().Set("X-Sum", "5")
		w.Header().Set(nethttp.TrailerPrefix+"X-Late", "yes")
	})
	return mux
}

// TestAsNetHTTPAnswers asks both servers the same, and compares what is heard.
func TestAsNetHTTPAnswers(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"a.txt": "a text", "large.bin": strings.Repeat("0123456789", 50_000), "sub/index.html": "<p>index"} {
		name = filepath.Join(folder, name)
		os.MkdirAll(filepath.Dir(name), 0o755)
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	upstream := httptest.NewServer(site(folder, ""))
	defer upstream.Close()
	theirs := httptest.NewUnstartedServer(site(folder, upstream.URL))
	theirs.EnableHTTP2 = true
	theirs.StartTLS()
	defer theirs.Close()

	type row struct{ method, target, body, fields string }
	rows := []row{
		{"GET", "/files/a.txt", "", "Range: bytes=2-3"},
		{"GET", "/files/a.txt", "", "Range: bytes=0-0,4-"},
		{"GET", "/files/a.txt", "", "Range: bytes=100-"},
		{"GET", "/files/a.txt", "", "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT"},
		{"POST", "/echo", "hello", ""},
		{"POST", "/echo", "hello", "chunked"},
		{"POST", "/echo", strings.Repeat("b", 300_000), ""},
		{"POST", "/echo", strings.Repeat("b", 300_000), "chunked"},
		{"PUT", "/proxy/echo", strings.Repeat("b", 1000), ""},
		{"POST", "/limited", "hello", ""},
		{"POST", "/form?b=2", "a=1", "Content-Type: application/x-www-form-urlencoded"},
		{"POST", "/hello", "that nobody reads", ""},
		{"GET", "/request?a=b&c", "", "X-Many: 1"},
		{"DELETE", "/request", "", ""},
		{"GET", "/request", "", "Connection: close"},
		{"GET", "/request", "", "Connection: te, Close"}, // an option of several, which h1 and net/http know
	}
	for _, target := range []string{
		"/files/", "/files/a.txt", "/files/large.bin", "/files/sub", "/files/sub/", "/files/none", "/quick", "/late", "/hello", "/nothing",
		"/users/a%20b", "/request", "/status/200", "/status/201", "/status/204", "/status/304", "/status/404", "/status/500", "/types", "/fields",
		"/redirect", "/large", "/flushed", "/trailers", "/proxy/hello", "/proxy/large", "/proxy/flushed", "/none",
	} {
		rows = append(rows, row{"GET", target, "", ""}, row{"HEAD", target, "", ""})
	}
	ask := func(client *nethttp.Client, base string, r row) string {
		q, err := nethttp.NewRequest(r.method, base+r.target, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		if r.body == "" {
			q.Body = nil
		}
		switch name, value, _ := strings.Cut(r.fields, ": "); {
		case name == "chunked":
			q.ContentLength = -1
		case name != "":
			q.Header.Set(name, value)
		}
		answer, err := client.Transport.RoundTrip(q)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		answer.Header.Del("Date")
		answer.Header.Del("Server")
		if b := answer.Header.Get("Content-Type"); strings.HasPrefix(b, "multipart/byteranges") {
			_, boundary, _ := strings.Cut(b, "boundary=")
			body = bytes.ReplaceAll(body, []byte(boundary), []byte("BOUNDARY"))
			answer.Header.Set("Content-Type", "multipart/byteranges")
		}
		length := answer.ContentLength
		if length < 0 && len(answer.Trailer) == 0 && r.method != "HEAD" {
			length = int64(len(body)) // whether it came in one piece is each server's own choice
		}
		if answer.ProtoMajor == 2 { // net/http then drops a value of two lines, and counts a body with trailers
			answer.Header.Del("X-Folded")
			if len(answer.Trailer) > 0 {
				length = -1
			}
		}
		answer.Header.Del("Content-Length")
		answer.Header.Del("Connection")
		return fmt.Sprintf("%d %v %d %v %v %.200q of %d", answer.StatusCode, answer.Header, length, answer.Trailer, err, body, len(body))
	}
	for _, way := range fourWays(t, site(folder, upstream.URL)) {
		if !strings.HasPrefix(way.url, "https") {
			continue // net/http's server has none of HTTP/2 in plain text here
		}
		way.client.Transport.(*nethttp.Transport).TLSClientConfig.RootCAs.AddCert(theirs.Certificate())
		for _, r := range rows {
			if r.method == "HEAD" && r.target == "/trailers" {
				continue // of both, only bobbin says that the answer to GET comes in chunks
			}
			if want, got := ask(way.client, theirs.URL, r), ask(way.client, way.url, r); want != got {
				t.Errorf("%s, %s %s %.30s %s\nnet/http: %s\nbobbin:   %s", way.name, r.method, r.target, r.body, r.fields, want, got)
			}
		}
	}
}

func TestAHandlerThatAbortsBreaksTheConnection(t *testing.T) {
	for name, before := range map[string]string{"before it has answered": "", "in the middle": "hello"} {
		t.Run(name, func(t *testing.T) {
			at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
				if before != "" {
					fmt.Fprint(w, before)
					w.(nethttp.Flusher).Flush()
				}
				panic(nethttp.ErrAbortHandler)
			})))
			answer, err := nethttp.Get(at)
			if err == nil {
				_, err = io.ReadAll(answer.Body)
			}
			if err == nil {
				t.Error("the client has taken it for an answer")
			}
		})
	}
}

// TestHandlersLearnOfTLS asks over TLS, and in plain text.
func TestHandlersLearnOfTLS(t *testing.T) {
	borrowed := httptest.NewUnstartedServer(nil) // for its certificate
	borrowed.StartTLS()
	defer borrowed.Close()
	h := Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.TLS == nil {
			fmt.Fprint(w, "plain")
			return
		}
		fmt.Fprint(w, "TLS for ", r.TLS.ServerName)
	}))
	plain, secure, stop := runBobbin(t, http.Config{Handler: h, TLS: &tls.Config{Certificates: borrowed.TLS.Certificates}})
	client := borrowed.Client()
	client.Transport.(*nethttp.Transport).TLSClientConfig.ServerName = "example.com"
	for url, want := range map[string]string{"https://" + secure: "TLS for example.com", "http://" + plain: "plain"} {
		answer, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); string(body) != want || err != nil {
			t.Errorf("%s: %q, %v", url, body, err)
		}
		answer.Body.Close()
	}
	client.CloseIdleConnections()
	stop()
}

// TestDefaultsOfTheServerAreTheHandlers sets, and takes away, what the server adds by
// itself: nil in the map is net/http's way to take a default away.
func TestDefaultsOfTheServerAreTheHandlers(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/set" {
			w.Header().Set("Date", date)
			w.Header().Set("Server", "loom")
			return
		}
		for _, name := range []string{"Date", "Server", "Content-Type"} {
			w.Header()[name] = nil
		}
		fmt.Fprint(w, "<p>hello")
	})
	url := serveBobbin(t, Handler(h))
	answer, err := nethttp.Get(url + "/set")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.Header.Get("Date") != date || answer.Header.Get("Server") != "loom" || len(answer.Header["Date"])+len(answer.Header["Server"]) != 2 {
		t.Errorf("set: %v", answer.Header)
	}
	if answer, err = nethttp.Get(url); err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if h := answer.Header; len(h["Date"])+len(h["Server"])+len(h["Content-Type"]) != 0 {
		t.Errorf("taken away: %v", h)
	}
}

func TestAPanicIsA500(t *testing.T) {
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(nethttp.ResponseWriter, *nethttp.Request) { panic("the disk is on fire") })))
	answer, err := nethttp.Get(at)
	if err != nil || answer.StatusCode != 500 {
		t.Errorf("%v, %v", answer, err)
	}
}

// TestAHandlerMayEndItsGoroutine has handlers call runtime.Goexit, as those of tests do by
// t.FailNow. It hangs if one of them is waited for.
func TestAHandlerMayEndItsGoroutine(t *testing.T) {
	at := serveBobbin(t, http.Blocking(1, Wrap(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/exit" {
			runtime.Goexit()
		}
	}))))
	for path, want := range map[string]int{"/exit": 500, "/": 200} {
		for range 2 { // there is one slot
			answer, err := nethttp.Get(at + path)
			if err != nil || answer.StatusCode != want {
				t.Errorf("%s: %v, %v", path, answer, err)
			}
		}
	}
}

// TestTheContextEndsWhenTheClientHasLeft hangs if it does not.
func TestTheContextEndsWhenTheClientHasLeft(t *testing.T) {
	asked, ended := make(chan bool), make(chan error)
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		asked <- true
		<-r.Context().Done()
		ended <- r.Context().Err()
	})))
	c, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	c.Close()
	if err := <-ended; err != context.Canceled {
		t.Error(err)
	}
}

// TestWhatOutlivesTheHandlerIsRefused writes and reads after the end.
func TestWhatOutlivesTheHandlerIsRefused(t *testing.T) {
	writers, bodies := make(chan nethttp.ResponseWriter, 1), make(chan io.Reader, 1)
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		writers <- w
		bodies <- r.Body
	})))
	answer, err := nethttp.Post(at, "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if _, err := (<-writers).Write([]byte("late")); err == nil {
		t.Error("it was written")
	}
	if _, err := (<-bodies).Read(make([]byte, 1)); err != nethttp.ErrBodyReadAfterClose {
		t.Errorf("it was read: %v", err)
	}
}

// TestBothWaysAtOnce answers each line when it comes.
func TestBothWaysAtOnce(t *testing.T) {
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for lines := bufio.NewScanner(r.Body); lines.Scan(); {
			fmt.Fprintln(w, strings.ToUpper(lines.Text()))
			w.(nethttp.Flusher).Flush()
		}
	})))
	to, from := io.Pipe()
	q, err := nethttp.NewRequest("POST", at, to)
	if err != nil {
		t.Fatal(err)
	}
	go fmt.Fprintln(from, "one")
	answer, err := nethttp.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(answer.Body)
	for _, word := range []string{"two", "three", ""} {
		if !lines.Scan() {
			t.Fatalf("the answer has ended: %v", lines.Err())
		}
		if word != "" {
			fmt.Fprintln(from, word)
		}
	}
	if lines.Text() != "THREE" {
		t.Errorf("last came %q", lines.Text())
	}
	from.Close()
	if lines.Scan() {
		t.Errorf("there is more: %q", lines.Text())
	}
}

// TestOneGoroutineReadsWhileAnotherWrites has a handler that always waits for the next line,
// and answers meanwhile. The client sends a line when it has the answer to the one before.
func TestOneGoroutineReadsWhileAnotherWrites(t *testing.T) {
	const rounds = 100
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		control := nethttp.NewResponseController(w)
		if err := control.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		lines := make(chan string)
		go func() {
			defer close(lines)
			lines <- "first"
			for in := bufio.NewScanner(r.Body); in.Scan(); {
				lines <- in.Text()
			}
		}()
		for line := range lines {
			fmt.Fprintln(w, strings.ToUpper(line))
			if err := control.Flush(); err != nil {
				t.Error(err)
			}
		}
	})))
	to, from := io.Pipe()
	q, err := nethttp.NewRequest("POST", at, to)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := nethttp.DefaultTransport.RoundTrip(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	out, want := bufio.NewScanner(answer.Body), "FIRST"
	for n := range rounds {
		if !out.Scan() || out.Text() != want {
			t.Fatalf("round %d: %q, %v", n, out.Text(), out.Err())
		}
		want = fmt.Sprintf("LINE %d", n)
		fmt.Fprintf(from, "line %d\n", n)
	}
	from.Close()
	if rest, err := io.ReadAll(answer.Body); err != nil {
		t.Error(rest, err)
	}
}

// TestGoroutinesOfAHandlerTakeTurns has several of each request use all that a writer and a
// body can do, some of them when the handler has returned. The race detector looks on.
func TestGoroutinesOfAHandlerTakeTurns(t *testing.T) {
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		control := nethttp.NewResponseController(w)
		var all sync.WaitGroup
		for _, use := range []func(){
			func() { r.Body.Read(make([]byte, 7)) },
			func() { r.Body.Read(make([]byte, 70)) },
			func() { control.SetReadDeadline(time.Now().Add(time.Hour)) },
			func() { control.SetWriteDeadline(time.Now().Add(time.Hour)) },
			func() { control.Flush() },
			func() { io.WriteString(w, "hello") },
		} {
			all.Go(func() {
				for range 10 {
					use()
				}
			})
		}
		if r.URL.Path == "/waits" {
			all.Wait()
		}
	})))
	var clients sync.WaitGroup
	for n := range 10 {
		clients.Go(func() {
			answer, err := nethttp.Post(at+[]string{"/waits", "/returns"}[n%2], "", io.LimitReader(zeros{}, 1000))
			if err == nil {
				_, err = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
}

// zeros is a reader without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestAHandlerThatReturnsEndsItsReaders leaves a goroutine behind that waits for the body.
func TestAHandlerThatReturnsEndsItsReaders(t *testing.T) {
	ended := make(chan error)
	at := serveBobbin(t, Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		begun := make(chan bool)
		go func() {
			close(begun)
			_, err := io.ReadAll(r.Body)
			ended <- err
		}()
		<-begun
	})))
	c := dial(t, at, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
	defer c.Close()
	if err := <-ended; err != nethttp.ErrBodyReadAfterClose {
		t.Error(err)
	}
}

// TestCloses has what no client of net/http sends.
func TestCloses(t *testing.T) {
	for _, test := range []struct {
		options []string
		minor   int
		want    bool
	}{
		{nil, 1, false}, {nil, 0, true},
		{[]string{"te", "close"}, 1, true},
		{[]string{"closed, un-close"}, 1, false},
		{[]string{"Keep-Alive"}, 0, false},
		{[]string{"keep-alive, close"}, 0, true},
	} {
		if got := closes(test.options, test.minor); got != test.want {
			t.Errorf("%q in HTTP/1.%d: %v", test.options, test.minor, got)
		}
	}
}
