package middleware

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/bcrypt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// logged returns what a log has after some requests.
func logged(t *testing.T, l *AccessLog, h http.Handler, clients ...func(c *client)) string {
	t.Helper()
	var out bytes.Buffer
	if l.Out == nil {
		l.Out = &out
	}
	play(t, l.Wrap(h), clients...)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	return out.String()
}

func TestLinesOfTheLog(t *testing.T) {
	const head, at = "10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] ", `{"time":"2026-01-01T00:00:00.`
	h := func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/missing":
			return http.StatusNotFound
		case "/empty":
			return nil
		case "/later":
			return http.Offload(w, func() (string, error) { return "later", nil }, (*http.Response).Text)
		case "/secure":
			r.SetScheme("https") // likewise
		case "/six":
			r.SetClientAddr(r.ClientAddr().Next()) // as RealIP does, inside
		}
		return w.Text("hello")
	}
	for _, row := range []struct {
		name     string
		format   LogFormat
		method   string
		path     string
		fields   []string
		want     string // behind what all lines begin with
		wantJSON string
	}{
		{"a page", Common, "GET", "/", nil, `"GET / HTTP/1.1" 200 5`, ""},
		{"nothing is a dash", Common, "GET", "/empty", nil, `"GET /empty HTTP/1.1" 200 -`, ""},
		{"HEAD has no body", Common, "HEAD", "/", nil, `"HEAD / HTTP/1.1" 200 -`, ""},
		{"an error has a body", Common, "GET", "/missing", nil, `"GET /missing HTTP/1.1" 404 14`, ""},
		{"what is answered later is logged then", Common, "GET", "/later", nil, `"GET /later HTTP/1.1" 200 5`, ""},
		{"the path is as it was sent", Common, "GET", "/a%20%22b?c=%41", nil, `"GET /a%20%22b?c=%41 HTTP/1.1" 200 5`, ""},
		{"bytes that should have been escaped are so in the log", Common, "GET", "/\u00e9?\xff", nil, `"GET /\xc3\xa9?\xff HTTP/1.1" 200 5`, ""},
		{"an empty query is one", Common, "GET", "/?", nil, `"GET /? HTTP/1.1" 200 5`, ""},
		{"nobody said where from", Combined, "GET", "/", nil, `"GET / HTTP/1.1" 200 5 "-" "-"`, ""},
		{"somebody did", Combined, "GET", "/", []string{"Referer: http://a/", "User-Agent: b/1 (c)"},
			`"GET / HTTP/1.1" 200 5 "http://a/" "b/1 (c)"`, ""},
		{"somebody said nothing", Combined, "GET", "/", []string{"User-Agent:"}, `"GET / HTTP/1.1" 200 5 "-" ""`, ""},
		{"quotes end nothing", Combined, "GET", "/", []string{"User-Agent: a\" \\ \tb\xff\u00e9"},
			`"GET / HTTP/1.1" 200 5 "-" "a\" \\ \tb\xff\xc3\xa9"`, ""},
		{"what the server is asked itself is not logged", Common, "GET", "/-/ready", nil, "", ""},
		{"but what only looks like it is", Common, "GET", "/-ready", nil, `"GET /-ready HTTP/1.1" 200 5`, ""},
		{"and what goes back from there", Common, "GET", "/-/../secret", nil, `"GET /-/../secret HTTP/1.1" 200 5`, ""},
		{"by an escaped slash, too", Common, "GET", "/-/..%2fsecret", nil, `"GET /-/..%2fsecret HTTP/1.1" 200 5`, ""},
		{"an object", JSON, "GET", "/a?b", []string{"User-Agent: \"c\xff\u00e9\U0001f600"}, "",
			`"client.address":"10.0.0.1","http.request.method":"GET","url.path":"/a","url.query":"b","url.scheme":"http","server.address":"a",` +
				`"network.protocol.version":"1.1","http.response.status_code":200,"http.response.body.size":5,` +
				`"user_agent.original":"\"c\ufffd\u00e9\ud83d\ude00","duration_s":0.000000,"conn.id":1}`},
		{"bytes that are no text", JSON, "HEAD", "/\u00e9\xff?\u0085", nil, "",
			`"client.address":"10.0.0.1","http.request.method":"HEAD","url.path":"/\u00e9\ufffd","url.query":"\u0085","url.scheme":"http","server.address":"a",` +
				`"network.protocol.version":"1.1","http.response.status_code":200,"http.response.body.size":0,"duration_s":0.000000,"conn.id":1}`},
		{"an object that knows little", JSON, "HEAD", "/six", nil, "",
			`"client.address":"10.0.0.2","http.request.method":"HEAD","url.path":"/six","url.scheme":"http","server.address":"a",` +
				`"network.protocol.version":"1.1","http.response.status_code":200,"http.response.body.size":0,` +
				`"duration_s":0.000000,"conn.id":1}`},
		{"an object with all that is known", JSON, "GET", "/", []string{"Referer: http://b/\"", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, "",
			`"client.address":"10.0.0.1","http.request.method":"GET","url.path":"/","url.scheme":"http","server.address":"a",` +
				`"network.protocol.version":"1.1","http.response.status_code":200,"http.response.body.size":5,"http.request.header.referer":"http://b/\"",` +
				`"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","duration_s":0.000000,"conn.id":1}`},
		{"a proxy has the scheme of its client", JSON, "GET", "/secure", nil, "",
			`"client.address":"10.0.0.1","http.request.method":"GET","url.path":"/secure","url.scheme":"https","server.address":"a",` +
				`"network.protocol.version":"1.1","http.response.status_code":200,"http.response.body.size":5,"duration_s":0.000000,"conn.id":1}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := logged(t, &AccessLog{Format: row.format}, h, func(c *client) { c.ask(row.method, row.path, row.fields...) })
			if row.format == JSON {
				_, rest, _ := strings.Cut(strings.TrimPrefix(got, at), `Z",`)
				if rest != row.wantJSON+"\n" || !strings.HasPrefix(got, at) || !json.Valid([]byte(got)) {
					t.Errorf("%s, want %s", got, row.wantJSON)
				}
				return
			}
			want := ""
			if row.want != "" {
				want = head + row.want + "\n"
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// What was sent can be told from the line, whatever it was.
func TestEscapesCanBeUndone(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	escaped := appendEscaped(nil, all)
	for _, c := range escaped {
		if c < 0x20 || c > 0x7e {
			t.Errorf("%q is not printable", c)
		}
	}
	back, err := strconv.Unquote(`"` + string(escaped) + `"`)
	if err != nil || back != string(all) {
		t.Errorf("%v: %q", err, escaped)
	}
	for _, s := range []string{string(all[:128]), "Gr\u00fc\u00dfe \u20ac \U0001f600 \U0010ffff", "\ufffd"} {
		var back string
		p := appendQuotable([]byte(`"`), s)
		if err := json.Unmarshal(append(p, '"'), &back); err != nil || back != s {
			t.Errorf("%v: %q became %q", err, s, back)
		}
	}
	if p := appendQuotable(nil, string(all[128:])+"\xf0\x9f"); bytes.Count(p, []byte(`\ufffd`)) != 130 || utf8.RuneCount(p) != len(p) {
		t.Errorf("%q", p)
	}
}

func TestWhoLeavesIsLogged(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		held, err := w.Hold()
		if r.Path() == "/stream" {
			r.Loop().After(2*time.Second, func() {
				fmt.Fprint(held, "hello")
				held.Done()
			})
		}
		return err
	}
	wait := func(w *http.Response, r *http.Request) error {
		return http.Offload(w, func() (int, error) { return 0, nil }, func(w *http.Response, _ int) error { return h(w, r) })
	}
	got := logged(t, &AccessLog{Format: JSON}, wait, func(c *client) {
		c.ask("GET", "/stream")
	}, func(c *client) {
		w := c.send("GET", "/left")
		c.Sleep(time.Second)
		w.Reset()
	}, func(c *client) {
		c.Sleep(100 * time.Millisecond)
		w := c.send("GET", "/at-once")
		c.Sleep(time.Nanosecond)
		w.Reset()
	})
	for _, want := range []string{
		`"url.path":"/stream","url.scheme":"http","server.address":"a","network.protocol.version":"1.1","http.response.status_code":200,`, `"duration_s":2.`,
		`"url.path":"/left",`, `"duration_s":1.`, `"url.path":"/at-once",`,
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%s is not there once: %s", want, got)
		}
	}
}

func TestTheUserIsOneWhoKnowsThePassword(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseUsers(strings.NewReader("ali baba:" + string(hash)))
	if err != nil {
		t.Fatal(err)
	}
	as := func(pair string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
	}
	got := logged(t, &AccessLog{Format: Common, User: a.User}, a.Wrap(hello), func(c *client) {
		c.ask("GET", "/1")
		c.ask("GET", "/2", as("ali baba:open"))
		c.ask("GET", "/3", as("ali baba:sesame"))
		c.ask("GET", "/4", as("kassim:sesame"))
	})
	for i, user := range []string{"-", "-", "ali baba", "-"} {
		line := strings.Split(got, "\n")[i]
		if !strings.HasPrefix(line, "10.0.0.1 - "+user+" [") {
			t.Errorf("%s, want %s", line, user)
		}
	}
}

// A dam takes nothing until it is opened.
type dam struct {
	bytes.Buffer
	open chan struct{}
}

func (d *dam) Write(p []byte) (int, error) {
	<-d.open
	return d.Buffer.Write(p)
}

func TestLinesThatAreTooManyAreCounted(t *testing.T) {
	const most = 30_000
	for _, format := range []LogFormat{Common, Combined, JSON} {
		out := &dam{open: make(chan struct{})}
		told := make(chan error, 1)
		l := &AccessLog{Out: out, Format: format, OnError: func(err error) { told <- err }}
		play(t, l.Wrap(func(w *http.Response, r *http.Request) error {
			if r.Path() == "/flood" {
				v := &logEntry{log: l, request: r, begun: r.Time(), status: 200, size: 5}
				for range most {
					l.add(v)
				}
			}
			return w.Text("hello")
		}), func(c *client) {
			c.ask("GET", "/flood")
			c.Sleep(time.Second)
			c.ask("GET", "/later")
		})
		if err := <-told; err != eventloop.ErrLogFull {
			t.Errorf("%v: it tells of %v", format, err)
		}
		close(out.open)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		dropped, lines := 0, strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		for _, line := range lines {
			n := 0
			if _, text, ok := strings.Cut(line, `"log.dropped":`); ok {
				n, _ = strconv.Atoi(strings.TrimSuffix(text, "}"))
			} else if text, _, ok := strings.Cut(line, " lines dropped"); ok {
				n, _ = strconv.Atoi(text[strings.LastIndexByte(text, '"')+1:])
			}
			if dropped += n; n > 0 {
				dropped-- // this line is none of those
			}
			if fields := len(strings.Split(line, `"`)); format != JSON && fields != map[LogFormat]int{Common: 3, Combined: 7}[format] {
				t.Errorf("%v: %s", format, line)
			}
			if format == JSON && !json.Valid([]byte(line)) {
				t.Errorf("%v: %s", format, line)
			}
		}
		// The flood, its request, and the one after it.
		if dropped == 0 || len(lines)+dropped != most+2 {
			t.Errorf("%v: %d lines and %d dropped", format, len(lines), dropped)
		}
	}
}

var errFull = errors.New("the disk is full")

// A disk has no room.
type disk struct{}

func (disk) Write(p []byte) (int, error) { return 0, errFull }

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	for _, row := range []struct {
		name string
		out  io.Writer
		why  string
	}{
		{"a disk that is full", disk{}, "the disk is full"},
		{"a writer that panics", panics{}, "eventloop: panic of a log's writer: the disk is on fire"},
	} {
		t.Run(row.name, func(t *testing.T) {
			told := make(chan error, 10)
			l := &AccessLog{Out: row.out, Format: Common, OnError: func(err error) { told <- err }}
			play(t, l.Wrap(hello), func(c *client) {
				c.ask("GET", "/1")
				c.ask("GET", "/2")
				l.Flush()
				if err := <-told; err.Error() != row.why {
					t.Errorf("it tells of %v", err)
				}
			})
			if err := l.Close(); err == nil || err.Error() != "2 lines were lost" {
				t.Errorf("it ends with %v", err)
			}
			if len(told) > 0 {
				t.Errorf("it tells of %v, too", <-told)
			}
		})
	}
}

