package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packed is a package of npm with one file, and its checksum.
func packed(t *testing.T, name, text string) (p []byte, integrity string) {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	if err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	files.Write([]byte(text))
	files.Close()
	zipped.Close()
	sum := sha512.Sum512(b.Bytes())
	return b.Bytes(), "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestAFetchedProgramIsCheckedBeforeItIsKept(t *testing.T) {
	whole, integrity := packed(t, "package/bin/bun", "a program")
	other, _ := packed(t, "package/bin/bun", "another program")
	elsewhere, checked := packed(t, "package/bun", "a program")
	tests := []struct {
		name, integrity string
		text            []byte
		err             string
	}{
		{"a package with the right checksum is unpacked", integrity, whole, ""},
		{"one that was changed is not", integrity, other, "has the checksum"},
		{"nor is half of one", integrity, whole[:len(whole)/2], "has the checksum"},
		{"one without the program is refused", checked, elsewhere, "has no file package/bin/bun"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := parcel{pkg: "@oven/bun@1.0.0", file: "package/bin/bun", integrity: test.integrity}
			folder := t.TempDir()
			err := p.unpack(test.text, folder)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v, want %q", err, test.err)
				}
				if _, err := os.Stat(p.place(folder)); err == nil {
					t.Error("a program was kept")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(p.place(folder)); err != nil || string(text) != "a program" {
				t.Errorf("%q, %v", text, err)
			}
			if info, err := os.Stat(p.place(folder)); err != nil || info.Mode().Perm()&0o100 == 0 {
				t.Errorf("it cannot be executed: %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestScriptsAreKeptWithAllTheirFiles(t *testing.T) {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	for name, text := range map[string]string{
		"package/index.js": "index", "package/lib/part.js": "part", "package/../../outside.js": "outside",
	} {
		if err := files.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		files.Write([]byte(text))
	}
	files.Close()
	zipped.Close()
	sum := sha512.Sum512(b.Bytes())
	p := parcel{pkg: "ws@1.0.0", file: "package/index.js", integrity: "sha512-" + base64.StdEncoding.EncodeToString(sum[:])}
	outer := t.TempDir()
	folder := filepath.Join(outer, "a", "b")
	if err := p.unpack(b.Bytes(), folder); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{p.place(folder): "index", filepath.Join(p.home(folder), "lib", "part.js"): "part"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	filepath.WalkDir(outer, func(path string, d os.DirEntry, err error) error {
		if d.Name() == "outside.js" {
			t.Errorf("a file is outside of the package's folder: %s", path)
		}
		return err
	})
	p.file = "package/main.js"
	if err := p.unpack(b.Bytes(), filepath.Join(outer, "c")); err == nil || !strings.Contains(err.Error(), "has no file package/main.js") {
		t.Errorf("without the script to load, the error is %v", err)
	}
}

func TestAFetchedProgramIsFoundAndAMissingOneIsNamed(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("PATH", "")
	w := &Workshop{programs: make(map[string]string), missing: make(map[string]error)}
	if _, err := w.find(t.Context(), "bun"); err == nil || err.Error() != "bun is not installed, and go run . --fetch has not fetched it" {
		t.Errorf("the error is %v", err)
	}
	if _, err := w.find(t.Context(), "h2o"); err == nil || err.Error() != "h2o is not installed" {
		t.Errorf("the error for a program that cannot be fetched is %v", err)
	}
	folder, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	place := parcels["bun"].place(folder)
	if err := install(strings.NewReader("a program"), place); err != nil {
		t.Fatal(err)
	}
	if path, err := w.find(t.Context(), "bun"); err != nil || path != place {
		t.Errorf("found is %q, %v, want %q", path, err, place)
	}
}

func TestAProgramThatCannotBeFetchedSaysWhy(t *testing.T) {
	t.Setenv("PATH", "")
	other := parcels["bun"]
	other.system = "plan9/mips"
	if err := other.fetch(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "is for plan9/mips, and this machine is ") {
		t.Errorf("on another system: %v", err)
	}
	other.system = here
	if err := other.fetch(t.Context(), t.TempDir()); err == nil || err.Error() != "npm is not installed, which fetches "+other.pkg {
		t.Errorf("without npm: %v", err)
	}
}
