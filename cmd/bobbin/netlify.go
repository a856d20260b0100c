package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http/middleware"
)

// The files _redirects and _headers of a site from Netlify or Cloudflare Pages. Rules
// that bobbin cannot keep are skipped with a warning. Rules without which files could be read
// that their site protects are errors: passwords, and rules with precedence over files.

// netlifyMax is the size of the largest file that is read, in bytes, and skippedMax the
// most warnings for one.
const (
	netlifyMax = 4 << 20
	skippedMax = 20
)

// A netlifyReader reads one of the files.
type netlifyReader struct {
	file    string
	line    int
	skipped int
	rules   *fieldRules
}

// readNetlify reads _redirects and _headers, both of which are optional.
func (f *fieldRules) readNetlify(folder string) (middleware.Redirects, error) {
	if folder == "" {
		return nil, nil // the default site
	}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is a file: serve its folder", folder)
	}
	settings, err := readLines(filepath.Join(folder, "netlify.toml"))
	switch {
	case err != nil:
		return nil, err
	case slices.ContainsFunc(settings, mentionsPassword):
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, "netlify.toml"), errPassword)
	case settings != nil:
		f.warnings = append(f.warnings, filepath.Join(folder, "netlify.toml")+" is not read; only _redirects and _headers are")
	}
	redirects, err := f.readRedirects(filepath.Join(folder, "_redirects"))
	if err != nil {
		return nil, err
	}
	return redirects, f.readHeaders(filepath.Join(folder, "_headers"))
}

// readLines returns the lines of a file, and nil if there is none. A line may end in
// any of three ways, so that no rule hides behind another.
func readLines(name string) ([]string, error) {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p, err := io.ReadAll(io.LimitReader(file, netlifyMax+1))
	switch {
	case err != nil:
		return nil, err
	case len(p) > netlifyMax:
		return nil, fmt.Errorf("%s is larger than %d bytes", name, netlifyMax)
	}
	text := strings.TrimPrefix(string(p), "\ufeff") // a byte order mark
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return nil, fmt.Errorf("%s is not in UTF-8: save it as such", name)
	}
	return strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n"), nil
}

// skip warns of a line that is not used.
func (n *netlifyReader) skip(why string) {
	switch n.skipped++; {
	case n.skipped <= skippedMax:
		n.rules.warnings = append(n.rules.warnings, fmt.Sprintf("%s:%d is skipped: %s", n.file, n.line, why))
	case n.skipped == skippedMax+1:
		n.rules.warnings = append(n.rules.warnings, fmt.Sprintf("%s: more lines are skipped", n.file))
	}
}

// fail returns an error about a line.
func (n *netlifyReader) fail(err error) error {
	return fmt.Errorf("%s:%d: %w", n.file, n.line, err)
}

// readRedirects reads lines of "FROM [QUERY…] TO [STATUS] [CONDITION…]".
func (f *fieldRules) readRedirects(name string) (list middleware.Redirects, err error) {
	lines, err := readLines(name)
	n := &netlifyReader{file: name, rules: f}
	for i, line := range lines {
		n.line = i + 1
		words := strings.Fields(line)
		if at := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); at >= 0 {
			words = words[:at]
		}
		if len(words) == 0 {
			continue
		}
		rule, why := netlifyRule(words)
		switch {
		case why == "":
			list = append(list, rule)
			f.noteRedirect(words, fmt.Sprintf("%s:%d", name, n.line))
		case slices.ContainsFunc(words, isRole):
			return nil, n.fail(errors.New("the rule is for users of a role, and bobbin has no roles: remove it, and use --auth"))
		case slices.ContainsFunc(words, isForced) && !toHTTPSOnly(words):
			return nil, n.fail(fmt.Errorf("%s; and without the rule, which has precedence over files by its !, files could be read that it protects: remove it", why))
		default:
			n.skip(why)
		}
	}
	return list, err
}

var (
	forcedStatus = regexp.MustCompile(`^[0-9]+!$`)
	condition    = regexp.MustCompile(`^[A-Za-z_-]+=`)
)

func isForced(word string) bool { return forcedStatus.MatchString(word) }

func isRole(word string) bool { return len(word) > 5 && strings.EqualFold(word[:5], "role=") }

