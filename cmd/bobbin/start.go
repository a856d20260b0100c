package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The first page of a site: the index of the folder, or the page of --spa.

// warnOfNoFolder warns of flags about files where the default site is served.
func (o *options) warnOfNoFolder() {
	if !o.isDefault() {
		return
	}
	var list []string
	for _, name := range []string{"reload", "netlify", "spa", "clean-urls", "index", "listing", "archive", "readme", "upload", "dotfiles", "symlinks", "type", "cache", "header", "redirect", "cors", "security"} {
		if from := o.origin[name]; from.rank == byCommandLine && o.flags.Lookup(name).Value.String() != "false" {
			list = append(list, "--"+name)
		}
	}
	if len(list) > 0 {
		o.warn("no effect on the default site: %s; name a folder behind the flags, such as . for this one", strings.Join(list, ", "))
	}
}

// checkFallback refuses a file of --spa that is not in the folder.
func (s *siteOptions) checkFallback(folder string) error {
	if s.fallback == "" {
		return nil
	}
	info, err := os.Stat(folder)
	if err != nil {
		return explainPath(folder, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("--spa needs a folder, and %s is a file: serve its folder", folder)
	}
	name := filepath.FromSlash(strings.TrimPrefix(s.fallback, "/"))
	if !filepath.IsLocal(name) {
		return fmt.Errorf("--spa: %s is not in %s: name a file there", s.fallback, folder)
	}
	file, err := os.Stat(filepath.Join(folder, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--spa: there is no %s in %s: name the page that is served in place of missing ones, as --spa=FILE", s.fallback, folder)
	case err != nil:
		return fmt.Errorf("--spa: %w", err)
	case !file.Mode().IsRegular():
		return fmt.Errorf("--spa: %s in %s is not a file", s.fallback, folder)
	}
	return nil
}

// withoutStart returns a warning if the folder has no page for /, or "".
func (s *siteOptions) withoutStart(folder string, listing, redirects bool) string {
	if listing || redirects || s.fallback != "" {
		return ""
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return ""
	}
	for _, name := range s.index {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			return ""
		}
	}
	return fmt.Sprintf("%s has no %s, so / is 404: name the page with --index, or list the folder with --listing on", folder, strings.Join(s.index, " and no "))
}
