package main

import (
	"os"
	"path/filepath"
	"strings"
)

// private are the files that configure the server, and those that it writes: they are
// never served, if they lie in the folder.
func (o *options) private() (paths []string) {
	add := func(more ...string) {
		for _, path := range more {
			if path != "" {
				paths = append(paths, path)
			}
		}
	}
	if o.site.netlify {
		add(filepath.Join(o.path, "_headers"), filepath.Join(o.path, "_redirects"))
	}
	add(o.config, o.site.auth)
	add(o.https.certs...)
	add(o.https.keys...)
	if o.https.mode == "auto" {
		folder, _ := o.https.acme.cache() // a mistake in it is said later
		add(o.https.acme.ca, folder)
	}
	if _, file, toFile := strings.Cut(o.global.log, "="); toFile {
		add(file)
	}
	// What it says and logs may have been sent to a file.
	for _, f := range []*os.File{os.Stdout, os.Stderr} {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			add(f.Name())
		}
	}
	return paths
}