// netlifyRule parses a rule, or returns the reason why it cannot be kept.
func netlifyRule(words []string) (rule middleware.Redirect, why string) {
	for i, word := range words[1:] {
		if !condition.MatchString(word) {
			continue
		}
		what := "condition"
		if !slices.ContainsFunc(words[1:i+1], isTarget) {
			what = "query"
		}
		return rule, fmt.Sprintf("rules with a %s, such as %s, are not supported", what, word)
	}
	if toHTTPSOnly(words) {
		return rule, "HTTPS is a matter of --redirect-http"
	}
	if len(words) > 2 && strings.TrimSuffix(words[2], "!") == "200" {
		switch {
		case isURL(words[1]):
			return rule, "bobbin is no proxy for " + words[1]
		case strings.HasPrefix(words[1], "/.netlify/"):
			return rule, "there are no functions of Netlify here"
		}
	}
	rule, err := middleware.ParseRedirect(strings.Join(words, " "))
	if err != nil {
		return rule, err.Error()
	}
	return rule, ""
}

func isURL(word string) bool {
	return strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://")
}

func isTarget(word string) bool { return strings.HasPrefix(word, "/") || isURL(word) }

// toHTTPSOnly reports whether a rule redirects to the same URL over HTTPS.
func toHTTPSOnly(words []string) bool {
	from, ok := strings.CutPrefix(words[0], "http://")
	return ok && len(words) > 1 && words[1] == "https://"+strings.Replace(from, "*", ":splat", 1)
}

// errPassword is for a password that bobbin would not ask for.
var errPassword = errors.New("Basic-Auth sets a password on Netlify, which bobbin would not ask for: remove it and use --auth")

// setsPassword reports whether a line of _headers sets a password.
func setsPassword(line string) bool {
	return strings.HasPrefix(strings.ToLower(strings.Trim(line, " \t!")), "basic-auth")
}

// mentionsPassword reports whether a line of netlify.toml may set one.
func mentionsPassword(line string) bool {
	code, _, _ := strings.Cut(line, "#")
	return strings.Contains(strings.ToLower(code), "basic-auth")
}

// readHeaders reads lines with paths, each followed by its headers.
func (f *fieldRules) readHeaders(name string) error {
	lines, err := readLines(name)
	n := &netlifyReader{file: name, rules: f}
	var where middleware.Glob // of the path before
	path, dropped := "", false
	for i, line := range lines {
		n.line = i + 1
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#':
		case setsPassword(text):
			return n.fail(errPassword)
		case isTarget(text):
			var err error
			path = text
			if where, err = netlifyGlob(text); err != nil {
				n.skip(err.Error())
			}
			dropped = err != nil
		case path == "":
			n.skip("a header before the first path")
		case !dropped:
			rule, why := netlifyField(path, text)
			if rule.where = where; why != "" {
				n.skip(why)
				continue
			}
			f.header = append(f.header, rule)
		}
	}
	return err
}

// netlifyField parses a header for a path, or returns the reason why it cannot be kept.
func netlifyField(path, text string) (rule fieldRule, why string) {
	if name, ok := strings.CutPrefix(text, "!"); ok {
		rule.field, rule.removes = [2]string{strings.TrimSpace(name), ""}, true
	} else {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return rule, fmt.Sprintf("%q has no colon", text)
		}
		rule.field = [2]string{strings.TrimSpace(name), strings.TrimSpace(value)}
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "*" {
			part = ":splat"
		}
		if len(part) > 1 && part[0] == ':' && strings.Contains(rule.field[1], part) {
			return rule, fmt.Sprintf("the value would have to be filled in for %s", part)
		}
	}
	if rule.removes && isKind(rule.field[0]) {
		return rule, "" // the file's own is sent again
	}
	if err := checkField(rule.field); err != nil {
		return rule, err.Error()
	}
	return rule, ""
}

// netlifyGlob converts a path in which "*" matches everything and ":name" one
// segment.
func netlifyGlob(path string) (middleware.Glob, error) {
	if isURL(path) {
		return middleware.Glob{}, fmt.Errorf("headers for one host, such as %s, are not supported, nor those below it", path)
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			parts[i] = "*"
			continue
		}
		parts[i] = strings.ReplaceAll(part, "*", "**")
	}
	return middleware.ParseGlob(strings.Join(parts, "/"))
}
