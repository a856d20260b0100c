package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestZsync updates a file of 60 MB of which some places have changed: zsync asks for
// those by up to 20 ranges in one request, and gives up if it gets the whole file.
func TestZsync(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it makes a file of 60 MB")
	}
	maker, err := exec.LookPath("zsyncmake")
	if err != nil {
		t.Skip("zsyncmake is not installed")
	}
	before := make([]byte, 60_000_000)
	rand.NewChaCha8([32]byte{}).Read(before)
	after := bytes.Clone(before)
	for i := range 40 {
		copy(after[i*1_500_000+i*777:], bytes.Repeat([]byte("changed "), 1000))
	}
	site, here := t.TempDir(), t.TempDir()
	for name, content := range map[string][]byte{filepath.Join(site, "a.iso"): after, filepath.Join(here, "a.iso"): before} {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command(maker, "-u", "a.iso", "-o", "a.iso.zsync", "a.iso")
	run.Dir = site
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("zsyncmake: %v\n%s", err, out)
	}
	p := start(t, "", site)
	got := filepath.Join(here, "got")
	out := tool(t, "zsync", "-i", filepath.Join(here, "a.iso"), "-o", got, p.url+"a.iso.zsync")
	if content, err := os.ReadFile(got); err != nil || !bytes.Equal(content, after) {
		t.Errorf("%d bytes, %v:\n%s", len(content), err, out)
	}
	fetched := regexp.MustCompile(`used \d+ local, fetched (\d+)`).FindStringSubmatch(out)
	if fetched == nil {
		t.Fatalf("it says:\n%s", out)
	}
	if n, err := strconv.Atoi(fetched[1]); err != nil || n > 2_000_000 {
		t.Errorf("it fetched %d bytes, %v", n, err)
	}
}
