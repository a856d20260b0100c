package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/compress"
	"github.com/bobbin-http/bobbin/http/middleware"
	"github.com/bobbin-http/bobbin/http/reload"
	"github.com/bobbin-http/bobbin/http/static"
)

// Handlers from the flags about files. All errors in them are found here, before the
// server listens.

// sources are the rules and users of the settings and of the files that they name. They are read
// once, for all loops.
type sources struct {
	redirects middleware.Redirects
	fields    *fieldRules
	users     []byte // the file of --auth
	archives  *static.Archives
	uploads   *uploads
}

// readSources reads them.
func (s *siteOptions) readSources(folder string) (*sources, error) {
	from := &sources{}
	var err error
	if from.redirects, from.fields, err = s.rules(folder); err != nil {
		return nil, err
	}
	if from.archives, err = s.archives(from.redirects); err != nil {
		return nil, err
	}
	if from.uploads, err = s.openUploads(folder, from.redirects); err != nil {
		return nil, err
	}
	if folder == "" {
		return from, s.checkWords()
	}
	if s.auth != "" {
		if from.users, err = os.ReadFile(s.auth); err != nil {
			return nil, fmt.Errorf("--auth: %w", err)
		}
	}
	return from, nil
}

// checkWords refuses values that are read with a folder only.
func (s *siteOptions) checkWords() error {
	_, err := readCodings(s.compress)
	if err == nil {
		_, err = readTypes(s.types)
	}
	if err == nil {
		_, err = pick("--symlinks", s.symlinks, symlinkModes)
	}
	if err == nil {
		_, err = pick("--listing", s.listing, map[string]bool{"on": true, "off": false, "auto": true})
	}
	return err
}

// symlinkModes are the values of --symlinks.
var symlinkModes = map[string]static.Symlinks{"none": static.NoLinks, "inside": static.LinksInside, "all": static.AllLinks}

// parseUsers parses the file of --auth, for one loop.
func (s *siteOptions) parseUsers(text []byte) (*middleware.BasicAuth, error) {
	users, err := middleware.ParseUsers(bytes.NewReader(text))
	if err != nil {
		if line, ok := strings.CutPrefix(err.Error(), "line "); ok {
			return nil, fmt.Errorf("--auth: %s:%s", s.auth, line) // as in other files
		}
		return nil, fmt.Errorf("--auth: %s: %w", s.auth, err)
	}
	users.Realm = s.realm
	return users, nil
}

// open opens the folder or the file with its rules. All are the settings of everything that is
// served.
func (p *perLoop) open(o *options, all []*options, from *sources, trouble *slog.Logger) (err error) {
	s := &o.site
	so := static.Options{
		Index: s.index, Dotfiles: s.dotfiles, CleanURLs: s.cleanURLs, Copy: s.copy, Fallback: strings.TrimPrefix(s.fallback, "/"),
		Prefix: s.prefix, Private: o.private(all), Log: trouble, Archive: from.archives, Uploads: from.uploads != nil,
	}
	if s.readme {
		so.Readme = readmeHTML
	}
	so.Fields, p.warnings = from.fields.of, from.fields.warnings
	if so.Types, err = readTypes(s.types); err != nil {
		return err
	}
	if so.Encoders, err = readCodings(s.compress); err != nil {
		return err
	}
	if so.Symlinks, err = pick("--symlinks", s.symlinks, symlinkModes); err != nil {
		return err
	}
	if so.Listing, err = pick("--listing", s.listing, map[string]bool{"on": true, "off": false, "auto": o.local()}); err != nil {
		return err
	}
	if so.Archive != nil && !so.Listing {
		return errors.New("--archive needs listings, which have its links: add --listing on, or remove --archive")
	}
	if so.Readme != nil && !so.Listing {
		return errors.New("--readme needs listings, below which it is shown: add --listing on, or remove --readme")
	}
	wrappers, err := s.middleware(p, from)
	if err != nil {
		return err
	}
	if p.reloader != nil {
		so.Inject, so.MayInject = reload.Inject, p.reloader.MayInject
	}
	as := func(w *http.Response, r *http.Request, path string) error { return p.files.ServeAs(w, r, path) }
	if len(from.redirects) > 0 {
		so.Missing = from.redirects.Missing(as)
	}
	if err := s.checkFolder(o.path); err != nil {
		return o.locatePath(err)
	}
	if p.files, err = static.Open(o.path, so); err != nil {
		return o.locatePath(explainPath(o.path, err))
	}
	if text := s.withoutStart(o.path, so.Listing, len(from.redirects) > 0); text != "" {
		p.warnings = append(slices.Clone(p.warnings), text)
	}
	p.handler = p.files.Serve
	if from.uploads != nil {
		if !o.local() && !o.isGuarded() {
			p.warnings = append(slices.Clone(p.warnings), "--upload lets everyone who reaches the server add files: add --auth or --allow")
		}
		p.warnings = append(slices.Clone(p.warnings), from.uploads.warnings(o, all)...)
		from.uploads.keepOff(so.Private)
		p.handler = from.uploads.wrap(p.handler)
	}
	if len(from.redirects) > 0 {
		p.handler = from.redirects.Forced(p.handler, as)
	}
	for _, m := range wrappers {
		p.handler = m(p.handler)
	}
	return nil
}

