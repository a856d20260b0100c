package server

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/bobbin-http/bobbin/bench/child"
)

// Rivals that no distribution has, fetched from npm at a fixed version.

// A parcel is a program in a package of npm, or a package of scripts for Node.
type parcel struct {
	pkg       string // name@version
	system    string // GOOS/GOARCH; "" for scripts, which run on each
	file      string // the program's path in the package, or that of the script to load
	integrity string // of the package, as npm writes it: sha512- and base64
}

// scripts reports whether all files of the package are needed.
func (p parcel) scripts() bool { return p.system == "" }

var parcels = map[string]parcel{
	"bun": {
		pkg: "@oven/bun-linux-x64@1.4.5", system: "linux/amd64", file: "package/bin/bun",
		integrity: "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
	},
	"node-ws": {
		pkg: "ws@8.23.0", file: "package/index.js",
		integrity: "sha512-wCkmX8QMOrKjgO8HW2WyDbTSGeqkocxgDzS9iR79rEAexty6/2qzilx3Ag8Tqf9ykop3irLKle0MtVn5qjVnoQ==",
	},
}

// here is this machine's system.
const here = runtime.GOOS + "/" + runtime.GOARCH

// tools returns the folder of the fetched programs. It outlives a run: Bun has 107 MB.
func tools() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "bobbin-bench"), err
}

// place is where a fetched program lies in a folder. Its name has the package's
// version, so that another version is fetched anew.
func (p parcel) place(folder string) string {
	return filepath.Join(p.home(folder), filepath.Base(p.file))
}

// home is the folder of a package.
func (p parcel) home(folder string) string { return filepath.Join(folder, filepath.Base(p.pkg)) }

// Fetch fetches the programs that can be fetched, and reports each to say. A program
// that is there is not fetched again. The error is the last one.
func Fetch(ctx context.Context, say func(format string, a ...any)) error {
	folder, err := tools()
	if err != nil {
		return err
	}
	for name, p := range parcels {
		if _, there := os.Stat(p.place(folder)); there == nil {
			say("%s: %s is there", name, p.place(folder))
			continue
		}
		if e := p.fetch(ctx, folder); e != nil {
			err = fmt.Errorf("%s: %w", name, e)
			continue
		}
		say("%s: fetched to %s", name, p.place(folder))
	}
	return err
}

func (p parcel) fetch(ctx context.Context, folder string) error {
	if !p.scripts() && p.system != here {
		return fmt.Errorf("%s is for %s, and this machine is %s; install the program, and bench finds it", p.pkg, p.system, here)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("npm is not installed, which fetches %s", p.pkg)
	}
	scratch, err := os.MkdirTemp("", "bobbin-bench-npm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	// Without scripts: a package of npm may run some on this machine.
	if _, err := child.Output(ctx, child.Command{
		Args: []string{npm, "pack", "--silent", "--ignore-scripts", p.pkg}, Dir: scratch, Core: child.AnyCore,
	}); err != nil {
		return err
	}
	all, err := filepath.Glob(filepath.Join(scratch, "*.tgz"))
	if err != nil || len(all) != 1 {
		return errors.Join(err, fmt.Errorf("npm pack %s made %d packages", p.pkg, len(all)))
	}
	text, err := os.ReadFile(all[0])
	if err != nil {
		return err
	}
	return p.unpack(text, folder)
}

// unpack checks the bytes of a package, and puts its program into place.
func (p parcel) unpack(text []byte, folder string) error {
	sum := sha512.Sum512(text)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != p.integrity {
		return fmt.Errorf("%s has the checksum %s, want %s: nothing of it was kept", p.pkg, got, p.integrity)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return err
	}
	files := tar.NewReader(unzipped)
	found := false
	for {
		h, err := files.Next()
		switch {
		case err == io.EOF && !found:
			return fmt.Errorf("%s has no file %s", p.pkg, p.file)
		case err == io.EOF:
			return os.Rename(p.home(folder)+".part", p.home(folder))
		case err != nil:
			return err
		case h.Name == p.file && !p.scripts():
			return install(files, p.place(folder))
		case !p.scripts() || h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name):
			continue
		}
		found = found || h.Name == p.file
		// The folder has its name once all files are there.
		name, err := filepath.Rel(filepath.Dir(p.file), h.Name)
		if err == nil {
			err = install(files, filepath.Join(p.home(folder)+".part", name))
		}
		if err != nil {
			return err
		}
	}
}

// install writes a program. It is complete once it has its name.
func install(program io.Reader, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part, err := os.OpenFile(path+".part", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(part, program)
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// fetched returns the path of a program that was fetched, or "".
func fetched(name string) string {
	p, known := parcels[name]
	folder, err := tools()
	if !known || err != nil {
		return ""
	}
	if info, err := os.Stat(p.place(folder)); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return p.place(folder)
}
