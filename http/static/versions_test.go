package static

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// version is the content of a file, of which each byte tells which one it is.
func version(n int, large bool) []byte {
	size := 2000 + n%5000
	if large {
		size = 400_000 + n*7919%200_000
	}
	edge := fmt.Appendf(nil, "%010d", n)
	return append(append(edge, bytes.Repeat([]byte{'A' + byte(n%26)}, size)...), edge...)
}

// isVersion reports whether p is a version, or the beginning of one with nothing
// but zeros behind: the editor sets files to another size, which adds those.
func isVersion(p []byte, large bool) bool {
	p = bytes.TrimRight(p, "\x00")
	if len(p) < 10 {
		return len(bytes.Trim(p, "0123456789")) == 0
	}
	n, err := strconv.Atoi(string(p[:10]))
	return err == nil && bytes.HasPrefix(version(n, large), p)
}

// TestEveryAnswerIsOneVersion fetches files while they are replaced, rewritten
// in place, cut off and deleted.
func TestEveryAnswerIsOneVersion(t *testing.T) {
	root := tree(t, nil)
	names := []string{"small.txt", "other.txt", "large.bin"}
	path := func(name string) string { return filepath.Join(root, name) }
	isLarge := func(name string) bool { return name == "large.bin" }
	for _, name := range names {
		write(t, path(name), string(version(0, isLarge(name))))
	}
	at := "http://" + listen(t, open(t, root, Options{Copy: true}))

	var over atomic.Bool
	var editor, readers sync.WaitGroup
	editor.Go(func() {
		r := rand.New(rand.NewPCG(1, 1))
		for n := 1; !over.Load(); n++ {
			name := names[r.IntN(len(names))]
			switch p := version(n, isLarge(name)); r.IntN(6) {
			case 0, 1, 2:
				if os.WriteFile(path(name)+".new", p, 0o644) == nil {
					os.Rename(path(name)+".new", path(name))
				}
			case 3:
				os.WriteFile(path(name), p, 0o644)
			case 4:
				os.Truncate(path(name), int64(r.IntN(2000)))
			case 5:
				os.Remove(path(name))
			}
		}
	})
	var whole, missing, aborted atomic.Int64
	for i := range 4 {
		readers.Go(func() {
			transport := &nethttp.Transport{}
			defer transport.CloseIdleConnections()
			client := nethttp.Client{Transport: transport}
			for j := range 80 {
				name := names[(i+j)%len(names)]
				answer, err := client.Get(at + "/" + name)
				if err != nil {
					aborted.Add(1)
					continue
				}
				p, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				switch {
				case err != nil:
					aborted.Add(1)
				case answer.StatusCode == 404, answer.StatusCode == 503:
					missing.Add(1)
				case answer.StatusCode != 200 || !isVersion(p, isLarge(name)):
					t.Errorf("%s: %d, and %d bytes that are no version: %.20q to %.20q", name, answer.StatusCode, len(p), p, p[max(0, len(p)-20):])
				default:
					whole.Add(1)
				}
			}
		})
	}
	readers.Wait()
	over.Store(true)
	editor.Wait()
	if whole.Load() < 50 {
		t.Errorf("only %d answers were whole, %d missing, %d aborted", whole.Load(), missing.Load(), aborted.Load())
	}
	t.Logf("%d whole, %d missing, %d aborted", whole.Load(), missing.Load(), aborted.Load())
}
