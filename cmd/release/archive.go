package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// An entry is a file of an archive, by its path with slashes.
type entry struct {
	name string
	mode int64
	data []byte
}

// tarGz returns a compressed archive of files in a folder. Order, owners and times do not
// depend on the machine: sorted, root, and one time for all.
func tarGz(when time.Time, folder string, entries []entry) ([]byte, error) {
	var b bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&b, gzip.BestCompression) // its header has no time
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(zipped)
	made := map[string]bool{".": true}
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for i, e := range sorted {
		if i > 0 && sorted[i-1].name == e.name {
			return nil, fmt.Errorf("the archive has %s twice", e.name)
		}
		name := folder + "/" + e.name
		if err := makeFolders(w, when, path.Dir(name), made); err != nil {
			return nil, err
		}
		if err := w.WriteHeader(header(when, tar.TypeReg, name, e.mode, int64(len(e.data)))); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// makeFolders adds the folders of a file that are not there, from the top.
func makeFolders(w *tar.Writer, when time.Time, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if parent := path.Dir(dir); parent != dir {
		if err := makeFolders(w, when, parent, made); err != nil {
			return err
		}
	}
	made[dir] = true
	return w.WriteHeader(header(when, tar.TypeDir, dir+"/", 0o755, 0))
}

// header describes a member, as one of root's.
func header(when time.Time, kind byte, name string, mode, size int64) *tar.Header {
	return &tar.Header{
		Typeflag: kind, Name: name, Mode: mode, Size: size, ModTime: when,
		Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
	}
}
