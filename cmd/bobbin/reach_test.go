package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAFolderHoldsWhatMayTakeAPlace has names with links on their way, and in folders that are
// too wide to be allowed as a whole.
func TestAFolderHoldsWhatMayTakeAPlace(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	in := func(names ...string) string {
		for i := range names {
			names[i] = filepath.Join(dir, names[i])
		}
		return strings.Join(names, " ")
	}
	for _, name := range []string{"a/b", "releases/1/site"} {
		if err := os.MkdirAll(in(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"current": "releases/1", "away": in("a/b"), "loop": "loop", "up": "releases/../a/b", "none": "missing"} {
		if err := os.Symlink(target, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", in("a"))
	for _, row := range []struct{ name, path, want string }{
		{"a folder is held by the one above it", in("releases/1"), in("releases")},
		{"a link is held by its own folder, and its target by that of the target", in("current"), in(".", "releases")},
		{"a link in the middle counts", in("current/site"), in(".", "releases/1")},
		{"so does a link that begins at the root", in("away"), in(".", "a/b")},
		{"a link may go up", in("up"), in(".", "a/b")},
		{"of a folder in the home folder, that one alone is held", in("a/b"), in("a/b")},
		{"a name that is not there is held like one that is", in("missing/x"), in("missing")},
		{"so is a link that leads nowhere", in("none"), in(".", ".")},
		{"of a file in /etc, that one alone is held", "/etc/passwd", "/etc/passwd"},
		{"of the root's folders, that one alone is held", "/no-such-folder", "/no-such-folder"},
		{"the root is held by itself", "/", "/"},
	} {
		if got := strings.Join(holding(row.path), " "); got != row.want {
			t.Errorf("%s: %s is held by %s, want %s", row.name, row.path, got, row.want)
		}
	}
	if got := holding(in("loop")); len(got) > linksMax {
		t.Errorf("a link to itself is held by %d folders", len(got))
	}
	if got, want := fmt.Sprint(tidy([]string{in("a/b"), in("releases"), in("away"), in("current"), "", in("a")})), fmt.Sprint(strings.Fields(in("a", "releases"))); got != want {
		t.Errorf("a list in order is %s, want %s", got, want)
	}
}

// TestASiteOfRootsIsNamed has a folder that the user of --user cannot read.
func TestASiteOfRootsIsNamed(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := open(t, t.TempDir())
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-p", "0", "--user", "54321", dir)
	cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM=1", "PORT=")
	out, _ := cmd.CombinedOutput()
	if want := "--user 54321: this user cannot read what is to be served: open " + dir + ": permission denied"; cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(string(out), want) {
		t.Errorf("it ends with %d and says %s", cmd.ProcessState.ExitCode(), out)
	}
}
