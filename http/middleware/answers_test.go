package middleware

// What is done to answers: names, tags, codings, times.

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

func TestNamesOfRequests(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/broken":
			return errors.New("broken")
		case "/panic":
			panic("broken")
		case "/later":
			return http.Offload(w, func() (int, error) { return 0, errors.New("broken") }, func(*http.Response, int) error { return nil })
		}
		return w.Text(w.Header("X-Request-Id"))
	}
	for _, row := range []struct {
		name  string
		trust bool
		path  string
		field string
		kept  bool
	}{
		{"nobody has given one", false, "/", "", false},
		{"a stranger's is not taken over", false, "/", "a-1", false},
		{"a proxy's is", true, "/", "a-1", true},
		{"if it is one", true, "/", "a b", false},
		{"and not too long", true, "/", strings.Repeat("a", 129), false},
		{"a proxy may have none", true, "/", "", false},
		{"what fails has one", true, "/broken", "a-1", true},
		{"what panics has one", true, "/panic", "a-1", true},
		{"what fails later has one", true, "/later", "a-1", true},
	} {
		id := &RequestID{Trust: row.trust}
		with(t, id.Wrap(h), func(ask asker) {
			seen := map[string]bool{}
			for range 3 {
				got := ask("GET", row.path, "X-Request-Id: "+row.field)
				all := got.Header["X-Request-Id"]
				if len(all) != 1 || (all[0] == row.field) != row.kept || !row.kept && (seen[all[0]] || len(all[0]) < 16 || !isRequestID(all[0])) {
					t.Errorf("%s: %v", row.name, got.Header)
					continue
				}
				seen[all[0]] = true
				if text := body(got); row.path == "/" && text != all[0] {
					t.Errorf("%s: the handler sees %q", row.name, text)
				}
			}
		})
	}
	a, b := &RequestID{}, &RequestID{}
	a.Wrap(hello)
	b.Wrap(hello)
	if a.next() == b.next() {
		t.Error("two processes make the same names")
	}
}

func TestConcurrentRequests(t *testing.T) {
	limit := Concurrent(2)
	h := limit(func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/fail":
			return http.StatusTeapot
		case "/panic":
			panic("broken")
		}
		held, err := w.Hold()
		if err == nil {
			r.Loop().After(10*time.Second, held.Done)
		}
		return err
	})
	play(t, h, func(c *client) {
		status := func(path string, want int) {
			t.Helper()
			got := c.ask("GET", path)
			if got.StatusCode != want || (want == 503) != (got.Header.Get("Retry-After") != "") {
				t.Errorf("%s: %d %v, want %d", path, got.StatusCode, got.Header, want)
			}
		}
		for range 3 { // what ends at once does not count
			status("/fail", 418)
			status("/panic", 500)
		}
		one, two := c.send("GET", "/"), c.send("GET", "/")
		c.Sleep(time.Second)
		status("/fail", 503)
		one.Reset() // who leaves makes room
		c.Sleep(time.Second)
		status("/fail", 418)
		three := c.send("GET", "/")
		c.Sleep(time.Second)
		status("/fail", 503)
		if _, err := c.ReceiveAll(two); err != nil { // and so does who has its answer
			t.Error(err)
		}
		status("/fail", 418)
		if _, err := c.ReceiveAll(three); err != nil {
			t.Error(err)
		}
	})
}

