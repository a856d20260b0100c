package main

import (
	"bytes"
	"io"
	"log/slog"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/inspect/timeline"
)

// asks asks for a path some times, each over a connection of its own.
func asks(t *testing.T, url string, times int) {
	t.Helper()
	for range times {
		client := nethttp.Client{Transport: &nethttp.Transport{DisableKeepAlives: true}}
		answer, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != 200 {
			t.Errorf("%s, %v", answer.Status, err)
		}
		answer.Body.Close()
	}
}

func TestTheWholeRunIsATimeline(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "run.json")
	p := start(t, "", "--trace", name, "--events", "10000", "--loops", "2")
	asks(t, p.url+"bench", 7)
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	f := checkedFile(t, name)
	if n := len(f.Slices("request")); n != 7 || f.Arrows != 7 {
		t.Errorf("%d requests and %d arrows", n, f.Arrows)
	}
	ends := map[any]int{}
	for _, c := range f.Slices("connection") {
		ends[c.Args["end"]]++
	}
	if ends["open"] > 0 || len(ends) == 0 {
		t.Errorf("connections end as %v", ends)
	}
	if said := p.said.String(); !strings.Contains(said, "the timeline of this run is written") || !strings.Contains(said, name) {
		t.Errorf("it says %q", said)
	}
}

// selfTraced is a server that writes into a folder, as the program does.
func selfTraced(t *testing.T, folder string) (s *site, server *http.Server, url string, stop func()) {
	t.Helper()
	var routes http.Router
	routes.Handle("GET /slow/{id}", func(w *http.Response, _ *http.Request) error {
		time.Sleep(200 * time.Millisecond)
		return w.Text("slow")
	})
	s = &site{inspector: inspect.New(inspect.Config{Routes: routes.Patterns()})}
	s.trace = newSelfTrace(selfTraceOptions{folder, timeline.DefaultEvents}, slog.New(slog.DiscardHandler))
	server, err := http.NewServer(http.Config{Handler: routes.Serve, Log: slog.New(slog.DiscardHandler), Loop: eventloop.Config{
		OnStall: func(*eventloop.Stall) { s.trace.stalled(0) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	at, err := server.Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s.inspector.Show(http.Servers{server})
	s.trace.start(http.Servers{server}, s.inspector.Hello())
	over := make(chan error)
	go func() { over <- server.Run() }()
	return s, server, "http://" + at[0].Addr().IP.String(), func() {
		server.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
		s.trace.finish()
	}
}

// TestAStallIsATimeline has a handler hold the loop, more often than there are files.
func TestAStallIsATimeline(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, _, url, stop := selfTraced(t, folder)
	asks(t, url+"/slow/7", 1)
	s.trace.stalls.Store(mostStallFiles - 1) // as if there were so many
	asks(t, url+"/slow/8", 2)
	stop()
	names, _ := filepath.Glob(filepath.Join(folder, "stall-*-loop0.json"))
	if len(names) != 2 {
		t.Fatalf("the files are %q", names)
	}
	longest := checkedFile(t, names[0]).Longest()
	if longest.Name != "GET /slow/{id}" || longest.For < 199e6 {
		t.Errorf("the longest slice is %s, %d ns", longest.Name, longest.For)
	}
}

// TestSIGQUITTellsTheStateAndEnds does so in the program.
func TestSIGQUITTellsTheStateAndEnds(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, "", "--trace", folder)
	c := p.dial()
	say(t, c, get[:20])
	asks(t, p.url+"bench", 3)
	p.signal(syscall.SIGQUIT)
	p.ends(2) // as Go itself does
	text := p.said.String()
	for _, want := range []string{
		"bobbin: SIGQUIT: the state of each loop (1)", "bobbin " + version, "\nloop 0: up ", " 3 requests answered,", "  conn 1: reading for ", ", deadline in ",
		"  the latest ", ": wrote ", "\ngoroutines\n", "\ngoroutine ", "eventloop.(*Loop).Run",
	} {
		if at := strings.Index(text, want); at < 0 {
			t.Errorf("it does not say %q in its place", want)
		} else {
			text = text[at:]
		}
	}
	names, _ := filepath.Glob(filepath.Join(folder, "quit-*.json"))
	if len(names) != 1 {
		t.Fatalf("the files are %q: %.500s", names, p.said)
	}
	if f := checkedFile(t, names[0]); len(f.Slices("request")) != 3 {
		t.Errorf("%d requests", len(f.Slices("request")))
	}
}

// TestSIGQUITEndsTheTimelineOfTheRun has it end by a dump.
func TestSIGQUITEndsTheTimelineOfTheRun(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "run.json.gz")
	p := start(t, "", "--trace", name)
	asks(t, p.url+"bench", 3)
	p.signal(syscall.SIGQUIT)
	p.ends(2) // as Go itself does
	if info, err := os.Stat(name); err != nil || info.Size() < 500 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestADumpOfALoopThatIsHeldHasItsStack holds a loop while its state is asked for.
func TestADumpOfALoopThatIsHeldHasItsStack(t *testing.T) {
	t.Parallel()
	s, server, _, stop := selfTraced(t, t.TempDir())
	held, release := make(chan bool), make(chan bool)
	server.Loop().Post(func() { holdTheLoop(held, release) })
	<-held
	var out bytes.Buffer
	s.dump(&out, http.Servers{server})
	close(release)
	stop()
	text := out.String()
	if !strings.Contains(text, "\nloop 0 does not answer: a callback holds it") || !strings.Contains(text, "bobbin.holdTheLoop(") || strings.Contains(text, "the latest") {
		t.Errorf("the dump is\n%.2000s", text)
	}
}

func holdTheLoop(held, release chan bool) {
	close(held)
	<-release
}

func TestATraceOfTheRunThatCannotBeSaysWhy(t *testing.T) {
	folder := t.TempDir()
	for _, row := range []struct {
		name string
		args []string
		env  string
		says string // "" if it can be
	}{
		{"a file", []string{"--trace", folder + "/a.json"}, "", ""},
		{"a folder", []string{"--trace", folder}, "", ""},
		{"a folder that is not there", []string{"--trace", folder + "/none/"}, "", "there is no such folder: make it first"},
		{"a file in a folder that is not there", []string{"--trace", folder + "/none/a.json"}, "", "there is no folder " + folder + "/none"},
		{"too few events", []string{"--trace", folder, "--events", "1"}, "", "--events 1: choose 1000 or more"},
		{"a line for each record", nil, "1", ""},
		{"a file by the environment", nil, folder + "/none/b.json", "--trace " + folder + "/none/b.json"},
	} {
		o, err := parse(row.args, func(name string) string { return map[string]string{"BOBBIN_TRACE": row.env}[name] })
		if (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil && row.env == "1" && o.selfTrace.name != "" {
			t.Errorf("%s: the file is %q", row.name, o.selfTrace.name)
		}
	}
}
