package route

import (
	"bytes"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A tree finds the most specific of the patterns that match. It has a level for each
// segment. At each level the search tries the narrow before the wide: the literal
// segment, then the wildcard, then the one for all the rest. A branch that leads nowhere
// is left for the next:
//
//	/a/b/z and /a/{x}/c: for /a/b/c, "b" is tried before {x}
//
// The first pattern that is found is the most specific, because a table refuses patterns
// that conflict. A node is visited once at most, so the number of patterns bounds the
// cost of a request, whatever its path.

// A node stands for all paths with the same beginning.
type node struct {
	few  []branch         // by literal segments, while they are few
	many map[string]*node // all of them, when they are many
	one  *node            // by a wildcard

	here *choice // of the patterns that end at this node
	end  *choice // with {$}
	rest *choice // with a subtree
}

// A branch is a literal segment and the node behind it.
type branch struct {
	text string
	node *node
}

// linearMax is the most branches for which a linear scan beats a map.
const linearMax = 8

// A choice holds the pattern for each method, nil where there is none.
type choice [h1.Methods]*Pattern

// add puts a pattern into the tree below n.
func (n *node) add(r *Pattern) {
	for _, s := range r.segments {
		switch s.kind {
		case literal:
			n = n.branch(s.text)
		case one:
			if n.one == nil {
				n.one = new(node)
			}
			n = n.one
		case rest:
			n.rest = n.rest.with(r)
			return
		case end:
			n.end = n.end.with(r)
			return
		}
	}
	n.here = n.here.with(r)
}

// branch returns the node behind a literal segment, and makes one if there is none.
func (n *node) branch(text string) *node {
	if next := n.along([]byte(text)); next != nil {
		return next
	}
	next := new(node)
	n.few = append(n.few, branch{text, next})
	if len(n.few) > linearMax {
		if n.many == nil {
			n.many = make(map[string]*node)
		}
		for _, b := range n.few {
			n.many[b.text] = b.node
		}
	}
	return next
}

// along returns the node behind a literal segment, or nil.
func (n *node) along(segment []byte) *node {
	if n.many != nil {
		return n.many[string(segment)]
	}
	for i := range n.few {
		if b := &n.few[i]; b.text == string(segment) {
			return b.node
		}
	}
	return nil
}

// with adds a pattern. Of two for the same method, the one with fewer methods is
// the more specific.
func (c *choice) with(r *Pattern) *choice {
	if c == nil {
		c = new(choice)
	}
	for m, other := range c {
		if r.methods.has(h1.Method(m)) && (other == nil || r.methods.size() < other.methods.size()) {
			c[m] = r
		}
	}
	return c
}

// of returns the pattern for a method, or nil.
func (c *choice) of(m h1.Method) *Pattern {
	if c == nil {
		return nil
	}
	return c[m]
}

// A search is the request that a tree is asked for, without its path.
type search struct {
	method  h1.Method
	escaped bool // the path has escapes
	slash   bool // a slash is added to the end of the path
}

// find returns the most specific pattern below n for the rest of a path, or nil.
// The path begins with a slash, or is empty.
func (n *node) find(path []byte, s search) *Pattern {
	if len(path) == 0 && !s.slash {
		return n.here.of(s.method)
	}
	if len(path) <= 1 {
		if r := n.end.of(s.method); r != nil {
			return r
		}
		return n.rest.of(s.method)
	}
	segment, behind := path[1:], path[len(path):]
	if i := bytes.IndexByte(segment, '/'); i >= 0 {
		segment, behind = segment[:i], segment[i:]
	}
	if next := n.follow(segment, s.escaped); next != nil {
		if r := next.find(behind, s); r != nil {
			return r
		}
	}
	if n.one != nil {
		if r := n.one.find(behind, s); r != nil {
			return r
		}
	}
	return n.rest.of(s.method)
}

// follow is along for a segment that may have escapes. The path was cut at its slashes
// before, so an escaped slash cuts nothing.
func (n *node) follow(segment []byte, escaped bool) *node {
	if !escaped {
		return n.along(segment)
	}
	var decoded [64]byte // for most
	return n.along(h1.Decode(decoded[:0], segment))
}
