package route

import (
	"bytes"
	"errors"
	"slices"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A Table holds patterns and finds the one that a request is for. Once all are added,
// several loops may share it: finding changes nothing.
type Table struct {
	patterns []*Pattern
	hosts    map[string]*node // the trees of the patterns with a host
	anyHost  node             // the tree of those without
}

// Add adds a pattern, and gives it its number. The error says by examples with which
// other pattern it conflicts.
func (t *Table) Add(p *Pattern) error {
	for _, other := range t.patterns {
		if other.host == p.host && comparePatterns(p, other).conflict() {
			return errors.New(explain(p, other))
		}
	}
	p.Number = len(t.patterns)
	t.patterns = append(t.patterns, p)
	t.tree(p.host).add(p)
	return nil
}

// tree returns the tree of the patterns with a host, or without one.
func (t *Table) tree(host string) *node {
	if host == "" {
		return &t.anyHost
	}
	if t.hosts == nil {
		t.hosts = make(map[string]*node)
	}
	if t.hosts[host] == nil {
		t.hosts[host] = new(node)
	}
	return t.hosts[host]
}

// Match returns the pattern for a tidy path, or nil. If there is none, or only that of
// a subtree further up, there may be one for the same path as a folder. The host is
// that of a request, with its port or without. Escaped says that the path may have
// escapes.
func (t *Table) Match(m h1.Method, host, path []byte, escaped bool) (found *Pattern, asFolder bool) {
	s := search{method: m, escaped: escaped}
	tree := t.hostTree(host)
	found = t.find(tree, path, s)
	if found != nil && !found.endsOpen() || path[len(path)-1] == '/' {
		return found, false
	}
	s.slash = true
	other := t.find(tree, path, s)
	asFolder = other != nil && (!other.endsOpen() || len(other.segments) == bytes.Count(path, slash)+1)
	return found, asFolder
}

// MayHave reports whether a pattern that matches a path with escapes may have it: not
// if the wildcard for the rest takes an escaped slash, and with a slash in its place
// the path is another's. If only all escaped slashes together make it another's, the
// pattern may have it, and files may not be served by it.
func (t *Table) MayHave(found *Pattern, m h1.Method, host, path []byte) (may, files bool) {
	first := escapedSlash(path)
	if first < 0 {
		return true, true
	}
	files = t.stays(found, m, host, path, first)
	if !found.endsOpen() {
		return true, files
	}
	rest := 0 // where it begins
	for range found.segments {
		rest += bytes.IndexByte(path[rest:], '/') + 1
	}
	return escapedSlash(path[rest:]) < 0 || t.stays(found, m, host, path, rest), files
}

// stays reports whether a pattern is still the one for a path when its escaped slashes
// from a place on are slashes.
func (t *Table) stays(found *Pattern, m h1.Method, host, path []byte, from int) bool {
	var room, more [128]byte // for most
	path, beyond := Tidied(more[:0], unescapeSlashes(room[:0], path, from))
	if beyond {
		return false
	}
	other, asFolder := t.Match(m, host, path, true)
	return other == found && !asFolder
}

// Allowed returns the methods by which a path could be asked for, in order of their
// names.
func (t *Table) Allowed(host, path []byte) (names []string) {
	s := search{escaped: true}
	tree := t.hostTree(host)
	for s.method = range h1.Methods {
		s.slash = false
		found := t.find(tree, path, s)
		if found == nil && path[len(path)-1] != '/' {
			s.slash = true // it would be redirected
			found = t.find(tree, path, s)
		}
		if found != nil {
			names = append(names, s.method.String())
		}
	}
	slices.Sort(names)
	return names
}

// find asks the tree of the host, if there is one, and then the one for all.
func (t *Table) find(host *node, path []byte, s search) *Pattern {
	if host != nil {
		if found := host.find(path, s); found != nil {
			return found
		}
	}
	return t.anyHost.find(path, s)
}

// hostTree returns the tree of a host, or nil. Ports are not compared.
func (t *Table) hostTree(host []byte) *node {
	if len(t.hosts) == 0 {
		return nil
	}
	var lower [128]byte // for most
	return t.hosts[string(appendLower(lower[:0], host[:max(0, h1.HostLength(host))]))]
}

func appendLower(dst, p []byte) []byte {
	for _, c := range p {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
