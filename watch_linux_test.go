package bobbin

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openInotify watches a folder; each of the functions may change the watch before.
func openInotify(path string, before ...func(*inotify)) (*inotify, error) {
	w, err := newInotify()
	if err != nil {
		return nil, err
	}
	for _, f := range before {
		f(w)
	}
	return w, w.open(path)
}

// TestAFolderThatCannotBeWatchedKeepsNoOtherFromIt has one that may not be read, too many
// for the system, and too many for one watch.
func TestAFolderThatCannotBeWatchedKeepsNoOtherFromIt(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "b/c", "d"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	calls := 0
	failing := func(err error, fails func(path string) bool) func(*inotify) {
		return func(w *inotify) {
			w.watch = func(fd int, path string, mask uint32) (int, error) {
				if calls++; fails(path) {
					return -1, err
				}
				return unix.InotifyAddWatch(fd, path, mask)
			}
		}
	}
	for _, row := range []struct {
		name    string
		before  func(*inotify)
		watched int
		missed  string
	}{
		{"all are watched", func(*inotify) {}, 5, ""},
		{"one may not be read", failing(unix.EACCES, func(path string) bool { return filepath.Base(path) == "b" }), 4, "b: permission denied"},
		{"the system allows three", failing(unix.ENOSPC, func(string) bool { return calls > 4 }), 3, "fs.inotify.max_user_watches"},
		{"there are more than one watch has", func(w *inotify) { w.most = 2 }, 2, "more than 2 folders"},
	} {
		calls = 0
		w, err := openInotify(root, row.before)
		if err != nil {
			t.Fatal(err)
		}
		missed := w.Missed()
		if n := len(w.paths); n != row.watched || (missed == nil) != (row.missed == "") || missed != nil && !strings.Contains(missed.Error(), row.missed) {
			t.Errorf("%s: %d are watched, and %v", row.name, n, missed)
		}
		if err := w.Missed(); err != nil {
			t.Errorf("%s: it is said again: %v", row.name, err)
		}
		if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := w.Changes(func(path string) { got = append(got, path) }); err != nil || !slices.Contains(got, filepath.Join(root, "file")) {
			t.Errorf("%s: %q, %v", row.name, got, err)
		}
		w.Close()
	}
	if _, err := openInotify(root, failing(unix.ENOSPC, func(string) bool { return true })); err == nil || !strings.Contains(err.Error(), "max_user_watches") {
		t.Errorf("none is allowed: %v", err)
	}
}

// TestManyFoldersAreWatched has more than the system's old limit.
func TestManyFoldersAreWatched(t *testing.T) {
	root := t.TempDir()
	for i := range 83 {
		for j := range 100 {
			if err := os.MkdirAll(filepath.Join(root, strconv.Itoa(i), strconv.Itoa(j)), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	w, err := openInotify(root)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if missed := w.Missed(); len(w.paths) != 8300+83+1 && (missed == nil || len(w.paths) == 0) {
		t.Errorf("%d are watched, and %v", len(w.paths), missed)
	}
}

func TestWhatChangesInAFolderIsTold(t *testing.T) {
	root := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(root, "sub", "deep"), 0o755))
	must(os.MkdirAll(filepath.Join(root, ".hidden"), 0o755))
	w, err := openInotify(root)
	must(err)
	defer w.Close()
	var written *os.File
	for _, row := range []struct {
		name string
		do   func() error
		want string
	}{
		{"a file that is written", func() error { return os.WriteFile(filepath.Join(root, "a"), []byte("a"), 0o644) }, "a"},
		{"a file below", func() error { return os.WriteFile(filepath.Join(root, "sub/deep/b"), nil, 0o644) }, "sub/deep/b"},
		{"a file in another's place", func() error {
			must(os.WriteFile(filepath.Join(root, ".new"), nil, 0o644))
			return os.Rename(filepath.Join(root, ".new"), filepath.Join(root, "a"))
		}, "a"},
		{"a file that goes", func() error { return os.Remove(filepath.Join(root, "a")) }, "a"},
		{"a new folder", func() error { return os.Mkdir(filepath.Join(root, "new"), 0o755) }, "new"},
		{"what is in it", func() error { return os.WriteFile(filepath.Join(root, "new/c"), nil, 0o644) }, "new/c"},
		{"a file that is written and stays open", func() error {
			var err error
			written, err = os.OpenFile(filepath.Join(root, "new/c"), os.O_WRONLY|os.O_APPEND, 0)
			must(err)
			_, err = written.WriteString("more")
			return err
		}, "new/c"},
		{"nothing of what is hidden", func() error { return os.WriteFile(filepath.Join(root, ".hidden/d"), nil, 0o644) }, ""},
		{"nothing of a hidden file", func() error { return os.WriteFile(filepath.Join(root, ".d"), nil, 0o644) }, ""},
		{"a folder that goes", func() error { return os.RemoveAll(filepath.Join(root, "sub")) }, "sub"},
	} {
		must(row.do())
		var got []string
		must(w.Changes(func(path string) { got = append(got, path) }))
		if row.want == "" && len(got) > 0 || row.want != "" && !slices.Contains(got, filepath.Join(root, row.want)) {
			t.Errorf("%s: %q", row.name, got)
		}
	}
	if n := len(w.paths); n != 2 {
		t.Errorf("%d folders are watched: %v", n, w.paths)
	}
	must(written.Close()) // else its folder would be there for as long
	must(os.RemoveAll(root))
	var got []string
	must(w.Changes(func(path string) { got = append(got, path) }))
	if !slices.Contains(got, "") || len(w.paths) != 0 {
		t.Errorf("when the folder itself goes it tells %q, and watches %v", got, w.paths)
	}
	if _, err := openInotify(filepath.Join(root, "missing")); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
