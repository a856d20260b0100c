package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

// trace runs "bobbin trace".
func trace(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"trace"}, args...), strings.NewReader(""), &stdout, &stderr, func(string) string { return "" }, false)
	return code, stdout.String(), stderr.String()
}

// visit asks a server while the test goes on, until it is over.
func visit(t *testing.T, p *program, clients int) {
	visitAt(t, p.url+"bench", clients)
}

func visitAt(t *testing.T, url string, clients int) {
	over := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := nethttp.Client{Transport: &nethttp.Transport{}}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-over:
					return
				default:
				}
				if answer, err := client.Get(url); err == nil {
					io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
			}
		})
	}
	t.Cleanup(func() {
		close(over)
		all.Wait()
	})
}

// checked reads a timeline as a viewer does.
func checked(t *testing.T, r io.Reader) *check.File {
	t.Helper()
	f, err := check.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func checkedFile(t *testing.T, name string) *check.File {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return checked(t, file)
}

// TestATimelineOfARealServer has wrk ask a server with two loops, where it is installed, or a
// few clients.
func TestATimelineOfARealServer(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--loops", "2")
	clients := 64
	if _, err := exec.LookPath("wrk"); err == nil {
		load := exec.Command("wrk", "-t1", fmt.Sprint("-c", clients), "-d3s", p.url+"bench")
		if err := load.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			load.Process.Kill()
			load.Wait()
		})
	} else {
		clients = 8
		visit(t, p, clients)
	}
	name := filepath.Join(t.TempDir(), "trace.json")
	code, _, said := trace(t, strings.TrimSuffix(p.url, "/"), "-s", "1", "--events", "30000", "-o", name)
	if code != exitOK {
		t.Fatal(said)
	}
	f := checkedFile(t, name)
	if len(f.Events) > 30_000 || len(f.Slices("turn")) == 0 || len(f.Slices("request")) == 0 || f.Arrows == 0 {
		t.Errorf("%d events, %d turns, %d requests, %d arrows", len(f.Events), len(f.Slices("turn")), len(f.Slices("request")), f.Arrows)
	}
	loops := map[int]bool{}
	for _, turn := range f.Slices("turn") {
		loops[turn.Tid] = true
	}
	if len(loops) != 2 {
		t.Errorf("there are turns of %d loops", len(loops))
	}
	for _, want := range []string{name + ": ", " requests on ", "https://ui.perfetto.dev"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
	// A slow machine has fewer events than the file may have.
	if n := len(f.Slices("connection")); strings.Contains(said, "one connection in ") != (n < clients) {
		t.Errorf("there are %d connections of %d, and it says %s", n, clients, said)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

// inspected runs a server in this process that shows its loop, and returns its address.
func inspected(t *testing.T) (url string) {
	t.Helper()
	var site http.Router
	site.Handle("GET /fast", func(w *http.Response, _ *http.Request) error { return w.Text("fast") })
	site.Handle("GET /slow/{id}", func(w *http.Response, _ *http.Request) error {
		time.Sleep(200 * time.Millisecond)
		return w.Text("slow")
	})
	i := inspect.New(inspect.Config{Routes: site.Patterns()})
	show := i.Handler(0)
	s, err := http.NewServer(http.Config{Log: slog.New(slog.DiscardHandler), Handler: func(w *http.Response, r *http.Request) error {
		if err := show(w, r); err != http.StatusNotFound {
			return err
		}
		return site.Serve(w, r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	i.Show(http.Servers{s})
	at, err := s.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()
	t.Cleanup(func() {
		s.Stop()
		s.Stop()
		<-over
	})
	return "http://" + at[0].Addr().IP.String()
}

// TestTheHandlerThatSleepsIsTheLongestSlice plants one of 200 ms among others. On a machine
// that had no time for this process another slice may be longer, so it tries more than once.
func TestTheHandlerThatSleepsIsTheLongestSlice(t *testing.T) {
	t.Parallel()
	url := inspected(t)
	visitAt(t, url+"/fast", 2)
	wrong := ""
	for try := 0; try < 5 && (try == 0 || wrong != ""); try++ {
		asked := make(chan error, 1)
		time.AfterFunc(300*time.Millisecond, func() {
			answer, err := nethttp.Get(url + "/slow/7")
			if err == nil {
				answer.Body.Close()
			}
			asked <- err
		})
		code, out, said := trace(t, url, "-s", "1", "-o", "-")
		if code != exitOK {
			t.Fatal(said)
		}
		if err := <-asked; err != nil {
			t.Error(err)
		}
		wrong = ""
		longest := checked(t, strings.NewReader(out)).Longest()
		if longest == nil || longest.Name != "GET /slow/{id}" || longest.Cat != "handler" || longest.For < 199e6 || longest.Arg("status") != 200 {
			wrong = fmt.Sprintf("the longest slice is %+v", longest)
		}
	}
	if wrong != "" {
		t.Error(wrong)
	}
}

// TestCtrlCEndsARecordingAndWritesTheFile interrupts one of a minute.
func TestCtrlCEndsARecordingAndWritesTheFile(t *testing.T) {
	url := inspected(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "trace.json.gz")
	recorder := exec.Command(self, "trace", url, "--seconds", "60", "-o", name)
	recorder.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM=1")
	said := &transcript{}
	recorder.Stderr = said
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	defer recorder.Process.Kill()
	for !strings.Contains(said.String(), "recording") && t.Context().Err() == nil {
		<-time.After(10 * time.Millisecond)
	}
	recorder.Process.Signal(syscall.SIGINT)
	if err := recorder.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if f := checked(t, r); len(f.Events) == 0 || !strings.Contains(said.String(), name) {
		t.Errorf("%d events: %s", len(f.Events), said)
	}
}

// TestTheTimelineOfTheDocumentsIsMade runs the command of docs/watching.md, and compares what
// it says.
func TestTheTimelineOfTheDocumentsIsMade(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^    \$ bobbin (trace .*)\n((?:    .*\n)+)`).FindSubmatch(page)
	if shown == nil {
		t.Fatal("the page shows no command")
	}
	url := inspected(t)
	visitAt(t, url+"/fast", 1)
	dir := t.TempDir()
	args := strings.Fields(string(shown[1]))[1:]
	for i, arg := range args {
		args[i] = strings.NewReplacer(":8080", url, "trace.json", filepath.Join(dir, "trace.json"), "--seconds", "--seconds").Replace(arg)
	}
	if i := slices.Index(args, "5"); i < 0 {
		t.Error("it does not record for 5 s")
	} else {
		args[i] = "1" // which is soon enough for a test
	}
	code, _, said := trace(t, args...)
	checkedFile(t, filepath.Join(dir, "trace.json"))
	masked := func(text string) string {
		text = strings.NewReplacer(dir+"/", "", url, ":8080", " for 1 s", " for 5 s").Replace(text)
		text = regexp.MustCompile(`(?m)^There was more .*\n`).ReplaceAllString(text, "") // which a slow machine does not say
		return regexp.MustCompile(`[0-9][0-9.]*( ?(s|ms|KB|MB|bytes)\b)?`).ReplaceAllString(strings.ReplaceAll(text, ":8080", ":PORT"), "N")
	}
	want := regexp.MustCompile(`(?m)^    `).ReplaceAllString(string(shown[2]), "")
	if code != exitOK || masked(said) != masked(want) {
		t.Errorf("code %d, it says\n%s\nand the page says\n%s", code, masked(said), masked(want))
	}
}

// TestATraceOverHTTPSAndOverAUnixSocket has a certificate of its own, and the operator's
// address as a socket.
func TestATraceOverHTTPSAndOverAUnixSocket(t *testing.T) {
	t.Parallel()
	made, _ := pair(t, t.TempDir())
	socket := filepath.Join(t.TempDir(), "admin")
	p := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, "--admin", "unix:"+socket, folder(t, map[string][]byte{"index.html": []byte("hello")}))
	q := start(t, "", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key)
	for _, at := range []string{"unix:" + socket, strings.TrimSuffix(q.url, "/"), q.tlsHost()} {
		code, out, said := trace(t, at, "-s", "0", "-o", "-")
		if code != exitOK {
			t.Errorf("%s: %s", at, said)
			continue
		}
		checked(t, strings.NewReader(out))
	}
	if code, _, said := trace(t, strings.TrimSuffix(p.url, "/"), "-s", "0", "-o", "-"); code != exitFailed || !strings.Contains(said, "does not show its loops") {
		t.Errorf("a folder: code %d, %s", code, said)
	}
}

func TestAnAddressIsReadAsPeopleTypeIt(t *testing.T) {
	for _, row := range []struct{ typed, asked string }{
		{":8080", "http://localhost:8080"},
		{"3000", "http://localhost:3000"},
		{"localhost", "http://localhost:8080"},
		{"localhost:80", "http://localhost:80"},
		{"127.0.0.1:81", "http://127.0.0.1:81"},
		{"0.0.0.0:81", "http://localhost:81"},
		{"[::]:81", "http://localhost:81"},
		{"[::1]:81", "http://[::1]:81"},
		{"[::1]", "http://[::1]:8080"},
		{"example.org:http", "http://example.org:80"},
		{"http://localhost:8080/", "http://localhost:8080"},
		{"https://localhost:8443/-/xray", "https://localhost:8443"},
		{"http://me:secret@localhost:8080", "http://me:secret@localhost:8080"},
		{"unix:/run/bobbin", "http://localhost"},
		{"unix:", ""}, {"ftp://localhost", ""}, {":x", ""}, {"", ""}, {"a b:80", ""}, {"localhost:0", ""}, {"localhost:70000", ""}, {"http://", ""},
	} {
		got, err := targetOf(row.typed)
		switch {
		case row.asked == "" && err == nil:
			t.Errorf("%q is asked at %s", row.typed, got.base.String())
		case row.asked != "" && err != nil:
			t.Errorf("%q: %v", row.typed, err)
		case err == nil && got.base.String() != row.asked:
			t.Errorf("%q is asked at %s, not at %s", row.typed, got.base.String(), row.asked)
		}
	}
}

// TestATraceThatCannotBeSaysWhy asks what does not listen, is no bobbin, or refuses.
func TestATraceThatCannotBeSaysWhy(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	answering := func(h nethttp.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	banner := listening(t, "SSH-2.0-a\r\n")
	folder := t.TempDir()
	bobbin := start(t, "", "--public", "--host", "a").url
	for _, row := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no address", nil, exitUsage, "usage: bobbin trace ADDR"},
		{"two addresses", []string{":1", ":2"}, exitUsage, "usage: bobbin trace ADDR"},
		{"an address that is none", []string{"a b"}, exitUsage, "is no address of a server: write :8080"},
		{"too long", []string{":1", "-s", "61"}, exitUsage, "choose from 1 to 60"},
		{"seconds that are none", []string{":1", "-s", "5s"}, exitUsage, `--seconds: "5s" is not a whole number`},
		{"too few events", []string{":1", "--events", "10"}, exitUsage, "--events 10: choose 1000 or more"},
		{"a flag that is nearly one", []string{":1", "--second", "1"}, exitUsage, "did you mean --seconds?"},
		{"a flag that is none", []string{":1", "--xyzzy"}, exitUsage, "see bobbin trace --help"},
		{"a long flag with one dash", []string{":1", "-seconds", "1"}, exitUsage, "write --seconds"},
		{"a folder that is not there", []string{":1", "-o", "/no/such/trace.json"}, exitFailed, "/no/such/trace.json cannot be written: no such file or directory\n"},
		{"a folder in place of a file", []string{":1", "-o", folder}, exitFailed, "is a folder: name a file in it"},
		{"nothing listens", []string{closed.Addr().String()}, exitFailed, "nothing listens at 127.0.0.1:"},
		{"a socket that is not there", []string{"unix:" + folder + "/none"}, exitFailed, "there is no such socket"},
		{"another server", []string{answering(nethttp.NotFound)}, exitFailed, "does not show its loops: start it with --xray, or with --admin"},
		{"a server that has a page everywhere", []string{answering(func(w nethttp.ResponseWriter, _ *nethttp.Request) { io.WriteString(w, "<!doctype html>\n") })}, exitFailed, "these are no records of bobbin: the first line does not say so\n"},
		{"a server that leads elsewhere", []string{answering(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			nethttp.Redirect(w, r, "/login", nethttp.StatusFound)
		})}, exitFailed, "answers 302 Found"},
		{"a server that wants a password", []string{answering(func(w nethttp.ResponseWriter, r *nethttp.Request) { w.WriteHeader(401) })}, exitFailed, "wants a password"},
		{"a server that says why not", []string{answering(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			nethttp.Error(w, "2 recordings are under way", nethttp.StatusServiceUnavailable)
		})}, exitFailed, ": 2 recordings are under way"},
		{"another protocol", []string{banner}, exitFailed, "does not answer as a server of HTTP does"},
		{"HTTPS where there is none", []string{strings.Replace(answering(nethttp.NotFound), "http:", "https:", 1)}, exitFailed, "does not speak HTTPS: write http://"},
		{"a site for the public", []string{bobbin}, exitFailed, "does not show its loops"},
	} {
		if len(row.args) > 0 && !strings.Contains(strings.Join(row.args, " "), "-o") {
			row.args = append(row.args, "-o", filepath.Join(folder, "trace.json"))
		}
		code, _, said := trace(t, row.args...)
		if code != row.code || !strings.Contains(said, row.says) {
			t.Errorf("%s: code %d, not %d: %s", row.name, code, row.code, said)
		}
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// listening is the address of a server that says something at once.
func listening(t *testing.T, says string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, says)
			c.Close()
		}
	}()
	return ln.Addr().String()
}
