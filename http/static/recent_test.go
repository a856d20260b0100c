package static

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestARecentlyModifiedFileIsAskedForEachTime changes a file twice within the
// granularity of its modification time: only its content shows the second change.
func TestARecentlyModifiedFileIsAskedForEachTime(t *testing.T) {
	for _, ahead := range []time.Duration{
		0,
		time.Second, // a worker was late, and the file was changed meanwhile
	} {
		changeTwice(t, ahead)
	}
}

func changeTwice(t *testing.T, ahead time.Duration) {
	root := tree(t, map[string]string{"a.txt": "old"})
	visit(t, open(t, root, Options{}), func(v *visitor) {
		at := filepath.Join(root, "a.txt")
		change := func(content string, when time.Time) {
			if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(at, when, when); err != nil {
				t.Fatal(err)
			}
		}
		now := v.k.Now().Add(ahead)
		change("first", now)
		first := v.ask("GET /a.txt")
		change("other", now)
		if got := v.ask("GET /a.txt"); got.body != "other" {
			t.Errorf("after %v: %v", first, got)
		}
		tag := first.header.Get("ETag")
		old := v.ask("GET /a.txt")
		for range 2 { // while it is recently modified, and later
			// A part of one must not be put behind a part of the other.
			for _, ifRange := range []string{tag, strings.TrimPrefix(tag, "W/")} {
				if got := v.ask("GET /a.txt", "Range: bytes=1-2", "If-Range: "+ifRange); got.status != 200 {
					t.Errorf("If-Range: %s: %v", ifRange, got)
				}
			}
			if got := v.ask("GET /a.txt", "If-None-Match: "+tag); got.status != 200 || got.body != "other" {
				t.Errorf("the tag of the first content: %v", got)
			}
			v.s.Sleep(2 * time.Second)
			old = v.ask("GET /a.txt")
		}
		if tag := old.header.Get("ETag"); strings.HasPrefix(tag, "W/") || tag == "" {
			t.Errorf("2 s later the tag is %s", tag)
		}
		if got := v.ask("GET /a.txt", "Range: bytes=1-2", "If-Range: "+old.header.Get("ETag")); got.status != 206 || got.body != "th" {
			t.Errorf("2 s later a part is %v", got)
		}
	})
}

// TestOpenFilesAreBounded asks for more large files than may be kept open.
func TestOpenFilesAreBounded(t *testing.T) {
	const most = 8
	files := map[string]string{}
	for i := range 5 * most {
		files[fmt.Sprint(i)] = "larger than what is kept in memory"
	}
	f := open(t, tree(t, files), Options{Small: 10, Memory: most * (openFileCost + 2*overhead)})
	visit(t, f, func(v *visitor) {
		for i := range 5 * most {
			if got := v.ask(fmt.Sprintf("GET /%d", i)); got.status != 200 {
				t.Errorf("file %d: %v", i, got)
			}
		}
	})
	if n := len(f.cache.byPath); n == 0 || n > most {
		t.Errorf("%d files are kept open, not %d at most", n, most)
	}
}

// TestAnAnswerIsOneVersion changes a file between a worker's look at it and the
// reading: the header is that of the version that was read.
func TestAnAnswerIsOneVersion(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "first"})
	at := filepath.Join(root, "a.txt")
	later := written.Add(time.Hour)
	changed := false
	f := open(t, root, Options{Fields: func(string) [][2]string {
		if !changed { // this is called before the file is read
			changed = true
			write(t, at, "other")
			if err := os.Chtimes(at, later, later); err != nil {
				t.Error(err)
			}
		}
		return nil
	}})
	visit(t, f, func(v *visitor) {
		first := v.ask("GET /a.txt")
		if first.body != "other" || first.header.Get("Last-Modified") != later.Format("Mon, 02 Jan 2006 15:04:05 GMT") {
			t.Errorf("the answer is %v", first)
		}
		v.s.Sleep(time.Minute)
		if got := v.ask("GET /a.txt", "If-None-Match: "+first.header.Get("ETag")); got.status != 304 {
			t.Errorf("what has not changed since is answered by %v", got)
		}
	})
}

// TestAPageWithInjectHasNoSiblings has a page with a compressed sibling, to which
// nothing can be appended.
func TestAPageWithInjectHasNoSiblings(t *testing.T) {
	root := tree(t, map[string]string{"a.html": "page", "a.html.gz": "compressed"})
	visit(t, open(t, root, Options{Inject: "<script>"}), func(v *visitor) {
		if got := v.ask("GET /a.html", "Accept-Encoding: gzip"); got.body != "page<script>" || got.header.Get("Content-Encoding") != "" {
			t.Errorf("the answer is %v", got)
		}
	})
}
