package main

import (
	"os"
	"path/filepath"
	"strings"
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
	add(o.config, o.site.auth)
	add(o.https.certs...)
	add(o.https.keys...)
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