func TestTags(t *testing.T) {
	large := bytes.Repeat([]byte("a"), tagMax+1)
	h := func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/missing":
			return http.StatusNotFound
		case "/empty":
			return nil
		case "/large":
			return w.WriteNoCopy(large)
		case "/own":
			w.Add("ETag", `W/"own"`)
		case "/secret":
			w.Add("Cache-Control", "private, no-store")
		case "/later":
			return http.Offload(w, func() (string, error) { return "hello", nil }, (*http.Response).Text)
		case "/held", "/held-own":
			if r.Path() == "/held-own" {
				w.Add("ETag", `W/"own"`)
			}
			held, err := w.Hold()
			if err == nil {
				io.WriteString(held, "hello")
				held.Done()
			}
			return err
		}
		return w.Text("hello")
	}
	for _, row := range []struct {
		name   string
		method string
		path   string
		field  string
		status int
		etag   bool
	}{
		{"a body has a tag", "GET", "/", "", 200, true},
		{"HEAD has that of GET", "HEAD", "/", "", 200, true},
		{"POST has none", "POST", "/", "", 200, false},
		{"an answer that comes later has one", "GET", "/later", "", 200, true},
		{"one that is sent in pieces has none", "GET", "/held", "*", 200, false},
		{"nor is it counted if it has", "GET", "/held-own", "*", 200, true},
		{"an error has none", "GET", "/missing", "*", 404, false},
		{"what is empty has none", "GET", "/empty", "*", 200, false},
		{"what is large has none", "GET", "/large", "*", 200, false},
		{"what is not stored has none", "GET", "/secret", "*", 200, false},
		{"a client has it", "GET", "/", "TAG", 304, true},
		{"HEAD asks too", "HEAD", "/", "TAG", 304, true},
		{"POST does not ask", "POST", "/", "TAG", 200, false},
		{"a client has it, weakly", "GET", "/", "W/TAG", 304, true},
		{"a client has several", "GET", "/", `"a,b", W/"c" ,TAG, "d"`, 304, true},
		{"a client has another", "GET", "/", `"a", "LPJNul"`, 200, true},
		{"a client has any", "GET", "/", " * ", 304, true},
		{"a star among tags is none", "GET", "/", `"a", *`, 200, true},
		{"what stands behind it is not looked at", "GET", "/", "TAG-", 304, true},
		{"behind what is malformed nothing is read", "GET", "/", `a, TAG`, 200, true},
		{"a tag that does not end is none", "GET", "/", `"a`, 200, true},
		{"a handler's own tag counts", "GET", "/own", `"own"`, 304, true},
		{"and is not replaced", "GET", "/own", "TAG", 200, true},
	} {
		with(t, ETag(h), func(ask asker) {
			plain := ask("GET", "/").Header.Get("Etag")
			field := strings.ReplaceAll(row.field, "TAG", plain)
			got := ask(row.method, row.path, "If-None-Match: "+field)
			etag := got.Header.Get("Etag")
			want := plain
			if strings.HasSuffix(row.path, "own") {
				want = `W/"own"`
			}
			if !row.etag {
				want = ""
			}
			if got.StatusCode != row.status || etag != want || len(got.Header["Etag"]) > 1 {
				t.Errorf("%s: %d %v", row.name, got.StatusCode, got.Header)
			}
			if text := body(got); row.status == 304 && text != "" || row.status == 200 && row.method == "GET" && row.path == "/" && text != "hello" {
				t.Errorf("%s: %q", row.name, text)
			}
		})
	}
	// The same on every machine, and after every restart.
	if got := tagOf([]byte("hello")); got != `"LPJNul-wow4m6Dsqxbni"` {
		t.Errorf("the tag of hello is %s", got)
	}
}

