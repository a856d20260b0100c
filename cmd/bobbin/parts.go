package main

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// A [[site]] table in the configuration file is a part of what is served: a folder or a file of
// its own, for some names, below a path, or both. What the table does not say is as the settings
// above it are. partserve.go finds the part of a request.

// A part is one of these tables.
type part struct {
	place string   // FILE:LINE:COLUMN
	hosts []string // in lower case, "*.example.com" for all names below that; empty for all
	keys  []string // of the table, for config print

	// options are those of the whole program, but for what the table says. In them,
	// site.prefix is the path below which the files are.
	options *options
}

// String names the part for the operator, as in www.example.com/docs.
func (p *part) String() string { return strings.Join(p.hosts, ",") + p.options.site.prefix }

// partTables are the tables as they were read.
type partTables struct {
	file   string
	tables []any
	places []map[string]place
}

// partFlags are the flags that a table may have as keys; partKeys are its other keys.
var (
	partFlags = []string{"index", "listing", "archive", "readme", "upload", "spa", "clean-urls", "dotfiles", "symlinks", "type", "compress", "copy", "cache", "header", "redirect", "netlify", "cors", "auth", "realm", "allow", "deny", "maintenance"}
	partKeys  = []string{"host", "at", "path", "tls-cert", "tls-key"}
)

// notInherited are the settings that a part does not have from those above it: what is about
// one folder only, and what is asked before there is a part.
var notInherited = []string{"archive", "readme", "upload", "spa", "redirect", "netlify", "reload", "allow", "deny", "maintenance"}

// noAuth is the value of auth in a table for a part without a password.
const noAuth = "off"

// noteParts keeps the tables until all other settings are known.
func (o *options) noteParts(file string, text []byte, value any, at place) error {
	tables, _ := value.([]any)
	places := tablePlaces(text, "site")
	if len(tables) == 0 || len(tables) != len(places) {
		return fmt.Errorf("%s:%s: each site is a table of its own: write [[site]], and below it host = \"www.example.com\" and path = \"./www\"", file, at.key)
	}
	o.tables = &partTables{file, tables, places}
	return nil
}

// readParts makes the parts of the tables.
func (o *options) readParts() error {
	if o.tables == nil {
		return nil
	}
	for i, one := range o.tables.tables {
		table, _ := one.(map[string]any)
		p, err := o.readPart(table, o.tables.places[i])
		if err != nil {
			return err
		}
		for _, other := range o.parts {
			if p.options.site.prefix == other.options.site.prefix && shareName(p.hosts, other.hosts) {
				return fmt.Errorf("%s: a request could be for this site and for that of %s: give them names or paths that differ", p.place, other.place)
			}
		}
		o.parts = append(o.parts, p)
	}
	if o.https.mode == "" {
		return nil
	}
	for _, p := range o.parts {
		for _, host := range p.hosts {
			if !strings.HasPrefix(host, "*.") && !slices.Contains(o.https.domains, host) {
				o.https.domains = append(o.https.domains, host)
			}
		}
	}
	return nil
}

// shareName reports whether two parts have a name in common.
func shareName(one, other []string) bool {
	return len(one)+len(other) == 0 || slices.ContainsFunc(one, func(host string) bool { return slices.Contains(other, host) })
}

// readPart makes the part of one table.
func (o *options) readPart(table map[string]any, places map[string]place) (*part, error) {
	file := o.tables.file
	p := &part{place: fmt.Sprintf("%s:%s", file, places[""].key), options: o.inherit()}
	for _, key := range slices.SortedFunc(maps.Keys(table), func(a, b string) int { return places[a].compare(places[b]) }) {
		if all := slices.Concat(partKeys, partFlags); !slices.Contains(all, key) {
			hint := meant(key, all)
			if hint == "" && o.flags.Lookup(key) != nil {
				hint = ": it is for all sites, above the first [[site]]"
			}
			return nil, fmt.Errorf("%s:%s: unknown key %q of a site%s", file, places[key].key, key, hint)
		}
		p.keys = append(p.keys, key)
		p.options.origin[key] = origin{byFile, file + ":" + places[key].key.String()}
		wrong, err := p.set(key, table[key])
		switch {
		case wrong != "":
			return nil, fmt.Errorf("%s:%s: %s", file, places[key].value, wrong)
		case err != nil:
			return nil, p.options.locate(err)
		}
	}
	sub := p.options
	switch _, cert := table["tls-cert"]; {
	case sub.path == "":
		return nil, fmt.Errorf("%s: the site has no path: write path = \"./www\", a folder or a file", p.place)
	case len(p.hosts) == 0 && table["at"] != nil && sub.site.prefix == "":
		return nil, fmt.Errorf("%s: at = \"/\" is what path above the first [[site]] is for: set that, or add a host", p.place)
	case len(p.hosts) == 0 && sub.site.prefix == "":
		return nil, fmt.Errorf("%s: the site has neither host nor at: write host = \"www.example.com\", at = \"/docs\", or both", p.place)
	case cert != (table["tls-key"] != nil):
		return nil, fmt.Errorf("%s: tls-cert needs tls-key, and the other way round", p.place)
	case cert:
		o.https.certs = append(o.https.certs, table["tls-cert"].(string))
		o.https.keys = append(o.https.keys, table["tls-key"].(string))
	}
	return p, sub.locate(sub.checkPart())
}