// checkFolder refuses flags that need a folder, or a file in it.
func (s *siteOptions) checkFolder(path string) error {
	if info, err := os.Stat(path); s.reload && err == nil && !info.IsDir() {
		return fmt.Errorf("--reload needs a folder, and %s is a file: serve its folder", path)
	}
	if info, err := os.Stat(path); len(s.archive) > 0 && err == nil && !info.IsDir() {
		return fmt.Errorf("--archive needs a folder, and %s is a file: serve its folder", path)
	}
	if info, err := os.Stat(path); s.readme && err == nil && !info.IsDir() {
		return fmt.Errorf("--readme needs a folder, and %s is a file: serve its folder", path)
	}
	return s.checkFallback(path)
}

// archiveFormats are the values of --archive.
var archiveFormats = []string{"zip", "tar"}

// archives returns what --archive offers, nil without it. The rules that go before files hold
// in archives, too.
func (s *siteOptions) archives(rules middleware.Redirects) (*static.Archives, error) {
	if len(s.archive) == 0 {
		return nil, nil
	}
	for _, name := range s.archive {
		if !slices.Contains(archiveFormats, name) {
			return nil, fmt.Errorf("--archive: unknown format %q: write --archive=zip, --archive=tar, or --archive alone for both", name)
		}
	}
	a, err := static.NewArchives(s.archive...)
	if err == nil {
		a.Skip = func(host, path string) bool { return rules.For(host, path, true) != nil }
	}
	return a, err
}

// middleware returns the middleware around the files of one loop, innermost first.
func (s *siteOptions) middleware(p *perLoop, from *sources) (list []http.Middleware, err error) {
	if p.reloader != nil {
		list = append(list, p.reloader.Wrap)
	}
	if from.users != nil {
		read, err := s.parseUsers(from.users)
		if err != nil {
			return nil, err
		}
		if p.users == nil {
			p.users = read
		} else {
			p.newUsers = read
		}
		list = append(list, p.users.Wrap)
	} else {
		p.users = nil
	}
	if s.cors != "" {
		c, err := middleware.NewCORS(s.cors)
		if err != nil {
			return nil, fmt.Errorf("--cors: %w", err)
		}
		list = append(list, c.Wrap) // outermost, because preflight requests carry no password
	}
	return list, nil
}

// rules parses the flags about paths: headers, caching and redirects.
func (s *siteOptions) rules(folder string) (middleware.Redirects, *fieldRules, error) {
	var redirects middleware.Redirects
	fields := &fieldRules{}
	for _, text := range s.cache {
		if err := fields.addCache(text); err != nil {
			return nil, nil, fmt.Errorf("--cache: %w", err)
		}
	}
	for _, text := range s.header {
		if err := fields.addHeader(text); err != nil {
			return nil, nil, fmt.Errorf("--header: %w", err)
		}
	}
	for _, text := range s.redirect {
		r, err := middleware.ParseRedirect(text)
		if err != nil {
			return nil, nil, fmt.Errorf("--redirect: %w", err)
		}
		redirects = append(redirects, r)
		fields.noteRedirect(strings.Fields(text), fmt.Sprintf("--redirect %q", text))
	}
	if s.netlify {
		more, err := fields.readNetlify(folder)
		if err != nil {
			return nil, nil, fmt.Errorf("--netlify: %w", err)
		}
		redirects = append(redirects, more...)
	}
	if folder != "" {
		fields.warnOfFolders(folder)
	}
	return redirects, fields, nil
}

// fieldRules hold the response headers by path.
type fieldRules struct {
	cache  []fieldRule // the first match applies
	header []fieldRule // all matches apply, the last of each name

	before   overtakers // among the redirects
	warnings []string   // of what --netlify skips, and of rules without an effect
}

type fieldRule struct {
	where   middleware.Glob // an empty pattern matches all
	field   [2]string
	removes bool // the field is not sent, unless a later rule sets it
}

func (r *fieldRule) match(path string) bool {
	return r.where.String() == "" || r.where.Match(path)
}

