package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// aTime is that of all releases in the tests.
var aTime = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// repository is the folder of this module.
const repository = "../.."

// tested are the targets that the tests build: a program that runs here, and, where this
// is Linux, its package.
func tested() []target { return []target{host} }

// made is a release of this work tree, which is built once for all tests.
var made = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bobbin-release-test-")
	if err != nil {
		return "", err
	}
	cleanups = append(cleanups, dir)
	r := &release{root: repository, out: filepath.Join(dir, "dist"), version: "0.9.0-rc.1", when: aTime, say: io.Discard, quick: true}
	return r.out, r.make(tested())
})

var cleanups []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range cleanups {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// builds skips a test that builds programs, unless it was asked for.
func builds(t *testing.T) {
	t.Helper()
	if os.Getenv("BOBBIN_RELEASE") == "" {
		t.Skip("skipped: to build a release takes minutes; BOBBIN_RELEASE=1 has it built, as .ci/run does")
	}
}

// dist returns the folder of the release.
func dist(t *testing.T) string {
	t.Helper()
	builds(t)
	if !slices.Contains(targets, host) {
		t.Skipf("skipped: there is no release for %s", host)
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: the go command is not here")
	}
	dir, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sumsIn returns the checksums of all files in a folder.
func sumsIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	sums := make(map[string]string)
	for _, d := range list {
		content, err := os.ReadFile(filepath.Join(dir, d.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sums[d.Name()] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return sums
}

// copyRepository copies the files of the work tree to another place, without git's.
func copyRepository(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "another place")
	err := os.CopyFS(dir, os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTwoRunsWriteTheSameBytes has the second in another folder, without git, and with
// variables that change a build.
func TestTwoRunsWriteTheSameBytes(t *testing.T) {
	first := sumsIn(t, dist(t))
	for name, value := range map[string]string{"GOAMD64": "v2", "GOFLAGS": "-tags=other", "TZ": "Asia/Tokyo", "LC_ALL": "C", "CGO_ENABLED": "1"} {
		t.Setenv(name, value)
	}
	r := &release{root: copyRepository(t), out: t.TempDir(), version: "0.9.0-rc.1", when: aTime, say: io.Discard, quick: true}
	if err := r.make(tested()); err != nil {
		t.Fatal(err)
	}
	if second := sumsIn(t, r.out); !maps.Equal(first, second) {
		t.Errorf("the first run has\n%v\nand the second\n%v", first, second)
	}
}

func TestTheSumsAreThoseOfAllFiles(t *testing.T) {
	dir := dist(t)
	text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	is := sumsIn(t, dir)
	delete(is, "SHA256SUMS")
	said := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			t.Errorf("no line of sha256sum: %q", line)
		}
		said[name] = sum
	}
	if !maps.Equal(is, said) || len(is) < 2 {
		t.Errorf("it has %v, and there is %v", said, is)
	}
}

// A member is a file of a tar archive.
type member struct {
	*tar.Header
	content []byte
}

// members reads a compressed archive.
func members(t *testing.T, content []byte) map[string]member {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if !unzipped.ModTime.IsZero() || unzipped.Name != "" {
		t.Errorf("gzip's header has the time %s and the name %q", unzipped.ModTime, unzipped.Name)
	}
	list := make(map[string]member)
	for archive := tar.NewReader(unzipped); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		list[h.Name] = member{h, text}
	}
}

// archive returns the members of the archive for this machine, and the name of its folder.
func archive(t *testing.T) (map[string]member, string) {
	t.Helper()
	folder := "bobbin_0.9.0-rc.1_" + host.system + "_" + host.machine
	content, err := os.ReadFile(filepath.Join(dist(t), folder+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return members(t, content), folder + "/"
}

func TestTheArchiveHasWhatAPersonInstalls(t *testing.T) {
	list, folder := archive(t)
	for name, mode := range map[string]int64{
		"": 0o755, "bobbin": 0o755, "LICENSE": 0o644, "README.md": 0o644, "CHANGELOG.md": 0o644, "THIRD_PARTY_LICENSES.txt": 0o644,
		"man/bobbin.1": 0o644, "completions/bobbin.bash": 0o644, "completions/_bobbin": 0o644, "completions/bobbin.fish": 0o644,
		"deploy/container/Dockerfile": 0o644,
	} {
		if m, ok := list[folder+name]; !ok || m.Mode != mode {
			t.Errorf("%s: it is there: %v, with mode %o", name, ok, m.Mode)
		}
	}
	for name, m := range list {
		if m.Uid != 0 || m.Gid != 0 || m.Uname != "root" || m.Gname != "root" || !m.ModTime.Equal(aTime) {
			t.Errorf("%s is of %d:%d at %s", name, m.Uid, m.Gid, m.ModTime)
		}
		if !strings.HasPrefix(name, folder) || strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata") {
			t.Errorf("%s is in the archive", name)
		}
	}
	if page := string(list[folder+"man/bobbin.1"].content); !strings.Contains(page, ".Nm bobbin") {
		t.Errorf("the manual begins with %.50q", page)
	}
	notices := string(list[folder+"THIRD_PARTY_LICENSES.txt"].content)
	for _, name := range []string{"The Go Programming Language, LICENSE", "golang.org/x/sys v", "github.com/klauspost/compress v", "github.com/pelletier/go-toml/v2 v"} {
		if !strings.Contains(notices, "\n"+name) {
			t.Errorf("there is no licence of %s", name)
		}
	}
}

// unpacked writes the program of the archive into a folder.
func unpacked(t *testing.T) string {
	t.Helper()
	list, folder := archive(t)
	file := filepath.Join(t.TempDir(), "bobbin")
	if err := os.WriteFile(file, list[folder+"bobbin"].content, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheProgramKnowsItsVersion(t *testing.T) {
	out, err := exec.Command(unpacked(t), "version").CombinedOutput()
	if want := fmt.Sprintf("bobbin 0.9.0-rc.1 (%s, %s)\n", host, runtime.Version()); err != nil || string(out) != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
}

func TestTheProgramNeedsNoLibraryAndNamesNoPlace(t *testing.T) {
	file := unpacked(t)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(content, []byte(here)) {
		t.Errorf("the program has the name of the folder %s in it", here)
	}
	if host.system != "linux" {
		t.Skipf("skipped: only Linux's programs are read for libraries, and this is %s", host.system)
	}
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a part of the kind %s, for a dynamic linker", p.Type)
		}
	}
}

// TestAllTargetsAreReproducible builds everything twice as a release is built, the second
// time with an empty build cache.
func TestAllTargetsAreReproducible(t *testing.T) {
	if os.Getenv("BOBBIN_RELEASE") != "all" {
		t.Skip("skipped: BOBBIN_RELEASE=all has it build ten targets twice, which takes a quarter of an hour")
	}
	first := &release{root: repository, out: t.TempDir(), version: "0.9.0", when: aTime, say: os.Stderr}
	if err := first.make(targets); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", t.TempDir())
	second := &release{root: copyRepository(t), out: t.TempDir(), version: "0.9.0", when: aTime, say: os.Stderr}
	if err := second.make(targets); err != nil {
		t.Fatal(err)
	}
	a, b := sumsIn(t, first.out), sumsIn(t, second.out)
	if !maps.Equal(a, b) || len(a) != 10+10+2+1+1 {
		t.Errorf("the first run has\n%v\nand the second\n%v", a, b)
	}
}
