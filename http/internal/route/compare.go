package route

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// Two patterns are compared when one is added: which is the more specific, or, if that
// cannot be said, by which requests a person sees why.

// A comparison of two patterns says whether there are requests that both match, or that
// only one of them matches.
type comparison struct{ both, first, second bool }

// comparePatterns compares everything but the hosts. A request that only the first
// matches has a method that it alone matches, or a path.
func comparePatterns(a, b *Pattern) comparison {
	m, p := compareMethods(a, b), comparePaths(a.segments, b.segments)
	return comparison{m.both && p.both, m.first || p.first, m.second || p.second}
}

// conflict reports whether both patterns match some requests, and neither is the more
// specific.
func (c comparison) conflict() bool { return c.both && c.first == c.second }

// compareMethods compares the methods of two patterns.
func compareMethods(a, b *Pattern) comparison {
	if a.other != "" && b.other != "" && a.other != b.other {
		return comparison{false, true, true}
	}
	return comparison{a.methods&b.methods != 0, a.methods&^b.methods != 0, b.methods&^a.methods != 0}
}

// comparePaths compares two paths, segment by segment. If no path matches both, first
// and second mean nothing.
func comparePaths(a, b []segment) (c comparison) {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		c.first = c.first || x.kind > y.kind
		c.second = c.second || x.kind < y.kind
		switch {
		case x.kind == rest || y.kind == rest:
			c.both = true // the rest of the other does not matter
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

// explain returns an error text with examples of why two patterns conflict.
func explain(a, b *Pattern) string {
	methods, path := a.methods&b.methods, commonPath(a.segments, b.segments)
	text := fmt.Sprintf("http: pattern %q (%s) conflicts with pattern %q (%s):\nboth match ", a.Text, a.Where, b.Text, b.Where)
	if !comparePatterns(a, b).first {
		return text + "the same requests, such as " + a.request(b, methods, path)
	}
	return text + a.request(b, methods, path) + ", and neither is more specific:\n" +
		fmt.Sprintf("%q alone matches %s,\n", a.Text, a.alone(b)) +
		fmt.Sprintf("%q alone matches %s", b.Text, b.alone(a))
}

// request returns a request for an error text about p and another pattern. If the only
// methods are those that HTTP does not have, one of the two has the name of one.
func (p *Pattern) request(b *Pattern, methods methodSet, path string) string {
	method := methods.example().String()
	if methods == setOf(h1.MethodOther) {
		method = cmp.Or(p.other, b.other)
	}
	return fmt.Sprintf("%q", method+" "+p.host+path)
}

// alone returns a request that p matches and other does not. There must be one.
func (p *Pattern) alone(other *Pattern) string {
	if comparePaths(p.segments, other.segments).first {
		return p.request(other, p.methods&other.methods, pathAlone(p.segments, other.segments))
	}
	return p.request(other, p.methods&^other.methods, commonPath(p.segments, other.segments))
}

// commonPath returns a path that matches both. If one is shorter, its last segment
// matches the rest of the other.
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

// pathAlone returns a path that matches a and not b. Some segment of a must be wider.
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

// appendSegment appends a segment with its slash. The name of a wildcard serves as an
// example of a text.
func appendSegment(path []byte, text string) []byte {
	escaped := strings.ReplaceAll(string(EscapePath(nil, text)), "/", "%2F")
	return append(append(path, '/'), escaped...)
}
