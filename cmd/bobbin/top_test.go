package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	nethttptest "net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// streamOf is the stream of a server, with so many frames.
func streamOf(frames int, end string) string {
	hello, err := json.Marshal(topHello(1))
	if err != nil {
		panic(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "event: hello\ndata: %s\n\n", hello)
	for n := range frames {
		fmt.Fprintf(&b, "event: frame\ndata: {\"n\":%d,\"t\":%d,\"w\":1000,\"skip\":0,\"gap\":0,\"v\":[\"healthy\",\"Healthy: \\u001b[2J3 %% busy\"],\"tr\":[],\"held\":[],"+
			"\"c\":[[0,0,0,%d,0,0,0,0,0,0,0,0,0,0,0,0,0,0]],\"g\":[[2,1,0,1,0,0,1500,0,0,0,0,0,0,0,0,0]],\"rows\":[],\"strip\":[],\"more\":0,\"rec\":[],\"lost\":0}\n\n", n, 100*n, 5*n)
	}
	return b.String() + end
}

// streamServer answers with each of some answers in turn, and then with the last one for
// ever. The stream of an answer without an end is left open.
func streamServer(t *testing.T, answers ...func(w nethttp.ResponseWriter, r *nethttp.Request)) string {
	var mu sync.Mutex
	s := nethttptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		mu.Lock()
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func streams(text string, open bool) func(w nethttp.ResponseWriter, r *nethttp.Request) {
	return func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, text)
		w.(nethttp.Flusher).Flush()
		if open {
			<-r.Context().Done()
		}
	}
}

// An enough is an output that takes no more when it has had a certain line.
type enough struct {
	bytes.Buffer
	is func(line string) bool
}

func (w *enough) Write(p []byte) (int, error) {
	w.Buffer.Write(p)
	if w.is(string(p)) {
		return 0, errEnough
	}
	return len(p), nil
}

var errEnough = errors.New("that is enough")

// TestTopWritesLinesWhereThereIsNoScreen has a stream that ends, an answer that is none, and
// a stream again.
func TestTopWritesLinesWhereThereIsNoScreen(t *testing.T) {
	t.Parallel()
	server := streamServer(t,
		streams(streamOf(3, "event: bye\ndata: The server stops.\n\n"), false),
		func(w nethttp.ResponseWriter, r *nethttp.Request) {
			nethttp.Error(w, "four watch already", nethttp.StatusServiceUnavailable)
		},
		streams(streamOf(3, ""), true))
	want := []string{"reconnecting: the server stops\n", "four watch already\n", "Healthy: ?[2J3 % busy; 2 connections: 1 idle, 1 handling; 50 requests/s; 1.5 kB owed\n"}
	out := &enough{is: func(line string) bool {
		if strings.HasSuffix(line, want[0]) {
			want = want[1:]
		}
		return len(want) == 0
	}}
	var complaint bytes.Buffer
	code := topCommand(&terminals{strings.NewReader(""), out, &complaint, false}, []string{server}, func(string) string { return "" })
	if code != exitFailed || complaint.String() != "bobbin: that is enough\n" || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%d, %q, %q", code, out, &complaint)
	}
}

// TestTheLineOfTheDocumentsIsWritten runs the command of docs/watching.md for a server that
// two clients are connected to, and compares all but the numbers.
func TestTheLineOfTheDocumentsIsWritten(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "    $ bobbin top :8080 | cat\n    ")
	line, _, _ := strings.Cut(after, "\n")
	if !found {
		t.Fatal("the command is not in the docs")
	}
	server := start(t, "")
	for range 2 {
		c, err := net.Dial("tcp", server.host())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	masked := func(s string) string { return regexp.MustCompile(`\d+(\.\d+)?`).ReplaceAllString(s, "N") }
	out := &enough{is: func(s string) bool { return masked(s) == masked(line)+"\n" }}
	topCommand(&terminals{strings.NewReader(""), out, io.Discard, false}, []string{server.host()}, func(string) string { return "" })
	t.Logf("%q", out)
}

