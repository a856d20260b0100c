package route

import (
	"bytes"
	"fmt"
	"iter"
	"math/bits"
	"strings"
	"unicode"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// Patterns, as they are written and as they are compared. Their language is that of
// net/http; http.Router has it, with the differences.

// A Pattern is a registered pattern in its parts.
type Pattern struct {
	Text     string // as it was registered, with the prefix of its group
	Where    string // the file and the line of the registration
	Number   int    // in its table, from 0 on
	methods  methodSet
	other    string    // the one method of the pattern that is none of HTTP's own; or ""
	host     string    // in lower case; "" means any
	segments []segment // at least one
}

// A segment is the part of a pattern behind one slash.
type segment struct {
	kind segmentKind
	text string // of a literal, with its escapes decoded; or the name of a wildcard
}

// A segmentKind says how much a segment matches, from the narrow to the wide.
type segmentKind uint8

const (
	literal segmentKind = iota // itself
	end                        // {$}: nothing behind the slash
	one                        // {name}: any segment that is not empty
	rest                       // {name...}: any rest of a path; without a name, the slash at the end
)

// endsOpen reports whether the pattern matches a whole subtree.
func (p *Pattern) endsOpen() bool { return p.segments[len(p.segments)-1].kind == rest }

// Cut cuts a pattern into its three parts, as they are written. The blanks stay with
// the method.
func Cut(text string) (method, host, path string) {
	if i := strings.IndexAny(text, blanks); i >= 0 {
		n := len(text) - len(strings.TrimLeft(text[i:], blanks))
		method, text = text[:n], text[n:]
	}
	if i := strings.IndexByte(text, '/'); i >= 0 {
		return method, text[:i], text[i:]
	}
	return method, text, ""
}

const blanks = " \t"

// Parse parses a pattern. A pattern that could never match is refused as well as a
// malformed one: both are mistakes of its author.
func Parse(text string) (*Pattern, error) {
	method, host, path := Cut(text)
	p := &Pattern{Text: text}
	bad := func(at int, format string, args ...any) (*Pattern, error) {
		return nil, fmt.Errorf("http: bad pattern %q, at offset %d: %s", text, at, fmt.Sprintf(format, args...))
	}
	var why string
	if p.methods, p.other, why = methodsOf(strings.TrimRight(method, blanks)); why != "" {
		return bad(0, "%s", why)
	}
	if path == "" {
		return bad(len(method), "%s", noPath(method, host))
	}
	if p.host, why = patternHost(host); why != "" {
		return bad(len(method), "%s", why)
	}
	for at := len(text) - len(path); at < len(text); {
		at++ // behind the slash
		piece, _, more := strings.Cut(text[at:], "/")
		s, why := parseSegment(piece, more)
		if why == "" && s.kind != literal && p.wildcard(s.text) >= 0 {
			why = fmt.Sprintf("there are two wildcards of the name %q: rename one", s.text)
		}
		if why != "" {
			return bad(at, "%s", why)
		}
		p.segments = append(p.segments, s)
		at += len(piece)
		if !more {
			break
		}
	}
	return p, nil
}

// wildcard returns the index of the wildcard with a name, or -1.
func (p *Pattern) wildcard(name string) int {
	for i, s := range p.segments {
		if s.kind != literal && s.text == name && name != "" {
			return i
		}
	}
	return -1
}

// noPath tells what to write in place of a pattern without a path.
func noPath(method, host string) string {
	switch name := strings.ToUpper(host); {
	case host == "" && method == "":
		return `it is empty: write "/" for all paths`
	case host == "":
		return fmt.Sprintf(`there is no path: write %q for all paths`, strings.TrimRight(method, blanks)+" /")
	case method == "" && h1.MethodOf([]byte(name)) != h1.MethodOther:
		return fmt.Sprintf(`there is no path: write %q for all paths`, name+" /")
	}
	return fmt.Sprintf(`there is no "/": write %q if it is a path, or %q if it is a host`, "/"+host, host+"/")
}

// Names yields the names of the wildcards, in their order.
func (p *Pattern) Names() iter.Seq[string] {
	return func(yield func(name string) bool) {
		for _, s := range p.segments {
			if s.kind != literal && s.text != "" && !yield(s.text) {
				return
			}
		}
	}
}

// Value returns the part of a matching path that a wildcard stands for, and whether
// there is a wildcard of that name. Finding a pattern stores nothing for it: a
// wildcard's place in the pattern is its place in the path.
func (p *Pattern) Value(path []byte, name string) (from, to int, ok bool) {
	n := p.wildcard(name)
	if n < 0 {
		return 0, 0, false
	}
	for range n + 1 {
		from += bytes.IndexByte(path[from:], '/') + 1
	}
	to = len(path)
	if i := bytes.IndexByte(path[from:], '/'); i >= 0 && p.segments[n].kind != rest {
		to = from + i
	}
	return from, to, true
}

// methodsOf returns the methods of a pattern, whose text has one or none. Other is the
// method if it is none of HTTP's own.
func methodsOf(name string) (set methodSet, other, why string) {
	m := h1.MethodOf([]byte(name))
	upper := strings.ToUpper(name)
	switch {
	case name == "":
		return everyMethod, "", ""
	case m == h1.MethodGet:
		return setOf(h1.MethodGet) | setOf(h1.MethodHead), "", ""
	case strings.Contains(name, "/"):
		return 0, "", `a blank can only stand behind the method: in a path, write "%20"`
	case m != h1.MethodOther && !everyMethod.has(m):
		return 0, "", fmt.Sprintf("no handler ever sees the method %q: the server refuses it", name)
	case m != h1.MethodOther:
		return setOf(m), "", ""
	case h1.MethodOf([]byte(upper)) != h1.MethodOther:
		return 0, "", fmt.Sprintf("%q is another method than %q, and most likely not meant: write %q", name, upper, upper)
	case !h1.IsToken(name):
		return 0, "", fmt.Sprintf("%q is no method", name)
	}
	return setOf(h1.MethodOther), name, ""
}

// patternHost returns a host in lower case, for the comparison with requests.
func patternHost(host string) (lower, why string) {
	n := h1.HostLength([]byte(host))
	switch {
	case n == len(host):
		return strings.ToLower(host), ""
	case strings.Contains(host, "{"):
		return "", `a host has no wildcards, and a path begins with "/"`
	case n > 0 && host[n] == ':':
		return "", fmt.Sprintf("ports are not compared: write %q", host[:n])
	}
	return "", fmt.Sprintf("%q is no host", host)
}

// parseSegment parses the text behind one slash. More reports whether another slash
// follows.
func parseSegment(piece string, more bool) (s segment, why string) {
	switch {
	case piece == "" && !more:
		return segment{rest, ""}, ""
	case piece == "":
		return s, `a path is cleaned before it is compared: write one "/" in place of several`
	case piece == "." || piece == "..":
		return s, fmt.Sprintf(`a path is cleaned before it is compared: leave "%s/" out`, piece)
	case !strings.Contains(piece, "{"):
		if !h1.Decodable([]byte(piece)) {
			return s, `a percent sign begins an escape: for the sign itself, write "%25"`
		}
		return segment{literal, string(h1.Decode(nil, []byte(piece)))}, ""
	case piece[0] != '{' || piece[len(piece)-1] != '}':
		return s, fmt.Sprintf(`a wildcard is a whole segment, such as "/{name}/", and %q is not`, piece)
	case piece == "{$}" && more:
		return s, `"{$}" is the end of the path: leave out what stands behind it`
	case piece == "{$}":
		return segment{end, ""}, ""
	}
	return parseWildcard(piece, more)
}

// parseWildcard parses "{name}" or "{name...}".
func parseWildcard(piece string, more bool) (s segment, why string) {
	name, open := strings.CutSuffix(piece[1:len(piece)-1], "...")
	switch {
	case open && more:
		return s, fmt.Sprintf("%q takes all that comes: leave out what stands behind it, or write %q", piece, "{"+name+"}")
	case name == "":
		return s, `a wildcard needs a name, such as "{id}" or "{rest...}"`
	case !isName(name):
		return s, fmt.Sprintf("%q is no name: a wildcard is named as a variable is", name)
	case open:
		return segment{rest, name}, ""
	}
	return segment{one, name}, ""
}

// isName reports whether a wildcard can have a name: an identifier of Go, or a keyword.
func isName(name string) bool {
	for i, c := range name {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return true
}

// A methodSet has one bit for each method, and one for all others.
type methodSet uint16

// everyMethod are those that reach a handler; see exchange.refusal in package http.
const everyMethod methodSet = 1<<h1.Methods - 1 - 1<<h1.MethodTrace - 1<<h1.MethodConnect

func setOf(m h1.Method) methodSet { return 1 << m }

func (s methodSet) has(m h1.Method) bool { return s&setOf(m) != 0 }

func (s methodSet) size() int { return bits.OnesCount16(uint16(s)) }

// example returns a method of the set, GET if the set has it, and one that is not HTTP's
// own only if there is no other.
func (s methodSet) example() h1.Method {
	if s.has(h1.MethodGet) {
		return h1.MethodGet
	}
	return h1.Method(bits.TrailingZeros16(uint16(s&^1))) % 16
}

// Join puts the prefix of a group into a pattern. A pattern without a path stays as it
// is, because the error of Parse says more about it.
func Join(prefix, pattern string) (string, error) {
	_, groupHost, groupPath := Cut(prefix)
	method, host, path := Cut(pattern)
	switch {
	case path == "":
		return pattern, nil
	case host != "" && groupHost != "":
		return "", fmt.Errorf("http: bad pattern %q: its group is for the host %q already", pattern, groupHost)
	}
	return method + groupHost + host + groupPath + path, nil
}

// AllMethods lists the methods that the server itself does not refuse, for an Allow
// field.
const AllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