// checkPart checks the settings of a part together.
func (o *options) checkPart() error {
	for _, err := range []error{o.checkEmpty(), o.site.checkPage(), o.site.checkIndex(), o.checkAuth()} {
		if err != nil {
			return err
		}
	}
	return nil
}

// inherit returns a copy of the settings, with flags of its own, for a part.
func (o *options) inherit() *options {
	sub := *o
	sub.parts, sub.tables, sub.tests, sub.warnings = nil, nil, nil, nil
	sub.site, sub.closed, sub.path = siteOptions{}, closedOptions{}, ""
	at, level := o.at, o.level
	sub.define()
	sub.at, sub.level = at, level
	for name, from := range o.origin {
		if name != "path" {
			sub.origin[name] = from
		}
	}
	o.flags.Visit(func(flag *pflag.Flag) {
		if slices.Contains(notInherited, flag.Name) {
			return
		}
		mine := sub.flags.Lookup(flag.Name)
		mine.Changed = true
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			_ = mine.Value.(pflag.SliceValue).Replace(list.GetSlice()) // of strings, for which there is no error
			return
		}
		_ = mine.Value.Set(flag.Value.String()) // which it was set to before
	})
	return &sub
}

// set sets one key of a table. It returns what is wrong with the value, or an error that names
// the flag.
func (p *part) set(key string, value any) (wrong string, err error) {
	sub := p.options
	if key == "host" {
		return p.setHosts(value), nil
	}
	if slices.Contains(partKeys, key) {
		text, ok := value.(string)
		switch {
		case !ok:
			return fmt.Sprintf("%s must be a string, not %s: write %s = \"…\"", key, typeName(value), key), nil
		case strings.TrimSpace(text) == "":
			return fmt.Sprintf("%s is empty: give it a value, or leave it out", key), nil
		}
		switch key {
		case "path":
			sub.path = text
		case "at":
			sub.site.prefix, wrong = prefixOf(text)
		}
		return wrong, nil
	}
	flag := sub.flags.Lookup(key)
	list, wrong := valuesOf(flag, key, flag.Value.Type(), value)
	switch {
	case wrong != "":
		return wrong, nil
	case key == "auth" && list[0] == noAuth:
		sub.site.auth, flag.Changed = "", false
		sub.site.realm = sub.flags.Lookup("realm").DefValue // that above is of the password
		return "", nil
	}
	for _, v := range list { // the first one replaces what is above
		if err := sub.flags.Set(key, v); err != nil {
			return "", explainFlag(err, sub.flags)
		}
	}
	return "", nil
}

// setHosts sets the names, or returns what is wrong with them.
func (p *part) setHosts(value any) (wrong string) {
	list, ok := value.([]any)
	if text, one := value.(string); one {
		list, ok = []any{text}, true
	}
	if !ok || len(list) == 0 {
		return fmt.Sprintf("host must be a name or a list of names, not %s: write host = [\"example.com\", \"www.example.com\"]", typeName(value))
	}
	for _, one := range list {
		text, ok := one.(string)
		name := strings.ToLower(strings.TrimSuffix(text, "."))
		switch err := checkHosts([]string{strings.TrimPrefix(text, "*.")}); {
		case !ok:
			return fmt.Sprintf("host has %v, which is no name: write \"www.example.com\"", one)
		case err != nil, strings.HasPrefix(name, "."), strings.Contains(strings.TrimPrefix(name, "*."), "*"):
			return fmt.Sprintf("host has %q: write a name without scheme, port and path, such as www.example.com, or *.example.com for all names below it", text)
		case strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }):
			return fmt.Sprintf("host has %q, which browsers send in ASCII: write it as it is in their address bar when copied, with xn--", text)
		case slices.Contains(p.hosts, name):
			return fmt.Sprintf("host has %q twice", text)
		}
		p.hosts = append(p.hosts, name)
	}
	return ""
}

