package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/http/certs"
)

// private returns the files that configure the server and those that it writes. They
// are never served, even inside the folder.
func (o *options) private() (paths []string) {
	add := func(more ...string) {
		for _, path := range more {
			if path != "" {
				paths = append(paths, path)
			}
		}
	}
	if o.site.netlify {
		add(filepath.Join(o.path, "_headers"), filepath.Join(o.path, "_redirects"), filepath.Join(o.path, "netlify.toml"))
	}
	add(o.config, o.site.auth, o.https.clientCA, o.life.portFile)
	add(o.https.certs...)
	add(o.https.keys...)
	for _, key := range o.https.keys {
		add(filepath.Join(filepath.Dir(key), certs.CAKey)) // as bobbin cert leaves it there
	}
	if config, err := os.UserConfigDir(); err == nil && o.reaches(config) {
		add(filepath.Join(config, "bobbin")) // of bobbin cert, and of --tls auto
	}
	if o.https.mode == "auto" {
		folder, _ := o.https.acme.cache() // openSite reports its errors later
		add(o.https.acme.ca, folder)
	}
	if _, file, toFile := strings.Cut(o.global.log, "="); toFile {
		add(file)
	}
	// Standard output and error may be files.
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			add(f.Name())
		}
	}
	return paths
}

// reaches reports whether paths of the site may lead to a folder.
func (o *options) reaches(folder string) bool {
	from, err := filepath.Abs(o.path)
	if err != nil || o.site.symlinks == "all" {
		return true
	}
	real, err := filepath.EvalSymlinks(from)
	if err != nil {
		return true
	}
	for _, from := range []string{from, real} {
		if rel, err := filepath.Rel(from, folder); err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}
