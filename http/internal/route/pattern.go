package route

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"strings"
	"unicode"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// Which requests does a pattern mean, and which of two patterns is the more
// specific? The language is that of net/http, see Router.

// A Pattern is one that was registered, taken apart.
type Pattern struct {
	Text     string // as it was registered, with the prefix of its group
	Where    string // the file and the line of that
	Number   int    // in its table, from 0 on
	methods  methodSet
	host     string    // in lower case; "" means any
	segments []segment // at least one
}

// A segment is what stands behind one slash.
type segment struct {
	kind segmentKind
	text string // what it is, its escapes decoded, or the name of a wildcard
}

// segmentKind is how much a segment matches, from the narrow to the wide.
type segmentKind uint8

const (
	literal segmentKind = iota // itself
	end                        // {$}: nothing behind the slash
	one                        // {name}: any segment that is not empty
	rest                       // {name...}: whatever comes; without a name, it is the slash at the end
)

// endsOpen reports whether the pattern matches a whole subtree.
func (p *Pattern) endsOpen() bool { return p.segments[len(p.segments)-1].kind == rest }

// Cut divides a pattern into its three parts, as they are written. The
// blanks stay with the method.
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

// Parse takes a pattern apart. What could never match is refused like
// what makes no sense: both are mistakes of whoever wrote it.
func Parse(text string) (*Pattern, error) {
	method, host, path := Cut(text)
	p := &Pattern{Text: text}
	bad := func(at int, format string, args ...any) (*Pattern, error) {
		return nil, fmt.Errorf("http: bad pattern %q, at offset %d: %s", text, at, fmt.Sprintf(format, args...))
	}
	var why string
	if p.methods, why = methodsOf(strings.TrimRight(method, blanks)); why != "" {
		return bad(0, "%s", why)
	}
	if path == "" {
		return bad(len(method), `there is no "/": write %q if it is a path, or %q if it is a host`, "/"+host, host+"/")
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

// wildcard returns which segment has a name, or -1.
func (p *Pattern) wildcard(name string) int {
	for i, s := range p.segments {
		if s.kind != literal && s.text == name && name != "" {
			return i
		}
	}
	return -1
}

// Value returns where in a path that the pattern matches the text stands that a
// wildcard is for, and whether there is a wildcard of that name. Nothing is kept for
// it when the pattern is found: a wildcard's place in the pattern is its place in the
// path.
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

// methodsOf returns what is served by a pattern with a method, or with none.
func methodsOf(name string) (set methodSet, why string) {
	m := h1.MethodOf([]byte(name))
	switch {
	case name == "":
		return servedMethods, ""
	case m == h1.MethodGet:
		return setOf(h1.MethodGet) | setOf(h1.MethodHead), ""
	case servedMethods.has(m):
		return setOf(m), ""
	case strings.Contains(name, "/"):
		return 0, `a blank can only stand behind the method: in a path, write "%20"`
	case servedMethods.has(h1.MethodOf([]byte(strings.ToUpper(name)))):
		return 0, fmt.Sprintf("there is no method %q: write %q", name, strings.ToUpper(name))
	}
	return 0, fmt.Sprintf("no handler ever sees the method %q: the server has %s", name, AllMethods)
}

// patternHost returns a host as requests are compared with it.
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

// parseSegment reads what stands behind one slash. More is whether another one
// follows.
func parseSegment(piece string, more bool) (s segment, why string) {
	switch {
	case piece == "" && !more:
		return segment{rest, ""}, ""
	case piece == "" || piece == "." || piece == "..":
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

// isName reports whether a wildcard can have a name: what Go would take for an
// identifier, or for a keyword.
func isName(name string) bool {
	for i, c := range name {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return false
		}
	}
	return true
}

// A methodSet has one bit for each method.
type methodSet uint16

// servedMethods are those that a handler may see, see exchange.refusal.
const servedMethods methodSet = 1<<h1.Methods - 1 - 1<<h1.MethodOther - 1<<h1.MethodTrace - 1<<h1.MethodConnect

func setOf(m h1.Method) methodSet { return 1 << m }

func (s methodSet) has(m h1.Method) bool { return s&setOf(m) != 0 }

func (s methodSet) size() int { return bits.OnesCount16(uint16(s)) }

// example returns one of the set, GET if it is in it.
func (s methodSet) example() h1.Method {
	if s.has(h1.MethodGet) {
		return h1.MethodGet
	}
	return h1.Method(bits.TrailingZeros16(uint16(s)))
}

// A comparison of two patterns says which requests there are.
type comparison struct{ both, first, second bool } // that both match, or only one of them

// comparePatterns compares everything but the hosts. A request that only the
// first matches is one whose method it alone matches, or whose path.
func comparePatterns(a, b *Pattern) comparison {
	m, p := compareMethods(a.methods, b.methods), comparePaths(a.segments, b.segments)
	return comparison{m.both && p.both, m.first || p.first, m.second || p.second}
}

// conflict reports whether there are requests for which nobody could say which
// of two patterns is the more specific.
func (c comparison) conflict() bool { return c.both && c.first == c.second }

func compareMethods(a, b methodSet) comparison {
	return comparison{a&b != 0, a&^b != 0, b&^a != 0}
}

// comparePaths goes along two paths. If no path matches both, first and second
// say nothing.
func comparePaths(a, b []segment) (c comparison) {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		c.first = c.first || x.kind > y.kind
		c.second = c.second || x.kind < y.kind
		switch {
		case x.kind == rest || y.kind == rest:
			c.both = true // whatever the other one goes on with
			return c
		case x.kind == end != (y.kind == end): // only one of them is empty
			return comparison{}
		case x.kind == literal && y.kind == literal && x.text != y.text:
			return comparison{}
		}
	}
	c.both = len(a) == len(b)
	return c
}

// explain says by examples why two patterns conflict.
func explain(a, b *Pattern) string {
	methods, path := a.methods&b.methods, commonPath(a.segments, b.segments)
	text := fmt.Sprintf("http: pattern %q (%s) conflicts with pattern %q (%s):\nboth match ", a.Text, a.Where, b.Text, b.Where)
	if !comparePatterns(a, b).first {
		return text + "the same requests, such as " + a.request(methods, path)
	}
	return text + a.request(methods, path) + ", and neither is more specific:\n" +
		fmt.Sprintf("%q alone matches %s,\n", a.Text, a.alone(b)) +
		fmt.Sprintf("%q alone matches %s", b.Text, b.alone(a))
}

func (p *Pattern) request(methods methodSet, path string) string {
	return fmt.Sprintf("%q", methods.example().String()+" "+p.host+path)
}

// alone returns a request that p matches and other does not, of which there is
// one.
func (p *Pattern) alone(other *Pattern) string {
	if comparePaths(p.segments, other.segments).first {
		return p.request(p.methods&other.methods, pathAlone(p.segments, other.segments))
	}
	return p.request(p.methods&^other.methods, commonPath(p.segments, other.segments))
}

// commonPath returns a path that matches both. Where one of them has come to
// its end, that was wide enough for the rest of the other.
func commonPath(a, b []segment) string {
	var path []byte
	for i := range max(len(a), len(b)) {
		if i < len(a) && (i >= len(b) || a[i].kind <= b[i].kind) {
			path = appendSegment(path, a[i].text)
		} else {
			path = appendSegment(path, b[i].text)
		}
	}
	return string(path)
}

// pathAlone returns a path that matches a, which is wider than b somewhere, and
// not b.
func pathAlone(a, b []segment) string {
	var path []byte
	for i, s := range a {
		switch {
		case i >= len(b):
		case s.kind == rest && b[i].kind == end:
			s.text = cmp.Or(s.text, "x")
		case s.kind == rest && b[i].kind < rest:
			s.text = ""
		case s.kind == one && b[i].kind == literal && s.text == b[i].text:
			s.text += "x"
		}
		path = appendSegment(path, s.text)
	}
	return string(path)
}

// appendSegment appends a segment with its slash. The name of a wildcard is as
// good an example as any.
func appendSegment(path []byte, text string) []byte {
	escaped := strings.ReplaceAll(string(EscapePath(nil, text)), "/", "%2F")
	return append(append(path, '/'), escaped...)
}

// Join puts the prefix of a group into a pattern. A pattern without a path
// stays as it is: parsePattern says more about it.
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

// AllMethods are those that the server itself does not refuse.
const AllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