type panics struct{}

func (panics) Write([]byte) (int, error) { panic("the disk is on fire") }

func TestWhatIsLeftIsWrittenAtTheEnd(t *testing.T) {
	var out bytes.Buffer
	l := &AccessLog{Out: &out, Format: Common}
	if err := l.Close(); err != nil {
		t.Errorf("nothing was: %v", err)
	}
	play(t, l.Wrap(hello), func(c *client) {
		c.ask("GET", "/first")
		c.ask("GET", "/second")
	})
	for range 2 {
		if err := l.Close(); err != nil || strings.Count(out.String(), "/first") != 1 || strings.Count(out.String(), "/second") != 1 {
			t.Errorf("%v: %q", err, out.String())
		}
	}
}

// TestLogsShareAWriter has two, as two loops have: whose writer it is ends it.
func TestLogsShareAWriter(t *testing.T) {
	var out bytes.Buffer
	to := eventloop.NewLogWriter(&out, eventloop.LogOptions{Delay: time.Hour})
	for _, path := range []string{"/first", "/second"} {
		l := &AccessLog{Out: to, Format: Common}
		play(t, l.Wrap(hello), func(c *client) { c.ask("GET", path) })
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := to.Close(time.Hour); err != nil || !strings.Contains(out.String(), "/second") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%v: %q", err, out.String())
	}
}

