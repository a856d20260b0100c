package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// serving is a kind of server that this test binary is.
func serving(name string, role server.Role, text string) *server.Kind {
	return &server.Kind{
		Name: name, Role: role, About: "a test's", Version: []string{"go", "version"},
		Command: func(_ *server.Workshop, j server.Job) ([]string, error) {
			self, err := os.Executable()
			return []string{self, "serve", strconv.Itoa(j.Port), text}, err
		},
	}
}

func needWrk(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("wrk is not installed")
	}
}

func TestARunFromEndToEnd(t *testing.T) {
	needWrk(t)
	var out, words strings.Builder
	folder := t.TempDir()
	b := &bench{
		ctx:     t.Context(),
		options: options{quick: true, only: "hello-64,idle-memory", rounds: 1, seconds: 1, out: folder},
		stdout:  &out,
		words:   newProgress(&words),
		kinds: []*server.Kind{
			serving("floor", server.Floor, server.Hello),
			serving("bobbin", server.Ours, server.Hello),
			serving("other", server.Rival, "Hello, world!"),
			serving("mortal", server.Rival, "mortal"),
			{Name: "absent", Role: server.Rival, Program: "no-such-server"},
		},
	}
	if err := b.all(t.TempDir(), nil); err != nil {
		t.Fatalf("%v\n%s%s", err, &words, &out)
	}
	text, err := os.ReadFile(filepath.Join(folder, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Scenarios) != 2 || !r.Partial || r.Commit == "" || len(r.Machine) < 5 {
		t.Errorf("the report has %d scenarios, of commit %q on %v", len(r.Scenarios), r.Commit, r.Machine)
	}
	if len(r.Skipped) != 2 || r.Skipped[0].Says != "no-such-server is not installed" {
		t.Errorf("left out is %v", r.Skipped)
	}

	s := r.Scenarios[0]
	left := make(map[string]string)
	for _, l := range s.Left {
		left[l.Name] = l.Says
	}
	if want := "its answer differs from the others': the answer differs from byte 7 on"; left["other"] != want {
		t.Errorf("a server with another answer is left out because %q, want %q", left["other"], want)
	}
	if !strings.Contains(left["mortal"], "in round 1: it died: exit status 3: ") {
		t.Errorf("a server that dies is left out because %q", left["mortal"])
	}
	if len(s.Servers) != 2 {
		t.Fatalf("%d servers were measured, want 2\n%s", len(s.Servers), &out)
	}
	for _, v := range s.Servers {
		sum := v.Summary[s.Cost]
		if sum.Value <= 0 || sum.Floor <= 0 || v.Summary[report.Rate].Value <= 0 || v.Summary[report.P99].Value <= 0 || v.Summary[report.Resident].Value <= 0 {
			t.Errorf("%s: %+v", v.Name, v.Summary)
		}
	}
	if sum := s.Server("floor").Summary[s.Cost]; sum.Floor != 1 {
		t.Errorf("the floor is %v times as expensive as itself", sum.Floor)
	}
	if held := r.Scenarios[1].Server("bobbin").Summary[report.Held].Value; held < 100 || held > 1<<20 {
		t.Errorf("an idle connection of net/http takes %v bytes", held)
	}
	for _, want := range []string{"hello-64: 13 bytes of text", "× best rival", "no-such-server is not installed", "written to "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("what is printed does not have %q:\n%s", want, &out)
		}
	}
	for _, name := range []string{"README.md", "hello-64.svg", "overview.svg"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestARunThatIsInterruptedEndsAtOnceAndKeepsWhatItHas(t *testing.T) {
	needWrk(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	folder := t.TempDir()
	b := &bench{
		ctx:     ctx,
		options: options{only: "idle-memory,connections-1,connections-10", rounds: 1000, seconds: 1, out: folder},
		stdout:  io.Discard,
		words:   newProgress(io.Discard),
		kinds:   []*server.Kind{serving("bobbin", server.Ours, server.Hello)},
	}
	b.stdout = writerFunc(func(p []byte) { // the first scenario is through
		if strings.Contains(string(p), "idle-memory") {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
	})
	ended := make(chan error)
	go func() { ended <- b.all(t.TempDir(), nil) }()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
	if _, err := os.Stat(filepath.Join(folder, "idle-memory.svg")); err != nil {
		t.Error(err)
	}
}

func TestARunThatWasBrokenOffIsFinished(t *testing.T) {
	needWrk(t)
	folder := t.TempDir()
	run := func(ctx context.Context, resume bool, only string, stdout io.Writer) (*bench, error) {
		b := &bench{
			ctx:     ctx,
			options: options{quick: true, only: only, rounds: 1, seconds: 1, out: folder, resume: resume},
			stdout:  stdout,
			words:   newProgress(io.Discard),
			kinds:   []*server.Kind{serving("bobbin", server.Ours, server.Hello)},
		}
		return b, b.all(t.TempDir(), []string{"--only", only})
	}
	if _, err := run(t.Context(), true, "hello-64,close", io.Discard); err == nil || !strings.Contains(err.Error(), "there is no run to resume") {
		t.Errorf("without a run before, the error is %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	breaks := writerFunc(func(p []byte) {
		if strings.Contains(string(p), "hello-64") { // the first scenario is through
			time.AfterFunc(100*time.Millisecond, cancel)
		}
	})
	if _, err := run(ctx, false, "hello-64,close", breaks); !errors.Is(err, context.Canceled) {
		t.Fatalf("the run was not broken off: %v", err)
	}
	if _, err := run(t.Context(), true, "hello-64,idle-memory", io.Discard); err == nil || !strings.Contains(err.Error(), "begin anew, without --resume") {
		t.Errorf("with other scenarios, the error is %v", err)
	}
	before, err := report.Read(filepath.Join(folder, "part.json"))
	if err != nil || len(before.Scenarios) != 1 {
		t.Fatalf("the scenario that was through is not kept: %v", err)
	}

	var printed strings.Builder
	b, err := run(t.Context(), true, "hello-64,close", &printed)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.report.Scenarios) != 2 || b.report.Scenarios[1].Name != "close" || !b.report.Date.Equal(before.Date) || b.report.Took <= before.Took {
		t.Errorf("the whole has %d scenarios, took %v after %v", len(b.report.Scenarios), b.report.Took, before.Took)
	}
	got := b.report.Scenarios[0].Server("bobbin").Summary[report.CPU]
	if want := before.Scenarios[0].Server("bobbin").Summary[report.CPU]; got != want || strings.Contains(printed.String(), "hello-64: 13 bytes") {
		t.Errorf("the first scenario was measured again: %v, before %v", got, want)
	}
	if !strings.Contains(strings.Join(b.report.Method, " "), "broken off after 1 scenario, and resumed") {
		t.Errorf("the report does not say that it was resumed: %q", b.report.Method)
	}
	if _, err := os.Stat(filepath.Join(folder, "part.json")); err == nil {
		t.Error("the run that is whole is kept to be resumed")
	}
}

func TestALookAtAPartLeavesAWholeRunToBeResumed(t *testing.T) {
	whole, quick, part := &bench{}, &bench{}, &bench{}
	quick.quick, part.only = true, "hello-64"
	for _, b := range []*bench{whole, quick, part} {
		b.out = "folder"
	}
	if whole.kept() == quick.kept() || whole.kept() == part.kept() {
		t.Errorf("a part is kept in %s, as a whole run is", whole.kept())
	}
	if a, b := command([]string{"--seconds", "3"}), command([]string{"--seconds", "3", "-resume=true"}); a != b {
		t.Errorf("the command that resumes %q is %q", a, b)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
