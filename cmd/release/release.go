package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A release is being made.
type release struct {
	root    string    // of the repository
	out     string    // the folder for the files
	version string    // without its v
	when    time.Time // of all files
	say     io.Writer // gets a line for each file
	quick   bool      // without the profile for optimisation, for tests

	common []entry           // what is in each archive
	sums   map[string]string // of the files that are written, by name
}

// make writes all files of a release for these targets.
func (r *release) make(list []target) error {
	if err := emptyFolder(r.out); err != nil {
		return err
	}
	builds, err := os.MkdirTemp("", "bobbin-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(builds)
	r.sums = make(map[string]string)

	// The pages that the program prints are the same on all systems.
	printer, err := r.build(host, builds)
	if err != nil {
		return err
	}
	if r.common, err = r.commonFiles(printer); err != nil {
		return err
	}
	for _, t := range list {
		if err := r.makeTarget(t, builds); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	if err := r.makeFormula(list); err != nil {
		return err
	}
	return r.writeSums()
}

// makeTarget writes the archive and the SBOM of a target, and on Linux its package.
func (r *release) makeTarget(t target, builds string) error {
	program, err := r.build(t, builds)
	if err != nil {
		return err
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	notices, err := r.notices(program)
	if err != nil {
		return err
	}
	entries := slices.Concat(r.common, []entry{
		{name: "bobbin", mode: 0o755, data: binary},
		{name: "THIRD_PARTY_LICENSES.txt", mode: 0o644, data: notices},
	})
	archive, err := tarGz(r.when, r.archiveName(t), entries)
	if err != nil {
		return err
	}
	if err := r.write(r.archiveName(t)+".tar.gz", archive); err != nil {
		return err
	}
	bill, err := r.sbom(t, program, binary)
	if err != nil {
		return err
	}
	if err := r.write(r.archiveName(t)+".cdx.json", bill); err != nil {
		return err
	}
	if t.system != "linux" {
		return nil
	}
	name, deb, err := r.deb(t, entries)
	if err != nil {
		return err
	}
	return r.write(name, deb)
}

// archiveName is the name of a target's archive without its end, and of the folder in it.
func (r *release) archiveName(t target) string {
	return fmt.Sprintf("bobbin_%s_%s_%s", r.version, t.system, t.machine)
}

// write writes one file of the release.
func (r *release) write(name string, content []byte) error {
	r.sums[name] = fmt.Sprintf("%x", sha256.Sum256(content))
	fmt.Fprintf(r.say, "%s  %s, %d bytes\n", r.sums[name][:12], name, len(content))
	return os.WriteFile(filepath.Join(r.out, name), content, 0o644)
}

// writeSums writes SHA256SUMS, which sha256sum -c reads.
func (r *release) writeSums() error {
	var b strings.Builder
	var names []string
	for name := range r.sums {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s  %s\n", r.sums[name], name)
	}
	return r.write("SHA256SUMS", []byte(b.String()))
}

// emptyFolder makes a folder, and refuses one with files: those of another release would
// be published with this one.
func emptyFolder(dir string) error {
	switch list, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o755)
	case err != nil:
		return err
	case len(list) > 0:
		return fmt.Errorf("--out %s: the folder has files: remove them, or name another", dir)
	}
	return nil
}
