package main

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bobbin-http/bobbin"

// moduleProxy writes this repository as version 0.9.0 into a folder that the go command
// takes for a proxy. Other modules come from the module cache, so no network is used.
func moduleProxy(t *testing.T) (proxy string) {
	t.Helper()
	builds(t)
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skip("skipped: the go command is not here")
	}
	dir := t.TempDir()
	versions := filepath.Join(dir, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list": "v0.9.0\n", "v0.9.0.info": `{"Version":"v0.9.0","Time":"2026-11-28T12:00:00Z"}`, "v0.9.0.mod": string(mod),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	zipped, err := os.Create(filepath.Join(versions, "v0.9.0.zip"))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(zipped)
	err = filepath.WalkDir(repository, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(repository, file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			if own := name != "." && err == nil; own || name == ".git" || name == "dist" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || name == ".git" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		to, err := w.Create(module + "@v0.9.0/" + filepath.ToSlash(name))
		if err != nil {
			return err
		}
		_, err = to.Write(text)
		return err
	})
	if err := errors.Join(err, w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return "file://" + dir + ",file://" + filepath.Join(strings.TrimSpace(string(cache)), "cache", "download")
}

// A stranger is a person with Go and an empty module cache.
type stranger struct {
	t   *testing.T
	dir string // a module of theirs
	bin string
	mod string // the module cache
	env []string
}

func newStranger(t *testing.T) *stranger {
	proxy := moduleProxy(t)
	s := &stranger{t: t, dir: t.TempDir(), bin: t.TempDir(), mod: t.TempDir()}
	s.env = append(os.Environ(), "GOPROXY="+proxy, "GOSUMDB=off", "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOPRIVATE=", "GONOPROXY=",
		"GOFLAGS=-modcacherw -pgo=off", "GOMODCACHE="+s.mod, "GOBIN="+s.bin)
	return s
}

// goes runs the go command and returns its output.
func (s *stranger) goes(args ...string) string {
	s.t.Helper()
	out, err := command(s.dir, s.env, "go", args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// fetched returns the sizes of the archives of modules that were fetched, by module.
func (s *stranger) fetched() map[string]int64 {
	s.t.Helper()
	sizes := make(map[string]int64)
	top := filepath.Join(s.mod, "cache", "download")
	err := filepath.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".zip" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, filepath.Dir(filepath.Dir(file)))
		sizes[filepath.ToSlash(name)] += info.Size()
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return sizes
}

func TestGoInstallsTheProgram(t *testing.T) {
	s := newStranger(t)
	s.goes("install", module+"/cmd/bobbin@latest")
	out, err := exec.Command(filepath.Join(s.bin, "bobbin"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "bobbin 0.9.0 (") {
		t.Errorf("the program says %q, %v", out, err)
	}
	var all int64
	for name, size := range s.fetched() {
		all += size
		t.Logf("%8.2f MB  %s", float64(size)/1e6, name)
	}
	t.Logf("%8.2f MB  in all", float64(all)/1e6)
}

// TestALibraryBringsOneModule has a program that imports http: it compiles with x/sys,
// and no other module is fetched.
func TestALibraryBringsOneModule(t *testing.T) {
	s := newStranger(t)
	const program = `package main

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
)

func main() {
	log.Fatal(http.ListenAndServe(":8080", func(w *http.Response, r *http.Request) error { return w.Text("hello\n") }))
}
`
	if err := os.WriteFile(filepath.Join(s.dir, "main.go"), []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	s.goes("mod", "init", "example.com/hello")
	s.goes("get", module+"/http@latest")
	s.goes("build", "-o", filepath.Join(s.bin, "hello"), ".")
	s.goes("mod", "download")
	want := []string{module, "golang.org/x/sys"}
	var fetched []string
	for name, size := range s.fetched() {
		fetched = append(fetched, name)
		t.Logf("%8.2f MB  %s", float64(size)/1e6, name)
	}
	slices.Sort(fetched)
	if !slices.Equal(fetched, want) {
		t.Errorf("it fetches %q, want %q", fetched, want)
	}
	used := strings.Fields(s.goes("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", module+"/http"))
	slices.Sort(used)
	if used = slices.Compact(used); !slices.Equal(used, want) {
		t.Errorf("its packages are of %q, want %q", used, want)
	}
}