func TestCacheControl(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/own":
			w.Add("cache-control", "no-cache")
		case "/own-prepared":
			p, err := http.Prepare([]byte("hello"), [2]string{"Cache-Control", "no-cache"})
			if err != nil {
				return err
			}
			return w.WritePrepared(p)
		case "/missing":
			return http.StatusNotFound
		case "/moved":
			w.Add("Location", "/")
			return http.StatusFound
		case "/same":
			return http.StatusNotModified
		}
		return w.Text("hello")
	}
	with(t, CacheControl("max-age=60")(h), func(ask asker) {
		for path, want := range map[string]string{
			"/": "max-age=60", "/own": "no-cache", "/own-prepared": "no-cache", "/missing": "", "/moved": "", "/same": "max-age=60",
		} {
			if got := ask("GET", path).Header["Cache-Control"]; strings.Join(got, ";") != want {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
	})
}

func TestTimeout(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		if r.Path() == "/soon" {
			return w.Text("hello")
		}
		var wait func(w *http.Response, until time.Time) error
		wait = func(w *http.Response, until time.Time) error {
			return http.Offload(w, func() (int, error) { return 0, nil }, func(w *http.Response, _ int) error {
				if r.Loop().WallTime().Before(until) {
					return wait(w, until)
				}
				return w.Text("hello")
			})
		}
		return wait(w, r.Time().Add(time.Second))
	}
	aside := http.Blocking(2, func(w *http.Response, r *http.Request) error {
		w.Pause(time.Second)
		return w.Text("hello")
	})
	both := func(w *http.Response, r *http.Request) error {
		if r.Path() == "/aside" {
			return aside(w, r)
		}
		return h(w, r)
	}
	var log bytes.Buffer
	l := &AccessLog{Out: &log, Format: Common}
	all := l.Wrap((&RequestID{}).Wrap(limit(t, "10/s").Wrap(Concurrent(1)(Timeout(100 * time.Millisecond)(ETag(Compress(letter("gzip"))(both)))))))
	play(t, all, func(c *client) {
		if got := c.ask("GET", "/aside", "Accept-Encoding: gzip"); got.StatusCode != 503 || got.Header.Get("X-Request-Id") == "" {
			t.Errorf("aside: %d %v", got.StatusCode, got.Header)
		}
		if got := c.ask("GET", "/soon"); got.StatusCode != 200 {
			t.Errorf("soon: %d", got.StatusCode)
		}
		if got := c.ask("GET", "/late"); got.StatusCode != 503 {
			t.Errorf("late: %d", got.StatusCode)
		}
		c.Sleep(2 * time.Second)
	})
	if err := l.Close(); err != nil || strings.Count(log.String(), "\n") != 3 || !strings.Contains(log.String(), `/aside HTTP/1.1" 503`) || !strings.Contains(log.String(), `/late HTTP/1.1" 503`) {
		t.Errorf("%v: %s", err, log.String())
	}
}

// A letter is a coding that only tests have.
func letter(name string) Coding {
	return Coding{name, func(dst, src []byte) []byte { return append(append(dst, name...), src[:len(src)/2]...) }}
}