// TestTopIsToldWhyItSeesNothing has servers that do not show their loops.
func TestTopIsToldWhyItSeesNothing(t *testing.T) {
	says := func(status int, kind, text string) string {
		return streamServer(t, func(w nethttp.ResponseWriter, r *nethttp.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			io.WriteString(w, text)
		})
	}
	tests := []struct {
		name string
		args []string
		want string
		code int
	}{
		{"this client may not look", []string{says(403, "text/plain", "the loops are shown to\x1b[2J this machine only")}, ": the loops are shown to?[2J this machine only\n", exitFailed},
		{"four watch already", []string{says(503, "text/plain", "four watch already")}, ": four watch already\n", exitFailed},
		{"the server shows nothing", []string{says(404, "text/plain", "not found")}, "does not show its loops: start it with --xray", exitFailed},
		{"the answer is a page", []string{says(200, "text/html", "<p>hello")}, "is this its address?", exitFailed},
		{"its schema is another one", []string{streamServer(t, streams("event: hello\ndata: {\"schema\":2}\n\n", false))}, "use the program of the server's version", exitFailed},
		{"nothing listens", []string{"127.0.0.1:1"}, "nothing listens at 127.0.0.1:1", exitFailed},
		{"there is no address", nil, "usage: bobbin top ADDR", exitUsage},
		{"there are two", []string{":1", ":2"}, "usage: bobbin top ADDR", exitUsage},
		{"a flag is none", []string{"--loud"}, "usage: bobbin top ADDR", exitUsage},
		{"the address is none", []string{"a b"}, "no address of a server", exitUsage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, complaint := try(append([]string{"top"}, test.args...), "", nil)
			if code != test.code || out != "" || !strings.HasPrefix(complaint, "bobbin: ") || !strings.Contains(complaint, test.want) || strings.Contains(complaint, "\x1b") {
				t.Errorf("%d, %q, %q", code, out, complaint)
			}
		})
	}
}

// fakeTop is a top with a screen that is written down.
func fakeTop(t *testing.T, keys io.Reader) (p *top, written *bytes.Buffer, restored *int) {
	server, err := targetOf(streamServer(t, streams(streamOf(30, ""), true)))
	if err != nil {
		t.Fatal(err)
	}
	written, restored = &bytes.Buffer{}, new(int)
	s := &screen{out: written, raw: func() (func(), error) { return func() { *restored++ }, nil }, size: func() (int, int) { return 80, 24 }}
	return &top{server: server, screen: s, keys: keys, do: make(chan func()), view: view{paint: paint{true, true}, address: "a", tab: -1}}, written, restored
}

type panicReader struct{}

func (panicReader) Read([]byte) (int, error) { panic("a bug") }

// TestAPanicGivesTheTerminalBack has a bug in what draws, and in what reads keys on a
// goroutine of its own.
func TestAPanicGivesTheTerminalBack(t *testing.T) {
	for _, test := range []struct {
		name string
		keys io.Reader
	}{{"while it draws", nil}, {"while it reads keys", panicReader{}}} {
		t.Run(test.name, func(t *testing.T) {
			keys, _ := io.Pipe()
			p, written, restored := fakeTop(t, keys)
			if test.keys != nil {
				p.keys = test.keys
			} else {
				p.screen.size = func() (int, int) { panic("a bug") }
			}
			func() {
				defer func() {
					if why := recover(); why != "a bug" {
						t.Errorf("%v", why)
					}
				}()
				_ = p.run()
			}()
			if *restored != 1 || !strings.HasSuffix(written.String(), endScreen) {
				t.Errorf("it was restored %d times, and the last is %q", *restored, written)
			}
		})
	}
}

// TestKeysOfTop has the bytes that terminals send.
func TestKeysOfTop(t *testing.T) {
	for _, test := range []struct {
		bytes string
		want  []key
	}{
		{"q", []key{keyQuit}}, {"\x03", []key{keyQuit}}, {" ", []key{keyPause}}, {"\t\t", []key{keyNext, keyNext}},
		{"\x1b[C", []key{keyNext}}, {"\x1b[D", []key{keyBefore}}, {"\x1b[Z", []key{keyBefore}}, {"\x0c", []key{keyRedraw}}, {"\x1a", []key{keySuspend}},
		{"\x1b[15~", nil}, {"\x1bq", nil}, {"xyz", nil}, {"", nil},
	} {
		if got := keysOf([]byte(test.bytes)); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%q: %v, not %v", test.bytes, got, test.want)
		}
	}
	p, _, _ := fakeTop(t, nil)
	p.greet(topHello(2))
	var tabs []int
	for _, k := range []key{keyNext, keyNext, keyNext, keyBefore, keyBefore} {
		p.press([]key{k})
		tabs = append(tabs, p.tab)
	}
	if fmt.Sprint(tabs) != "[0 1 -1 1 0]" {
		t.Errorf("the loops that are shown are %v", tabs)
	}
}

// TestAPasswordIsNotOnTheScreen has addresses as the title shows them.
func TestAPasswordIsNotOnTheScreen(t *testing.T) {
	for text, want := range map[string]string{":8080": ":8080", "http://ali:open@localhost:1": "http://ali:xxxxx@localhost:1"} {
		server, err := targetOf(text)
		if err != nil || server.shown() != want {
			t.Errorf("%q, %v: %v", text, server, err)
		}
	}
}

// TestASilentStreamIsGivenUp has a body whose server says nothing any more.
func TestASilentStreamIsGivenUp(t *testing.T) {
	r, w := io.Pipe()
	b := newLiveBody(r, func() { w.CloseWithError(errors.New("canceled")) }, time.Millisecond)
	if _, err := io.ReadAll(b); err == nil || err.Error() != "the server has been silent for 1ms" {
		t.Error(err)
	}
}
