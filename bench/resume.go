package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/bench/report"
)

// A run is kept in a file after each scenario, so that --resume can finish one that was
// broken off: by Ctrl-C, by a machine that went down, by a full disk.

// kept returns the file. A look at a part leaves that of a whole run alone.
func (b *bench) kept() string {
	name := "run.json"
	if b.quick || b.only != "" {
		name = "part.json"
	}
	folder := b.options.out
	if folder == "" {
		folder = filepath.Join(b.shop.Bench(), "results", "partial")
	}
	return filepath.Join(folder, name)
}

// keep writes the scenarios so far.
func (b *bench) keep() error {
	b.report.Took = b.took + time.Since(b.began)
	text, err := json.Marshal(b.report)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.kept()), 0o755); err != nil {
		return err
	}
	part := b.kept() + ".part"
	if err := os.WriteFile(part, text, 0o644); err != nil {
		return err
	}
	return os.Rename(part, b.kept())
}

// forget removes the file of a run that is whole.
func (b *bench) forget() error {
	if err := os.Remove(b.kept()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// continueRun takes over the scenarios of a run that was broken off. Their rounds are
// comparable only with those of the same commit, measured alike.
func (b *bench) continueRun() error {
	old, err := report.Read(b.kept())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no run to resume: %s is missing", b.kept())
	}
	if err != nil {
		return fmt.Errorf("the run to resume: %s: %w", b.kept(), err)
	}
	for _, same := range []struct{ what, old, now string }{
		{"commit", old.Commit, b.report.Commit},
		{"command", old.Command, b.report.Command},
	} {
		if same.old != same.now {
			return fmt.Errorf("the run that was broken off is of the %s %q, and this is of %q: begin anew, without --resume", same.what, same.old, same.now)
		}
	}
	b.report.Date, b.report.Scenarios, b.took = old.Date, old.Scenarios, old.Took
	b.report.Method = append(b.report.Method, fmt.Sprintf("The run was broken off after %s, and resumed at %s.",
		plural(len(old.Scenarios), "scenario"), b.began.UTC().Format("15:04 UTC")))
	b.words.say("bench: resuming: %s of an older run", plural(len(old.Scenarios), "scenario"))
	return nil
}

// has reports whether a scenario was measured before the run was broken off.
func (b *bench) has(s *scenario) bool {
	return slices.ContainsFunc(b.report.Scenarios, func(o *report.Scenario) bool { return o.Name == s.name })
}
