package bobbin

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

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
	if _, err := openInotify(filepath.Join(root, "missing")); !os.IsNotExist(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
