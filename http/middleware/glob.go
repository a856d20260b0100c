package middleware

import (
	"errors"
	"fmt"
	"strings"
)

// A Glob is a pattern for paths. "*" stands for any text without a slash, "**"
// for any text, and "?" for one character that is no slash; all else stands for
// itself. A pattern without a slash is about the last part of a path: "*.css" is
// "/**/*.css" and "/*.css".
type Glob struct {
	text     string
	lastPart bool
}

// ParseGlob reads a pattern.
func ParseGlob(s string) (Glob, error) {
	switch {
	case s == "":
		return Glob{}, errors.New("a pattern is empty")
	case strings.ContainsAny(s, "[]{}\\"):
		return Glob{}, fmt.Errorf("the pattern %q has a sign that means nothing here: there are *, ** and ?", s)
	case !strings.HasPrefix(s, "/") && strings.Contains(s, "/"):
		return Glob{}, fmt.Errorf("the pattern %q has a slash, and does not begin with one: did you mean %q?", s, "/"+s)
	}
	return Glob{text: s, lastPart: !strings.Contains(s, "/")}, nil
}

func (g Glob) String() string { return g.text }

// Match reports whether a decoded path is one of those that g stands for.
func (g Glob) Match(path string) bool {
	if g.lastPart {
		path = path[strings.LastIndexByte(path, '/')+1:]
	}
	return match(g.text, path)
}

// match tries, for each star, every text that it can stand for. That is slow for
// patterns with many of them, and patterns are the operator's.
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
