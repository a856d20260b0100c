package route

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A Table finds the pattern for a request. A search changes nothing, so that several
// loops may share a table once all patterns are in it.
type Table struct {
	patterns []*Pattern
	Trees                      // for the methods of HTTP, and others that no pattern names
	others   map[string]*Trees // for those that one does, with the patterns for every method
}

// Trees are the patterns for the methods of HTTP, or for one other method.
type Trees struct {
	hosts   map[string]*node // of the patterns with a host
	anyHost node             // of those without
}

// Add adds a pattern and sets its Number. The error has the pattern that it conflicts
// with, and examples.
func (t *Table) Add(p *Pattern) error {
	for _, other := range t.patterns {
		if other.host == p.host && comparePatterns(p, other).conflict() {
			return errors.New(explain(p, other))
		}
	}
	p.Number = len(t.patterns)
	t.patterns = append(t.patterns, p)
	t.plant(p)
	return nil
}

// plant puts a pattern into the trees that it belongs to.
func (t *Table) plant(p *Pattern) {
	switch {
	case p.other == "":
		t.tree(p.host).add(p)
		for _, trees := range t.others {
			trees.tree(p.host).add(p)
		}
		return
	case t.others[p.other] == nil:
		if t.others == nil {
			t.others = make(map[string]*Trees)
		}
		trees := new(Trees)
		for _, before := range t.patterns {
			if before.other == "" {
				trees.tree(before.host).add(before)
			}
		}
		t.others[p.other] = trees
	}
	t.others[p.other].tree(p.host).add(p)
}

// Of returns the trees for a method, whose name matters only if it is none of HTTP's own.
func (t *Table) Of(m h1.Method, name []byte) *Trees {
	if m == h1.MethodOther {
		if trees := t.others[string(name)]; trees != nil {
			return trees
		}
	}
	return &t.Trees
}

// Others returns the methods beside those of HTTP that patterns name.
func (t *Table) Others() []string { return slices.Sorted(maps.Keys(t.others)) }

// Texts returns the patterns as they were registered, by their numbers.
func (t *Table) Texts() []string {
	list := make([]string, len(t.patterns))
	for i, p := range t.patterns {
		list[i] = p.Text
	}
	return list
}

// tree returns the tree of the patterns with a host, or without one.
func (t *Trees) tree(host string) *node {
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
// a subtree further up, asFolder reports whether there is one for the same path with a
// slash at its end. The host may have a port. Escaped must be true if the path may have
// escapes.
func (t *Trees) Match(m h1.Method, host, path []byte, escaped bool) (found *Pattern, asFolder bool) {
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

// MayHave reports whether a pattern may serve a path with escapes that it matches. It may
// not if its wildcard for the rest contains an escaped slash and another pattern matches
// with a slash in its place. Files reports whether files may be served by it, too: not if
// another pattern matches with slashes in place of all escaped ones.
func (t *Trees) MayHave(found *Pattern, m h1.Method, host, path []byte) (may, files bool) {
	first := escapedSlash(path)
	if first < 0 {
		return true, true
	}
	files = t.stays(found, m, host, path, first)
	if !found.endsOpen() {
		return true, files
	}
	rest := 0 // where the rest begins
	for range found.segments {
		rest += bytes.IndexByte(path[rest:], '/') + 1
	}
	return escapedSlash(path[rest:]) < 0 || t.stays(found, m, host, path, rest), files
}

// stays reports whether a pattern still matches a path when slashes replace its escaped
// ones from an offset on.
func (t *Trees) stays(found *Pattern, m h1.Method, host, path []byte, from int) bool {
	var room, more [128]byte // for most
	path, beyond := Tidied(more[:0], unescapeSlashes(room[:0], path, from))
	if beyond {
		return false
	}
	other, asFolder := t.Match(m, host, path, true)
	return other == found && !asFolder
}

// Allowed returns the methods that a pattern serves for a path, sorted by name.
func (t *Table) Allowed(host, path []byte) (names []string) {
	for m := h1.MethodOther + 1; m < h1.Methods; m++ {
		if t.has(m, host, path) {
			names = append(names, m.String())
		}
	}
	for name, trees := range t.others {
		if trees.has(h1.MethodOther, host, path) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// has reports whether a pattern serves a method for a path, or for the folder that a
// router would redirect to.
func (t *Trees) has(m h1.Method, host, path []byte) bool {
	s := search{method: m, escaped: true}
	tree := t.hostTree(host)
	if t.find(tree, path, s) != nil {
		return true
	}
	s.slash = path[len(path)-1] != '/'
	return s.slash && t.find(tree, path, s) != nil
}

// find searches the tree of the host, if there is one, and then that for all hosts.
func (t *Trees) find(host *node, path []byte, s search) *Pattern {
	if host != nil {
		if found := host.find(path, s); found != nil {
			return found
		}
	}
	return t.anyHost.find(path, s)
}

// hostTree returns the tree of a host, or nil. Ports are not compared.
func (t *Trees) hostTree(host []byte) *node {
	if len(t.hosts) == 0 {
		return nil
	}
	var lower [128]byte // for most
	return t.hosts[string(appendLower(lower[:0], host[:max(0, h1.HostLength(host))]))]
}

// appendLower appends p in lower case.
func appendLower(dst, p []byte) []byte {
	for _, c := range p {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}
