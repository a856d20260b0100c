package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestLoopsThatFindTheSameLogItOnce has several loops find the same old compressed file.
func TestLoopsThatFindTheSameLogItOnce(t *testing.T) {
	var lines bytes.Buffer
	log := once(slog.New(slog.NewTextHandler(&lines, nil)))
	var loops sync.WaitGroup
	for range 8 {
		loops.Go(func() {
			for _, name := range []string{"a", "b"} {
				log.Warn("a file is old", "file", name)
			}
		})
	}
	loops.Wait()
	for _, name := range []string{"a", "b"} {
		if n := strings.Count(lines.String(), "file="+name); n != 1 {
			t.Errorf("%s is named %d times: %s", name, n, lines.String())
		}
	}
}

// TestAnOldCompressedFileIsNamedOnce has four loops serve it.
func TestAnOldCompressedFileIsNamedOnce(t *testing.T) {
	t.Parallel()
	site := folder(t, map[string][]byte{"a.css": some, "a.css.br": []byte("old")})
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(site, "a.css.br"), old, old); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--loops", "4", site)
	for range 40 { // as the kernel distributes them
		if got := p.visit("GET /a.css HTTP/1.1\r\nHost: a.localhost\r\nAccept-Encoding: br\r\n\r\n"); strings.Contains(got, "Content-Encoding: br") {
			t.Fatalf("it is sent: %.300s", got)
		}
	}
	p.waits("compressed=a.css.br", 1)
	p.signal(syscall.SIGTERM)
	p.ends(0)
	if n := strings.Count(p.said.String(), "compressed=a.css.br"); n != 1 {
		t.Errorf("it is named %d times: %s", n, p.said)
	}
}
