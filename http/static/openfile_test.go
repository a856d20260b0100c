package static

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAFileIsComparedWhileItIsSent overwrites a file in place: its size stays the same.
// It is sent in several parts, the last of which is 1 MiB.
func TestAFileIsComparedWhileItIsSent(t *testing.T) {
	const size, soon = 3 << 20, 10 * time.Millisecond
	for _, row := range []struct {
		name string
		copy bool
		at   int           // so many bytes have come when it is overwritten
		most time.Duration // until the connection is reset
	}{
		{"a range that the kernel sends is compared ten times a second", false, 100_000, compareEvery + soon},
		{"a part to its end is compared each time", false, size - 500_000, soon},
		{"copied bytes are compared each time", true, 100_000, soon},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := tree(t, map[string]string{"a.txt": letters(size)})
			k := sim.New(1)
			k.Buffer = 8 << 10
			visitOn(t, k, open(t, root, Options{Copy: row.copy}), func(v *visitor) {
				w := v.dial("GET /a.txt")
				var got []byte
				var err error
				var since time.Time
				for err == nil && !w.Broken() {
					before := len(got) < row.at
					got, err = v.s.Receive(w, got, 4096)
					if before && len(got) >= row.at {
						since = k.Now()
						if err := add(filepath.Join(root, "a.txt"), 0, strings.Repeat("#", size)); err != nil {
							t.Error(err)
						}
					}
					v.s.Sleep(time.Millisecond)
				}
				if took := k.Now().Sub(since); !w.Broken() || took > row.most {
					t.Errorf("the connection is reset after %v, %v", took, err)
				}
				if row.copy && strings.Contains(string(got), "#") {
					t.Error("some of the other version was sent")
				}
			})
		})
	}
}

func TestAnOpenFileIsIntact(t *testing.T) {
	const size = 20_000
	for _, row := range []struct {
		name          string
		change        func(path string) error
		intact, still bool // still the version that a new answer may promise
	}{
		{"while nothing happens to it", func(string) error { return nil }, true, true},
		{"when it is removed: its descriptor is open", os.Remove, true, true},
		{"when something is put behind it", func(path string) error { return add(path, size, "more") }, true, false},
		{"when nothing but its time changes", func(path string) error {
			now := time.Now()
			return os.Chtimes(path, now, now)
		}, true, false},
		{"when it is cut off it is not", func(path string) error { return os.Truncate(path, size-1) }, false, false},
		{"nor when it is overwritten", func(path string) error { return add(path, 100, "more") }, false, false},
		{"nor when its beginning is, and it grows", func(path string) error {
			if err := add(path, 0, "more"); err != nil {
				return err
			}
			return add(path, size, "more")
		}, false, false},
		{"nor when its end is, and it grows", func(path string) error { return add(path, size-1, "more") }, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(tree(t, map[string]string{"a.txt": letters(size)}), "a.txt")
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			info, err := file.Stat()
			if err != nil {
				t.Fatal(err)
			}
			v := content{info: info, stat: info, file: file}
			v.first, v.tail = sampleOf(file, size)
			f := newOpenFile(&v, "/a.txt")
			defer f.Release()
			if err := row.change(path); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if f.Intact() != row.intact || f.current() != row.still {
					t.Errorf("intact %v, current %v", f.Intact(), f.current())
				}
			}
		})
	}
}

// add writes into a file from an offset on.
func add(path string, at int64, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(text), at)
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return err
}

// TestADownloadGoesOn has something happen to a file while it is sent that leaves the
// bytes of the version that is sent.
func TestADownloadGoesOn(t *testing.T) {
	const size = 3 << 20
	for _, row := range []struct {
		name   string
		set    bool // its time alone
		change func(path string) error
	}{
		{"when it is touched", true, func(path string) error { return os.Chtimes(path, written, written.Add(time.Hour)) }},
		{"when it is set back to an older time", true, func(path string) error { return os.Chtimes(path, written, written.Add(-time.Hour)) }},
		{"when its rights change", false, func(path string) error { return os.Chmod(path, 0o600) }},
		{"when it is renamed", false, func(path string) error { return os.Rename(path, path+".old") }},
		{"when another file takes its place", false, func(path string) error {
			if err := os.WriteFile(path+".new", []byte("new"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
		{"when it grows, as a log", false, func(path string) error { return add(path, size, "more") }},
		{"when it grows and is touched", false, func(path string) error {
			if err := add(path, size, "more"); err != nil {
				return err
			}
			return os.Chtimes(path, written, written)
		}},
	} {
		for i, old := range []time.Time{written, time.Unix(1, 0), written, time.Unix(1, 0)} {
			t.Run(row.name, func(t *testing.T) {
				o := Options{Copy: i >= 2}
				if o.Copy && row.set {
					return // a changed time is enough
				}
				root := tree(t, map[string]string{"a.txt": letters(size)})
				at := filepath.Join(root, "a.txt")
				setTime(t, at, old)
				k := sim.New(1)
				k.Buffer = 8 << 10
				visitOn(t, k, open(t, root, o), func(v *visitor) {
					w := v.dial("GET /a.txt")
					var got []byte
					var err error
					for changed := false; err == nil; {
						got, err = v.s.Receive(w, got, 4096)
						if !changed && len(got) >= 100_000 {
							changed = true
							if err := row.change(at); err != nil {
								t.Error(err)
							}
						}
						v.s.Sleep(time.Millisecond)
					}
					if err != io.EOF || w.Broken() {
						t.Errorf("after %d bytes: %v", len(got), err)
					}
					if a := parse(t, "GET /a.txt", got); a.body != letters(size) {
						t.Errorf("%d bytes came", len(a.body))
					}
				})
			})
		}
	}
}
