package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/static"
)

// The parts of a site at work: each loop opens all of them, and finds that of a request by its
// name and its path. A name goes before a path: of the parts for the most exact name, the one
// with the longest path, and what no part is for is served by the settings above them.

// A fit says how exactly a part is for a name. More is better.
type fit uint8

const (
	noName    fit = iota // for other names
	allNames             // for all
	belowName            // for all below one
	thatName
)

// names returns how exactly a part is for a name that a request has.
func (p *part) names(name string) fit {
	if len(p.hosts) == 0 {
		return allNames
	}
	best := noName
	for _, host := range p.hosts {
		above, wild := strings.CutPrefix(host, "*")
		switch {
		case host == name:
			return thatName
		case wild && strings.HasSuffix(name, above):
			best = belowName
		}
	}
	return best
}

// withoutMaintenance returns the parts without what --maintenance closes.
func withoutMaintenance(parts []*part) (list []*part) {
	for _, p := range parts {
		sub := *p.options
		sub.closed.maintenance = ""
		list = append(list, &part{p.place, p.hosts, p.keys, &sub})
	}
	return list
}

// openParts opens the parts for each loop, and puts them before what the loop serves. Was is the
// setup in use, nil for the first one.
func (c *setup) openParts(was *setup, trouble *slog.Logger) error {
	o := c.options
	if len(o.parts) == 0 {
		return nil
	}
	all := o.all()
	for n, part := range o.parts {
		sub := part.options
		sub.at = o.at // a service manager or the process before may have given others
		if err := c.openPart(n, all, was, trouble); err != nil {
			return sub.locate(fmt.Errorf("%w (in the [[site]] at %s)", err, part.place))
		}
	}
	for _, p := range c.loops {
		p.choose = &chooser{parts: o.parts, loops: p.parts, rest: p}
		p.handler = p.choose.wrap(p.handler)
	}
	return nil
}

// openPart opens one part for each loop.
func (c *setup) openPart(n int, all []*options, was *setup, trouble *slog.Logger) error {
	part := c.options.parts[n]
	sub := part.options
	from, err := sub.site.readSources(sub.path)
	if err != nil {
		return err
	}
	closed, err := sub.closed.open()
	if err != nil {
		return err
	}
	before := -1
	if was != nil {
		before = slices.IndexFunc(was.options.parts, part.follows)
	}
	for i, p := range c.loops {
		one := &perLoop{}
		p.parts = append(p.parts, one)
		if before >= 0 {
			one.users = was.loops[i].parts[before].users
		}
		if err := one.open(sub, all, from, trouble); err != nil {
			return err
		}
		one.handler = closed(one.handler)
	}
	for _, text := range slices.Concat(c.loops[0].parts[n].warnings, part.withoutEffect(), part.isOpen(all)) {
		c.options.warn("%s: %s", part, text)
	}
	return nil
}

// follows reports whether a part is for the same requests as one of before: then it keeps the
// wrong guesses of passwords.
func (p *part) follows(before *part) bool {
	return slices.Equal(p.hosts, before.hosts) && p.options.site.prefix == before.options.site.prefix
}

// A chooser finds the part of a request, on one loop.
type chooser struct {
	parts []*part
	loops []*perLoop // what this loop has of each
	rest  *perLoop   // for all other requests

	host []byte // the last one: nearly always the next is the same
	own  []int  // the parts for it, the best first
}

// of returns what serves a request.
func (c *chooser) of(r *http.Request) *perLoop {
	if host := r.HostBytes(); c.own == nil || !bytes.Equal(host, c.host) {
		c.host = append(c.host[:0], host...)
		c.order(nameOf(string(host)))
	}
	if len(c.own) == 0 {
		return c.rest
	}
	path, err := r.CleanPathBytes(nil)
	if err != nil {
		path = r.PathBytes() // which is no name of a file anywhere
	}
	if n := c.at(path); n >= 0 {
		return c.loops[n]
	}
	return c.rest
}

// at returns which of the parts for the name of before is for a path, -1 for none.
func (c *chooser) at(path []byte) int {
	for _, n := range c.own {
		if isBelow(path, c.parts[n].options.site.prefix) {
			return n
		}
	}
	return -1
}

// order finds the parts for a name.
func (c *chooser) order(name string) {
	c.own = make([]int, 0, len(c.parts))
	for n, part := range c.parts {
		if part.names(name) != noName {
			c.own = append(c.own, n)
		}
	}
	slices.SortStableFunc(c.own, func(a, b int) int {
		one, other := c.parts[a], c.parts[b]
		if d := int(other.names(name)) - int(one.names(name)); d != 0 {
			return d
		}
		return len(other.options.site.prefix) - len(one.options.site.prefix)
	})
}

// isBelow reports whether a path is a prefix, or in it.
func isBelow(path []byte, prefix string) bool {
	return len(path) >= len(prefix) && string(path[:len(prefix)]) == prefix && (len(path) == len(prefix) || path[len(prefix)] == '/' || prefix == "")
}

// wrap has each part answer its requests, and next all others.
func (c *chooser) wrap(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if p := c.of(r); p != c.rest {
			return p.handler(w, r)
		}
		return next(w, r)
	}
}

// noPart answers what is for none of the [[site]] tables, where nothing is served beside them.
func noPart(w *http.Response, r *http.Request) error {
	name := nameOf(r.Host())
	if len(name) > 253 || name == "" {
		name = "that"
	}
	return http.StatusMisdirectedRequest.Because(fmt.Sprintf("this server has no site of the name %s", name))
}

// allFiles returns the files of the loop and its parts.
func (p *perLoop) allFiles() (list []*static.Files) {
	for _, one := range append([]*perLoop{p}, p.parts...) {
		if one.files != nil {
			list = append(list, one.files)
		}
	}
	return list
}

// takeUsers puts the users that were read into use, on the loop.
func (p *perLoop) takeUsers() {
	for _, one := range append([]*perLoop{p}, p.parts...) {
		if one.newUsers != nil {
			one.users.SetUsers(one.newUsers)
			one.users.Realm = one.newUsers.Realm
			one.newUsers = nil
		}
	}
}

// userOf returns what names the user of a request, nil if no name is asked for.
func (p *perLoop) userOf() func(*http.Request) string {
	asks := func(p *perLoop) bool { return p.users != nil }
	switch {
	case p.choose == nil && p.users != nil:
		return p.users.User
	case !asks(p) && !slices.ContainsFunc(p.parts, asks):
		return nil
	}
	return func(r *http.Request) string {
		if users := p.choose.of(r).users; users != nil {
			return users.User(r)
		}
		return ""
	}
}