func TestWhatIsCompressed(t *testing.T) {
	text := strings.Repeat("all work and no play\n", 100)
	codings := []Coding{letter("zstd"), letter("gzip"), {"large", func(dst, src []byte) []byte { return append(append(dst, src...), 'x') }}}
	h := func(w *http.Response, r *http.Request) error {
		typ, more, _ := strings.Cut(r.RawQuery(), "&")
		if typ != "" {
			w.Add("Content-Type", typ)
		}
		for field := range strings.SplitSeq(more, "&") {
			if name, value, ok := strings.Cut(field, "="); ok {
				w.Add(name, value)
			}
		}
		switch r.Path() {
		case "/small":
			return w.Text("small")
		case "/large":
			return w.Text(strings.Repeat(text, 200))
		case "/part":
			w.SetStatus(http.StatusPartialContent)
		case "/same":
			return http.StatusNotModified
		case "/head": // which a handler has made without a body
			w.Add("Content-Length", "2100")
			return nil
		case "/missing":
			w.SetStatus(http.StatusNotFound)
		case "/prepared":
			p, err := http.Prepare([]byte(text), [2]string{"Content-Type", "text/plain"}, [2]string{"X-Own", "a"})
			if err != nil {
				return err
			}
			return w.WritePrepared(p)
		}
		return w.Text(text)
	}
	for _, row := range []struct {
		name   string
		path   string
		accept string
		coding string // of the answer
		vary   string
	}{
		{"nobody asked", "/", "", "", "Accept-Encoding"},
		{"somebody did", "/", "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"in any case", "/", "Accept-Encoding: GZip", "gzip", "Accept-Encoding"},
		{"by its old name", "/", "Accept-Encoding: x-gzip", "gzip", "Accept-Encoding"},
		{"the first of those that are liked alike", "/", "Accept-Encoding: gzip, br, zstd", "zstd", "Accept-Encoding"},
		{"the one that is liked more", "/", "Accept-Encoding: gzip, zstd;q=0.9", "gzip", "Accept-Encoding"},
		{"blanks do not count", "/", "Accept-Encoding: gzip ;\tq=0.8 , zstd; q=0.9", "zstd", "Accept-Encoding"},
		{"in two fields", "/", "Accept-Encoding: br\r\nAccept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"not what is refused", "/", "Accept-Encoding: gzip;q=0", "", "Accept-Encoding"},
		{"nor what is malformed", "/", "Accept-Encoding: gzip;q=2, zstd;q=a, large;w=1", "", "Accept-Encoding"},
		{"a weight with blanks around its sign is none", "/", "Accept-Encoding: gzip; q = 0.5", "", "Accept-Encoding"},
		{"of two weights the first counts", "/", "Accept-Encoding: gzip;q=0, gzip", "", "Accept-Encoding"},
		{"anything", "/", "Accept-Encoding: *", "zstd", "Accept-Encoding"},
		{"anything else", "/", "Accept-Encoding: zstd;q=0, *", "gzip", "Accept-Encoding"},
		{"nothing else", "/", "Accept-Encoding: *;q=0", "", "Accept-Encoding"},
		{"something that is not there", "/", "Accept-Encoding: br", "", "Accept-Encoding"},
		{"as it is, rather", "/", "Accept-Encoding: gzip;q=0.5, identity", "", "Accept-Encoding"},
		{"as it is, if need be", "/", "Accept-Encoding: gzip, identity;q=0.5", "gzip", "Accept-Encoding"},
		{"as it is, at a pinch", "/", "Accept-Encoding: br, identity;q=0", "", "Accept-Encoding"},
		{"what gets no smaller is left", "/", "Accept-Encoding: large", "", "Accept-Encoding"},
		{"unless it must not be", "/", "Accept-Encoding: large, identity;q=0", "large", "Accept-Encoding"},
		{"what is small is left", "/small", "Accept-Encoding: gzip", "", "Accept-Encoding"},
		{"unless, again", "/small", "Accept-Encoding: gzip, *;q=0", "gzip", "Accept-Encoding"},
		{"what is large is left", "/large", "Accept-Encoding: gzip", "", ""},
		{"JSON", "/?application/json", "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"pictures that are text", "/?image/svg+xml", "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"programs", "/?Application/WASM", "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"other pictures are packed already", "/?image/png", "Accept-Encoding: gzip", "", ""},
		{"events are read as they come", "/?text/event-stream", "Accept-Encoding: gzip", "", ""},
		{"what is compressed already", "/?&Content-Encoding=br", "Accept-Encoding: gzip", "br", ""},
		{"what must stay as it is", "/?&Cache-Control=no-transform,max-age=1", "Accept-Encoding: gzip", "", ""},
		{"a strong tag is of these bytes", `/?&ETag="a"`, "Accept-Encoding: gzip", "", ""},
		{"a weak one is not", `/?&ETag=W/"a"`, "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"a part is of these bytes, too", "/part", "Accept-Encoding: gzip", "", ""},
		{"an error may be long", "/missing", "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
		{"an answer stands for another", "/same", "Accept-Encoding: gzip", "", "Accept-Encoding"},
		{"it varies already", "/?&Vary=Origin,accept-encoding", "Accept-Encoding: gzip", "gzip", "Origin,accept-encoding"},
		{"it varies otherwise", "/?&Vary=Origin", "Accept-Encoding: gzip", "gzip", "Origin|Accept-Encoding"},
		{"what was prepared keeps its fields", "/prepared", "Accept-Encoding: gzip", "gzip", "Accept-Encoding"},
	} {
		with(t, Compress(codings...)(h), func(ask asker) {
			fields := []string{}
			if row.accept != "" {
				fields = append(fields, row.accept)
			}
			got := ask("GET", strings.ReplaceAll(row.path, `"`, "%22"), fields...)
			p := body(got)
			if c := strings.Join(got.Header["Content-Encoding"], "|"); c != row.coding || strings.Join(got.Header["Vary"], "|") != row.vary {
				t.Errorf("%s: %v", row.name, got.Header)
			}
			if row.coding == "zstd" || row.coding == "gzip" {
				if !strings.HasPrefix(p, row.coding) {
					t.Errorf("%s: %.20q", row.name, p)
				}
			}
			if row.path == "/prepared" && (got.Header.Get("X-Own") != "a" || len(got.Header["Content-Type"]) != 1) {
				t.Errorf("%s: %v", row.name, got.Header)
			}
			if head := ask("HEAD", strings.ReplaceAll(row.path, `"`, "%22"), fields...); row.path != "/same" && head.ContentLength != got.ContentLength ||
				head.Header.Get("Content-Encoding") != got.Header.Get("Content-Encoding") {
				t.Errorf("%s: HEAD has %v, and GET %v", row.name, head.Header, got.Header)
			}
		})
	}
	with(t, Compress(codings...)(h), func(ask asker) {
		if got := ask("HEAD", "/head?text/plain", "Accept-Encoding: gzip"); got.ContentLength != 2100 || got.Header.Get("Content-Encoding") != "" {
			t.Errorf("%v", got.Header)
		}
	})
}

func TestEachCodingHasItsTag(t *testing.T) {
	text := strings.Repeat("all work and no play\n", 100)
	packed := Coding{"gzip", func(dst, src []byte) []byte {
		b := bytes.NewBuffer(dst)
		w := gzip.NewWriter(b)
		w.Write(src)
		w.Close()
		return b.Bytes()
	}}
	h := ETag(Compress(packed)(func(w *http.Response, r *http.Request) error { return w.Text(text) }))
	with(t, h, func(ask asker) {
		plain, small := ask("GET", "/"), ask("GET", "/", "Accept-Encoding: gzip")
		r, err := gzip.NewReader(small.Body)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := io.ReadAll(r); err != nil || string(back) != text {
			t.Errorf("%v: %.20q", err, back)
		}
		tags := []string{plain.Header.Get("Etag"), small.Header.Get("Etag")}
		if tags[0] == tags[1] || slices.Contains(tags, "") {
			t.Errorf("%q", tags)
		}
		for i, got := range []*nethttp.Response{
			ask("GET", "/", "If-None-Match: "+tags[0]),
			ask("GET", "/", "If-None-Match: "+tags[1], "Accept-Encoding: gzip"),
			ask("GET", "/", "If-None-Match: "+tags[0], "Accept-Encoding: gzip"),
		} {
			want := 304
			if i == 2 {
				want = 200
			}
			if got.StatusCode != want || got.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%d: %d %v", i, got.StatusCode, got.Header)
			}
		}
	})
}

func TestPiecesAreLeftAlone(t *testing.T) {
	text := strings.Repeat("all work and no play\n", 100)
	h := ETag(Compress(letter("gzip"))(http.Streaming(func(w *http.Response, r *http.Request) error {
		w.Add("Content-Type", "text/plain")
		io.WriteString(w, text)
		if err := w.Flush(); err != nil {
			return err
		}
		_, err := io.WriteString(w, text)
		return err
	})))
	with(t, h, func(ask asker) {
		got := ask("GET", "/", "Accept-Encoding: gzip", "If-None-Match: *")
		if p := body(got); got.StatusCode != 200 || got.Header.Get("Content-Encoding") != "" || got.Header.Get("Etag") != "" || p != text+text {
			t.Errorf("%d %v: %d bytes", got.StatusCode, got.Header, len(p))
		}
	})
}