// prefixOf returns the path below which a part is, or what is wrong with it.
func prefixOf(text string) (prefix, wrong string) {
	prefix = strings.TrimSuffix(text, "/")
	switch {
	case text == "/":
		return "", ""
	case text[0] != '/' || prefix == "/" || path.Clean(prefix) != prefix || strings.ContainsAny(text, "?#%*\\"):
		return "", fmt.Sprintf("at must be a path such as /docs, as it is in the address without escapes, not %q", text)
	case prefix == "/-" || strings.HasPrefix(prefix, "/-/"):
		return "", fmt.Sprintf("at is %q, and paths that begin with /-/ are the server's own: choose another", text)
	}
	return prefix, ""
}

// withoutEffect returns a warning for each pattern of the table that no path of the part has.
func (p *part) withoutEffect() (warnings []string) {
	prefix, site := p.options.site.prefix, &p.options.site
	for _, key := range []string{"cache", "header", "redirect"} {
		if !slices.Contains(p.keys, key) {
			continue // what is above has other paths
		}
		for _, text := range map[string][]string{"cache": site.cache, "header": site.header, "redirect": site.redirect}[key] {
			start := text
			if end := strings.IndexAny(text, "*?:= "); end >= 0 {
				start = text[:end]
			}
			if strings.HasPrefix(text, "/") && !strings.HasPrefix(start, prefix) && !strings.HasPrefix(prefix+"/", start) {
				warnings = append(warnings, fmt.Sprintf("%s %q is for no path, because all paths here begin with %s/: write %s%s", key, text, prefix, prefix, text))
			}
		}
	}
	return warnings
}

// isOpen returns a warning if another site asks for a password for these files, and this one does
// not, and was not told so.
func (p *part) isOpen(all []*options) []string {
	if p.options.isGuarded() || slices.Contains(p.keys, "auth") {
		return nil
	}
	for _, other := range all {
		if other.path != "" && other.site.auth != "" && p.options.isIn(other.path) {
			return []string{fmt.Sprintf("%s is served without the password that is asked for elsewhere: write auth = %q if that is meant", p.options.path, noAuth)}
		}
	}
	return nil
}

// isDefault reports whether the default site is served, because there is nothing else.
func (o *options) isDefault() bool { return o.path == "" && o.tables == nil }

// all returns the settings of the whole program, and of each part.
func (o *options) all() []*options {
	list := []*options{o}
	for _, p := range o.parts {
		list = append(list, p.options)
	}
	return list
}

// allLinks reports whether links of --symlinks all are followed somewhere.
func (o *options) allLinks() bool {
	return slices.ContainsFunc(o.all(), func(o *options) bool { return o.site.symlinks == "all" })
}

// printParts writes the tables.
func printParts(w io.Writer, o *options) {
	for _, p := range o.parts {
		fmt.Fprintf(w, "\n[[site]] # %s\n", onlyFile.ReplaceAllString(p.place, ""))
		for _, key := range p.keys {
			if text := p.written(key); text != "" {
				fmt.Fprintf(w, "%s = %s\n", key, text)
			}
		}
	}
}

// partsText returns the tables as a file.
func (o *options) partsText() string {
	var b strings.Builder
	printParts(&b, o)
	return b.String()
}

// written returns the value of a key in TOML, or "" for a certificate, which is among those of
// the whole program.
func (p *part) written(key string) string {
	switch key {
	case "host":
		list := slices.Clone(p.hosts)
		for i := range list {
			list[i] = quote(list[i])
		}
		return "[" + strings.Join(list, ", ") + "]"
	case "at":
		return quote(p.options.site.prefix + "/")
	case "path":
		return quote(p.options.path)
	case "tls-cert", "tls-key":
		return ""
	case "auth":
		if p.options.site.auth == "" {
			return quote(noAuth)
		}
	}
	return written(p.options.flags.Lookup(key))
}
