package middleware

import (
	"errors"
	"fmt"
	"strings"
)

// A Glob is a pattern for paths. "*" matches any text without a slash, "**" any text,
// and "?" one character except a slash; every other character matches itself. A
// pattern without a slash applies to the last segment of a path: "*.css" matches as
// "/**/*.css" and "/*.css" do.
type Glob struct {
	text     string
	lastPart bool
}

// ParseGlob parses a pattern.
func ParseGlob(s string) (Glob, error) {
	switch {
	case s == "":
		return Glob{}, errors.New("empty pattern")
	case strings.ContainsAny(s, "[]{}\\"):
		return Glob{}, fmt.Errorf("pattern %q: []{} and \\ have no meaning here; write *, ** and ?", s)
	case !strings.HasPrefix(s, "/") && strings.Contains(s, "/"):
		return Glob{}, fmt.Errorf("pattern %q has a slash but does not begin with one: did you mean %q?", s, "/"+s)
	}
	return Glob{text: s, lastPart: !strings.Contains(s, "/")}, nil
}

func (g Glob) String() string { return g.text }

// Match reports whether g matches a decoded path.
func (g Glob) Match(path string) bool {
	if g.lastPart {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	return match(g.text, path)
}

// match tries, for each star, every text that the star can match. That is slow for
// patterns with many stars, but patterns come from the operator.
func match(pattern, s string) bool {
	for pattern != "" {
		switch {
		case strings.HasPrefix(pattern, "**"):
			rest := strings.TrimLeft(pattern, "*")
			for i := len(s); i >= 0; i-- {
				if match(rest, s[i:]) {
					return true
				}
			}
			return false
		case pattern[0] == '*':
			rest := pattern[1:]
			for i := 0; ; i++ {
				if match(rest, s[i:]) {
					return true
				}
				if i == len(s) || s[i] == '/' {
					return false
				}
			}
		case s == "" || pattern[0] != s[0] && (pattern[0] != '?' || s[0] == '/'):
			return false
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}
