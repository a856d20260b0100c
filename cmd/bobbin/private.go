package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/http/certs"
)

// private returns the files that configure the server and those that it writes. They
// are never served, even inside the folder. All are the settings of everything that is served.
func (o *options) private(all []*options) (paths []string) {
	add := func(more ...string) {
		for _, path := range more {
			if path != "" {
				paths = append(paths, path)
			}
		}
	}
	for _, other := range all {
		if other.site.netlify && other.path != "" {
			for _, name := range netlifyFiles {
				add(filepath.Join(other.path, name))
			}
		}
		add(other.site.auth)
		if other.path != "" && other.isGuarded() && !o.isIn(other.path) {
			add(other.path) // is for whom its own settings let in; links and the folder of a deployment may lead there
		}
	}
	add(o.config, o.https.clientCA, o.life.portFile)
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

// netlifyFiles are the files that --netlify reads, and one that it does not.
var netlifyFiles = []string{"_redirects", "_headers", "netlify.toml"}

// isGuarded reports whether these files are for some clients only.
func (o *options) isGuarded() bool {
	return o.site.auth != "" || len(o.closed.allow)+len(o.closed.deny) > 0
}

// isIn reports whether these files are all in a folder, or are that folder or file itself.
func (o *options) isIn(folder string) bool {
	own, err := filepath.EvalSymlinks(o.path)
	if err != nil {
		return false // there is nothing to serve
	}
	folder, err = filepath.EvalSymlinks(folder)
	if err != nil {
		return false
	}
	own, _ = filepath.Abs(own)
	folder, _ = filepath.Abs(folder)
	rel, err := filepath.Rel(folder, own)
	return err == nil && filepath.IsLocal(rel)
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
