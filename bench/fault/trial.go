package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/server"
)

// A lab is shared by the scenarios of one run.
type lab struct {
	short   bool
	scratch string
	bobbin  string // the program
	self    string // this program, for the embedded victim
	site    string // the folder that victims serve
}

func openLab(ctx context.Context, short bool) (l *lab, err error) {
	l = &lab{short: short}
	if l.scratch, err = os.MkdirTemp("", "fault-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	shop, err := server.NewWorkshop(l.scratch)
	if err != nil {
		return nil, err
	}
	if l.bobbin, err = shop.Program(ctx, "bobbin"); err != nil {
		return nil, err
	}
	l.site = filepath.Join(l.scratch, "site")
	return l, makeSite(l.site)
}

func (l *lab) close() { os.RemoveAll(l.scratch) }

// run runs one scenario.
func (l *lab) run(ctx context.Context, s scenario) *trial {
	t := &trial{lab: l, scenario: s, ctx: ctx, folder: filepath.Join(l.scratch, s.name), began: time.Now()}
	err := os.Mkdir(t.folder, 0o755)
	if err == nil {
		err = s.run(t)
	}
	for _, f := range t.later {
		f()
	}
	var skip skipped
	if errors.As(err, &skip) {
		t.skip = string(skip)
	} else if err != nil {
		t.fail("%v", err)
	}
	t.took = time.Since(t.began)
	return t
}

// A trial is one run of a scenario, with its findings.
type trial struct {
	*lab
	scenario scenario
	ctx      context.Context
	folder   string // of its own
	later    []func()

	began    time.Time
	took     time.Duration
	lines    []string // of the report
	failures []string
	skip     string
}

// A skipped error is why a scenario cannot run on this machine.
type skipped string

func (s skipped) Error() string { return "skipped: " + string(s) }

// log adds a line to the report.
func (t *trial) log(what, format string, args ...any) {
	t.lines = append(t.lines, fmt.Sprintf("   %-10s ", what)+fmt.Sprintf(format, args...))
}

// fail records a failure.
func (t *trial) fail(format string, args ...any) {
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}

// atEnd calls f at the end of the scenario.
func (t *trial) atEnd(f func()) { t.later = append([]func(){f}, t.later...) }

// pick chooses by the form of the run.
func pick[T any](t *trial, short, long T) T {
	if t.short {
		return short
	}
	return long
}

// wait lets time pass, and reports whether the run continues.
func (t *trial) wait(d time.Duration) bool {
	select {
	case <-t.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// until waits until ok, at most for d, and returns how long it took.
func (t *trial) until(d time.Duration, ok func() bool) (took time.Duration, met bool) {
	began := time.Now()
	for {
		if ok() {
			return time.Since(began), true
		}
		if took = time.Since(began); took > d || !t.wait(20*time.Millisecond) {
			return took, false
		}
	}
}

// verdict returns the result in a few words.
func (t *trial) verdict() string {
	switch {
	case t.skip != "":
		return "skipped: " + t.skip
	case len(t.failures) > 0:
		return "FAILED: " + strings.Join(t.failures, "; ")
	}
	return "ok"
}

// report returns the findings in full.
func (t *trial) report() string {
	lines := []string{fmt.Sprintf("== %s: %s (%.1f s)", t.scenario.name, t.scenario.about, t.took.Seconds())}
	lines = append(lines, t.lines...)
	for _, f := range t.failures {
		lines = append(lines, "   FAILED     "+f)
	}
	if t.skip != "" {
		lines = append(lines, "   skipped    "+t.skip)
	}
	return strings.Join(lines, "\n")
}