func TestALineCostsNoMemory(t *testing.T) {
	for _, format := range []LogFormat{Common, Combined, JSON, Short, Coloured} {
		l := &AccessLog{Out: io.Discard, Format: format}
		play(t, l.Wrap(func(w *http.Response, r *http.Request) error {
			if n := testing.AllocsPerRun(2000, func() {
				v := l.take(r)
				v.answered(200, 5)
				v.over()
			}); n != 0 {
				t.Errorf("%v: %v allocations", format, n)
			}
			return nil
		}), func(c *client) { c.ask("GET", "/a?b", "User-Agent: c", "Referer: d") })
	}
}

// TestLinesForAPerson: columns that do not move, and colours by the class of the status.
func TestLinesForAPerson(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/missing":
			return http.StatusNotFound
		case "/failed":
			return errors.New("the disk is on fire")
		case "/moved":
			return w.Redirect(http.StatusFound, "/")
		case "/large":
			return w.Text(strings.Repeat("x", 123_456))
		case "/later":
			return http.Offload(w, func() (string, error) { return "later", nil }, (*http.Response).Text)
		}
		return w.Text("hello")
	}
	for _, row := range []struct{ name, path, want, colour string }{
		{"a page", "/a?b", "00:00:00 200     5 B    0 µs 10.0.0.1 GET /a?b\n", green},
		{"a large one", "/large", "00:00:00 200  123 kB    0 µs 10.0.0.1 GET /large\n", green},
		{"a redirect", "/moved", "00:00:00 302    10 B    0 µs 10.0.0.1 GET /moved\n", cyan},
		{"what is not there", "/missing", "00:00:00 404    14 B    0 µs 10.0.0.1 GET /missing\n", yellow},
		{"a failure", "/failed", "00:00:00 500    26 B    0 µs 10.0.0.1 GET /failed\n", red},
		{"bytes that would move the cursor are escaped", "/\x9b2J", "00:00:00 200     5 B    0 µs 10.0.0.1 GET /\\x9b2J\n", green},
	} {
		for _, format := range []LogFormat{Short, Coloured} {
			got := logged(t, &AccessLog{Format: format}, h, func(c *client) { c.ask("GET", row.path) })
			if has := strings.Contains(got, row.colour+row.want[9:12]+uncolor); has != (format == Coloured) {
				t.Errorf("%s: its colour is not right in %q", row.name, got)
			}
			if plain := strings.NewReplacer(dim, "", red, "", green, "", yellow, "", cyan, "", uncolor, "").Replace(got); plain != row.want {
				t.Errorf("%s: %q, and not %q", row.name, plain, row.want)
			}
		}
	}
}