// of returns the headers for a path.
func (f *fieldRules) of(path string) (list [][2]string) {
	set := func(field [2]string) {
		for i := range list {
			if strings.EqualFold(list[i][0], field[0]) {
				list[i] = field
				return
			}
		}
		list = append(list, field)
	}
	caching := [2]string{"Cache-Control", "no-cache"} // a browser must revalidate
	for i := range f.cache {
		if f.cache[i].match(path) {
			caching = f.cache[i].field
			break
		}
	}
	set(caching)
	for i := range f.header {
		switch rule := &f.header[i]; {
		case !rule.match(path):
		case rule.removes:
			list = slices.DeleteFunc(list, func(field [2]string) bool { return strings.EqualFold(field[0], rule.field[0]) })
		default:
			set(rule.field)
		}
	}
	return list
}

// addHeader adds a value of --header.
func (f *fieldRules) addHeader(text string) error {
	rule, err := parseHeaderRule(text)
	if err != nil {
		return err
	}
	f.header = append(f.header, rule)
	return nil
}

// cacheWords are the Cache-Control directives without a value (RFC 9111 section
// 5.2.2, RFC 8246); cacheTimes those with a time (RFC 5861).
var cacheWords = []string{"no-cache", "no-store", "no-transform", "must-revalidate", "proxy-revalidate", "must-understand", "private", "public", "immutable"}

var cacheTimes = []string{"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"}

// addCache parses "DIRECTIVES" or "GLOB=DIRECTIVES". A time alone is max-age.
func (f *fieldRules) addCache(text string) error {
	var rule fieldRule
	directives := text
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, "*") {
		glob, rest, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("%q has no = after its pattern, such as '/assets/**=1y,immutable'", text)
		}
		var err error
		if rule.where, err = middleware.ParseGlob(strings.TrimSpace(glob)); err != nil {
			return err
		}
		directives = rest
	}
	if glob, _, ok := strings.Cut(text, "="); ok && directives == text && strings.ContainsAny(glob, "/*?.") {
		return fmt.Errorf("%q: a pattern begins with a slash or a star: did you mean '/%s'?", text, text)
	}
	var list []string
	for word := range strings.SplitSeq(directives, ",") {
		directive, err := cacheDirective(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		list = append(list, directive)
	}
	rule.field = [2]string{"Cache-Control", strings.Join(list, ", ")}
	f.cache = append(f.cache, rule)
	return nil
}

func cacheDirective(word string) (string, error) {
	if seconds, ok := span(word); ok {
		return fmt.Sprintf("max-age=%d", seconds), nil
	}
	name, value, has := strings.Cut(word, "=")
	switch {
	case !has && slices.Contains(cacheWords, word):
		return word, nil
	case has && slices.Contains(cacheTimes, name):
		if seconds, ok := span(value); ok {
			return fmt.Sprintf("%s=%d", name, seconds), nil
		}
		return "", fmt.Errorf("%q is not a time: write 30s, 10m, 12h, 30d, 1y or a number of seconds", value)
	}
	hint := meant(name, append(slices.Clone(cacheWords), cacheTimes...))
	if hint == "" {
		hint = " or a time such as 10m or 1y"
	}
	return "", fmt.Errorf("%q is not a Cache-Control directive%s", word, hint)
}

// span parses a time with one unit, or in seconds.
func span(s string) (seconds int64, ok bool) {
	if s == "" {
		return 0, false
	}
	units := map[byte]int64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400, 'y': 365 * 86400}
	unit, has := units[s[len(s)-1]]
	if has {
		s = s[:len(s)-1]
	} else {
		unit = 1
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int64(n) * unit, err == nil
}

// readTypes parses "EXTENSION=TYPE".
func readTypes(list []string) (map[string]string, error) {
	types := make(map[string]string)
	for _, text := range list {
		extension, t, ok := strings.Cut(text, "=")
		extension = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(extension), "."))
		t = strings.TrimSpace(t)
		if !ok || extension == "" || !isMediaType(t) {
			return nil, fmt.Errorf("--type: %q is not of the form EXTENSION=TYPE, such as wasm=application/wasm", text)
		}
		types[extension] = t
	}
	return types, nil
}

// readCodings parses "br,zstd,gzip" or "off".
func readCodings(text string) (list []static.Encoder, err error) {
	if text == "off" {
		return nil, nil
	}
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(compress.Codings, func(c compress.Coding) bool { return c.Name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("--compress: unknown coding %q: write br, zstd, gzip or off", name)
		}
		list = append(list, static.Encoder{Coding: name, Encode: compress.Codings[i].Quick})
	}
	return list, nil
}

// pick returns the value of one of several words.
func pick[T any](flag, word string, of map[string]T) (T, error) {
	if v, ok := of[word]; ok {
		return v, nil
	}
	var none T
	return none, fmt.Errorf("%s: unknown value %q: choose one of %s", flag, word, strings.Join(slices.Sorted(maps.Keys(of)), ", "))
}
