package main

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// The Debian package: an ar archive of a version, a compressed archive with what dpkg
// must know, and one with the files.

// installedTo maps files of an archive to their places on a Debian system.
var installedTo = map[string]string{
	"bobbin":                  "usr/bin/bobbin",
	"README.md":               "usr/share/doc/bobbin/README.md",
	"completions/bobbin.bash": "usr/share/bash-completion/completions/bobbin",
	"completions/_bobbin":     "usr/share/zsh/vendor-completions/_bobbin",
	"completions/bobbin.fish": "usr/share/fish/vendor_completions.d/bobbin.fish",
}

// zippedTo maps the files that are compressed there.
var zippedTo = map[string]string{
	"man/bobbin.1":             "usr/share/man/man1/bobbin.1.gz",
	"CHANGELOG.md":             "usr/share/doc/bobbin/CHANGELOG.md.gz",
	"THIRD_PARTY_LICENSES.txt": "usr/share/doc/bobbin/THIRD_PARTY_LICENSES.txt.gz",
}

// deb returns the name and the bytes of the package.
func (r *release) deb(t target, archive []entry) (string, []byte, error) {
	version := debVersion(r.version)
	files, conffiles, err := r.debFiles(archive)
	if err != nil {
		return "", nil, err
	}
	size := 0
	var sums strings.Builder
	slices.SortFunc(files, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for _, e := range files {
		size += (len(e.data) + 1023) / 1024
		if !slices.Contains(conffiles, "/"+e.name) {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(e.data), e.name)
		}
	}
	control := []entry{
		{"control", 0o644, fmt.Appendf(nil, controlText, version, t.machine, size)},
		{"md5sums", 0o644, []byte(sums.String())},
		{"postinst", 0o755, []byte(postinst)},
		{"prerm", 0o755, []byte(prerm)},
		{"postrm", 0o755, []byte(postrm)},
	}
	if len(conffiles) > 0 {
		control = append(control, entry{"conffiles", 0o644, []byte(strings.Join(conffiles, "\n") + "\n")})
	}
	controlTar, err := tarGz(r.when, ".", control)
	if err != nil {
		return "", nil, err
	}
	dataTar, err := tarGz(r.when, ".", files)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("bobbin_%s_%s.deb", version, t.machine), ar(r.when, []entry{
		{"debian-binary", 0o644, []byte("2.0\n")},
		{"control.tar.gz", 0o644, controlTar},
		{"data.tar.gz", 0o644, dataTar},
	}), nil
}

// debVersion returns a version as Debian orders it: a pre-release is before its release.
func debVersion(version string) string { return strings.Replace(version, "-", "~", 1) }

// debFiles returns the files of the package, and which of them are configuration.
func (r *release) debFiles(archive []entry) (files []entry, conffiles []string, err error) {
	add := func(to string, mode int64, data []byte) {
		files = append(files, entry{to, mode, data})
	}
	for _, e := range archive {
		base := path.Base(e.name)
		switch {
		case zippedTo[e.name] != "":
			zipped, err := gzipped(e.data)
			if err != nil {
				return nil, nil, err
			}
			add(zippedTo[e.name], 0o644, zipped)
		case path.Dir(e.name) == "deploy/systemd" && (path.Ext(base) == ".service" || path.Ext(base) == ".socket"):
			add("usr/lib/systemd/system/"+base, 0o644, e.data)
		case path.Dir(e.name) == "deploy/systemd" && path.Ext(base) == ".toml":
			add("etc/bobbin/"+base, 0o644, e.data)
			conffiles = append(conffiles, "/etc/bobbin/"+base)
		case strings.HasPrefix(e.name, "deploy/"):
			add("usr/share/doc/bobbin/examples/"+strings.TrimPrefix(e.name, "deploy/"), e.mode, e.data)
		case installedTo[e.name] != "":
			add(installedTo[e.name], e.mode, e.data)
		}
	}
	changes, err := gzipped(fmt.Appendf(nil, debChangelog, debVersion(r.version), r.when.Format(time.RFC1123Z)))
	if err != nil {
		return nil, nil, err
	}
	add("usr/share/doc/bobbin/changelog.gz", 0o644, changes)
	add("usr/share/doc/bobbin/copyright", 0o644, []byte(copyrightText))
	add("usr/share/lintian/overrides/bobbin", 0o644, []byte(lintianOverrides))
	return files, conffiles, nil
}

// gzipped compresses a page as Debian wants it: at the highest level, without name and time.
func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

// ar returns an archive in the form of deb(5): a header of 60 bytes before each member,
// and each member at an even place.
func ar(when time.Time, members []entry) []byte {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, m := range members {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, when.Unix(), 0, 0, 0o100000|m.mode, len(m.data))
		b.Write(m.data)
		if len(m.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