func TestAHostHasAPort(t *testing.T) {
	for host, want := range map[string]string{
		"":                 ``,
		"a.example":        `,"server.address":"a.example"`,
		"a.example:8080":   `,"server.address":"a.example","server.port":8080`,
		"a.example:":       `,"server.address":"a.example"`,
		"a.example:080":    `,"server.address":"a.example"`,
		"a.example:1e3":    `,"server.address":"a.example"`,
		"a.example:808000": `,"server.address":"a.example"`,
		"[::1]":            `,"server.address":"[::1]"`,
		"[::1]:443":        `,"server.address":"[::1]","server.port":443`,
	} {
		if got := string(appendHost(nil, []byte(host))); got != want {
			t.Errorf("%q is %s, and not %s", host, got, want)
		}
	}
}

func TestSizesAndTimesHaveThreeDigits(t *testing.T) {
	for n, want := range map[int64]string{-1: "-", 0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_949: "9.9 kB", 9_951: "10 kB", 999_499: "999 kB", 999_501: "1.0 MB", 5e9: "5.0 GB", 5e15: "5000 TB"} {
		if got := string(appendSize(nil, n)); got != want {
			t.Errorf("%d bytes are %q, and not %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 µs", 310 * time.Microsecond: "310 µs", 1500 * time.Microsecond: "1.5 ms", 2 * time.Second: "2.0 s", time.Hour: "3600 s"} {
		if got := string(appendTook(nil, d)); got != want {
			t.Errorf("%v is %q, and not %q", d, got, want)
		}
	}
}

func TestLogFormats(t *testing.T) {
	for name, want := range map[string]LogFormat{"combined": Combined, "common": Common, "json": JSON, "short": Short} {
		if f, err := ParseLogFormat(name); err != nil || f != want || f.String() != name {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	for _, name := range []string{"xml", ""} {
		if _, err := ParseLogFormat(name); err == nil || !strings.Contains(err.Error(), "write combined") {
			t.Error(err)
		}
	}
}

func ExampleAccessLog() {
	log := &AccessLog{Out: os.Stdout, Format: Combined}
	server, err := http.NewServer(http.Config{Handler: log.Wrap(hello)})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := server.Listen("localhost:0"); err != nil {
		fmt.Println(err)
		return
	}
	server.Stop() // or nobody would
	fmt.Println(server.Run(), log.Close())
	// Output: <nil> <nil>
}
