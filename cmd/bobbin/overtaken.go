package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Rules that are valid and have no effect: the operator is warned of them.

// An overtaker is the rule for a path, or for all below it, that applies before others.
type overtaker struct {
	to string
	at string // where the rule is written
}

// overtakers are the redirects so far, by FROM and whether they have precedence over files.
type overtakers struct {
	exact map[string]overtaker
	star  []string // keys of exact that end with a star; the first few

	warned int
}

// starMax is the most rules with a star that later ones are compared with.
const starMax = 100

// add notes a redirect, and returns a warning if one before it applies in its place, or "".
func (o *overtakers) add(words []string, at string) string {
	from, kind := strings.TrimSuffix(words[0], "/"), ""
	if len(words) > 2 && strings.HasSuffix(words[2], "!") {
		kind = "!"
	}
	key := kind + from
	first, ok := o.exact[key]
	for _, star := range o.star {
		if before := strings.TrimSuffix(star, "*"); !ok && strings.HasPrefix(key+"/", before) {
			first = o.exact[star]
			ok = strings.TrimSuffix(first.to, "/") != from // a rule does not apply to its own target
		}
	}
	if ok {
		return fmt.Sprintf("%s never applies to %s: %s goes before it", at, words[0], first.at)
	}
	if o.exact == nil {
		o.exact = make(map[string]overtaker)
	}
	o.exact[key] = overtaker{words[1], at}
	if strings.HasSuffix(from, "*") && !strings.Contains(from, "/:") && len(o.star) < starMax {
		o.star = append(o.star, key)
	}
	return ""
}

// noteRedirect adds a redirect, and warns of one that never applies.
func (f *fieldRules) noteRedirect(words []string, at string) {
	if text := f.before.add(words, at); text != "" && f.before.warned < skippedMax {
		f.before.warned++
		f.warnings = append(f.warnings, text)
	}
}

// warnOfFolders warns of rules whose pattern is a folder: its files have other paths.
func (f *fieldRules) warnOfFolders(root string) {
	for _, list := range [][]fieldRule{f.cache, f.header} {
		for i := range list {
			pattern := list[i].where.String()
			if !strings.HasPrefix(pattern, "/") || strings.HasSuffix(pattern, "/") || strings.ContainsAny(pattern, "*?") {
				continue
			}
			name := filepath.Join(root, filepath.FromSlash(pattern))
			info, err := os.Stat(name)
			if _, page := os.Stat(name + ".html"); err == nil && info.IsDir() && page != nil {
				f.warnings = append(f.warnings, fmt.Sprintf("the rule for %s sets %s for no file, because that is a folder: write %[1]s/** for the files in it", pattern, list[i].field[0]))
			}
		}
	}
}
