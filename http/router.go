package http

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// A Router chooses a handler by the method, the host and the path of a request.
// The zero value is ready. Its Serve is a Handler:
//
//	var site http.Router
//	site.Handle("GET /users/{id}", user)
//	log.Fatal(http.ListenAndServe(":8080", site.Serve))
//
// Patterns are those of net/http's ServeMux, "[METHOD ][HOST]/[PATH]":
//
//	/index.html            that path, on every host, by every method
//	GET /static/           GET and HEAD, for every path that begins so
//	example.com/           every path on that host
//	/users/{id}            one segment, whatever it is: r.PathValue("id")
//	/files/{path...}       the rest of the path, slashes and all
//	/{$}                   "/" alone
//
// Of the patterns that match a request, the most specific is chosen: the one
// whose requests the others match, too. One with a host comes before one
// without. Where nobody could say which is the more specific, Handle panics.
//
// What matches nothing is answered by 404, or by 405 and a list of methods if
// only the method is wrong. "/tree" is redirected to "/tree/" if there is a
// pattern for that, and none for "/tree" itself. Paths like "/a//b" and "/a/../b"
// are redirected to the clean one, so handlers see no other: but a segment may
// still be anything when its escapes are decoded, "..", too. Redirects are 307, so
// that the method stays.
//
// A path is divided at its slashes first, and then its segments are decoded, so
// that "%2F" is part of a segment. What else differs from net/http, on purpose:
//
//   - A pattern that could never match is refused: one with a method that the
//     server does not have, a port, a bad escape or a path that is not clean.
//   - Hosts have no case, and an IPv6 address has its brackets.
//   - "%2F" is a segment, which {name} matches, and not the end of a path, "/{$}".
//   - A path is divided as it was sent, even if it has a character that should
//     have been escaped.
//   - The empty path of "http://host" is "/", and not redirected to it.
//   - A redirect keeps the escapes of the path and the query as they were sent;
//     a character that should have been escaped is.
//   - A redirected request has no Pattern.
//
// Serve changes nothing in a Router: once all is registered, several loops may
// share it.
type Router struct {
	parent *Router // of a group, which has nothing but the next two lines
	prefix string  // of a group, with those of its parents
	around []Middleware

	routes  []*route
	hosts   map[string]*node // trees of the patterns with a host
	anyHost node             // the tree of those without
}

// Use puts middleware around all handlers that are registered after it, also by
// groups. The first is outermost. What the Router itself answers is not the
// handlers': to see that as well, put middleware around Serve, by Chain.
func (r *Router) Use(m ...Middleware) { r.around = append(r.around, m...) }

// Group returns a Router that registers with this one: its paths begin with the
// prefix, and its handlers are wrapped in m, inside of what is around already.
// The prefix is "/api", or "api.example.com/" for a host, or both, or empty; it
// may have wildcards.
func (r *Router) Group(prefix string, m ...Middleware) *Router {
	text := mustJoin(r.prefix, cmp.Or(prefix, "/"))
	folder := strings.TrimSuffix(text, "/")
	if method, _, _ := cutPattern(text); method != "" {
		panic(fmt.Sprintf("http: bad prefix %q of a group: the method belongs to its patterns", prefix))
	}
	for _, pattern := range []string{text, folder + "/"} { // there is a slash, and something may stand behind it
		if _, err := parsePattern(pattern); err != nil {
			panic(fmt.Sprintf("%v (it is the prefix of a group)", err))
		}
	}
	return &Router{parent: r, prefix: folder, around: slices.Clone(m)}
}

// mustJoin puts the prefix of a group into a pattern. A pattern without a path
// stays as it is: parsePattern says more about it.
func mustJoin(prefix, pattern string) string {
	_, groupHost, groupPath := cutPattern(prefix)
	method, host, path := cutPattern(pattern)
	switch {
	case path == "":
		return pattern
	case host != "" && groupHost != "":
		panic(fmt.Sprintf("http: bad pattern %q: its group is for the host %q already", pattern, groupHost))
	}
	return method + groupHost + host + groupPath + path
}

// Handle registers a handler. It panics if the pattern is bad, or if it conflicts
// with one that is registered already: both are to be noticed before anything is
// served. It compares with all that are there: that takes some 20 ms for a
// thousand patterns, and two seconds for ten thousand.
func (r *Router) Handle(pattern string, h Handler) {
	if h == nil {
		panic(fmt.Sprintf("http: the handler for %q is nil", pattern))
	}
	p, err := parsePattern(mustJoin(r.prefix, pattern))
	if err != nil {
		panic(err.Error())
	}
	p.where = "at an unknown place"
	if _, file, line, ok := runtime.Caller(1); ok {
		p.where = fmt.Sprintf("%s:%d", file, line)
	}
	for ; ; r = r.parent {
		h = Chain(r.around...)(h)
		if r.parent == nil {
			break
		}
	}
	for _, other := range r.routes {
		if other.host == p.host && comparePatterns(p, &other.pattern).conflict() {
			panic(explain(p, &other.pattern))
		}
	}
	added := &route{*p, h}
	r.routes = append(r.routes, added)
	r.tree(p.host).add(added)
}

// tree returns the tree of the patterns with a host, or without one.
func (r *Router) tree(host string) *node {
	if host == "" {
		return &r.anyHost
	}
	if r.hosts == nil {
		r.hosts = make(map[string]*node)
	}
	if r.hosts[host] == nil {
		r.hosts[host] = new(node)
	}
	return r.hosts[host]
}

// Serve is the Handler.
func (r *Router) Serve(w *Response, q *Request) error {
	for r.parent != nil {
		r = r.parent
	}
	sent := q.PathBytes()
	path := sent
	if !isTidy(path) {
		path = tidied(path)
	}
	found, asFolder := r.match(q, path)
	switch {
	case asFolder || len(path) < len(sent):
		return redirect(w, q, path, asFolder)
	case found == nil:
		return r.refuse(w, q, path)
	}
	q.x.route = found
	return found.handler(w, q)
}

// match returns the route for a clean path, or nil. If there is none, or only
// that of a subtree further up, it may be there for the same path as a folder.
func (r *Router) match(q *Request, path []byte) (found *route, asFolder bool) {
	s := search{method: q.x.head.method, escaped: bytes.IndexByte(path, '%') >= 0}
	host := r.hostTree(q)
	found = r.find(host, path, s)
	if found != nil && !found.endsOpen() || path[len(path)-1] == '/' {
		return found, false
	}
	s.slash = true
	other := r.find(host, path, s)
	asFolder = other != nil && (!other.endsOpen() || len(other.segments) == bytes.Count(path, slash)+1)
	return found, asFolder
}

// find asks the tree of the host, if there is one, and then the one for all.
func (r *Router) find(host *node, path []byte, s search) *route {
	if host != nil {
		if found := host.find(path, s); found != nil {
			return found
		}
	}
	return r.anyHost.find(path, s)
}

// hostTree returns the tree of the host that was asked for, without its port, or
// nil.
func (r *Router) hostTree(q *Request) *node {
	if len(r.hosts) == 0 {
		return nil
	}
	host := q.x.head.host.of(q.x.raw)
	var lower [128]byte // for most
	return r.hosts[string(appendLower(lower[:0], host[:max(0, hostLength(host))]))]
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

// refuse answers where no pattern matches. The methods of those that match but
// for the method are listed in order of their names.
func (r *Router) refuse(w *Response, q *Request, path []byte) error {
	s := search{escaped: true}
	host := r.hostTree(q)
	var allowed []string
	for s.method = range methods {
		s.slash = false
		found := r.find(host, path, s)
		if found == nil && path[len(path)-1] != '/' {
			s.slash = true // it would be redirected
			found = r.find(host, path, s)
		}
		if found != nil {
			allowed = append(allowed, s.method.String())
		}
	}
	if allowed == nil {
		return StatusNotFound
	}
	slices.Sort(allowed)
	w.Set("Allow", strings.Join(allowed, ", "))
	return StatusMethodNotAllowed
}

// redirect sends the client to a clean path. That begins with one slash, and
// what is no URI's is escaped, "\\" above all, which browsers take for a slash:
// so it is not taken for another host.
func redirect(w *Response, q *Request, path []byte, asFolder bool) error {
	var to []byte
	for i, c := range path {
		if c == '%' {
			to = append(to, c) // an escape stays one
		} else {
			to = EscapePath(to, string(path[i:i+1]))
		}
	}
	if asFolder {
		to = append(to, '/')
	}
	if query, ok := q.QueryBytes(); ok {
		to = append(append(to, '?'), query...)
	}
	w.Set("Location", string(to))
	return StatusTemporaryRedirect
}

// isTidy reports whether a path has no empty segments, and none that are dots.
// What is escaped is not looked at.
func isTidy(path []byte) bool {
	for i := 1; i < len(path); i++ {
		if path[i-1] == '/' && (path[i] == '/' || isDots(path[i:])) {
			return false
		}
	}
	return true
}

// isDots reports whether p begins with a segment of one or two dots.
func isDots(p []byte) bool {
	n := 0
	for n < len(p) && p[n] == '.' {
		n++
	}
	return (n == 1 || n == 2) && (n == len(p) || p[n] == '/')
}

// tidied returns a path without empty segments and dots, as a client should have
// sent it. It ends with a slash if it did before.
func tidied(path []byte) []byte {
	clean := make([]byte, 1, len(path)+1)
	clean[0] = '/'
	for segment := range bytes.SplitSeq(path[1:], slash) {
		switch {
		case len(segment) == 0 || string(segment) == ".":
		case string(segment) == "..":
			above := clean[:len(clean)-1]
			clean = clean[:max(0, bytes.LastIndexByte(above, '/'))+1]
		default:
			clean = append(append(clean, segment...), '/')
		}
	}
	if len(clean) > 1 && path[len(path)-1] != '/' {
		clean = clean[:len(clean)-1]
	}
	return clean
}

// Pattern returns the pattern that a Router has chosen for the request, as it was
// registered, with the prefix of its group; "" if there is none. Of Routers
// within Routers, the innermost that has found something has the say.
func (r *Request) Pattern() string {
	r.use("Pattern")
	if r.x.route == nil {
		return ""
	}
	return r.x.route.text
}

// PathValue returns what a wildcard of the pattern stands for, with its escapes
// decoded; "" if the pattern has none of that name. It may hold anything, slashes
// and dots, too: see CleanPath before it names a file.
//
// Nothing is kept for it when the pattern is chosen: the wildcard's place in the
// pattern is its place in the path.
func (r *Request) PathValue(name string) string {
	r.use("PathValue")
	route := r.x.route
	if route == nil {
		return ""
	}
	i := route.wildcard(name)
	if i < 0 {
		return ""
	}
	value := r.piece(r.segment(i, route.segments[i].kind == rest))
	if strings.IndexByte(value, '%') < 0 {
		return value
	}
	return string(decode(nil, []byte(value)))
}

// segment returns where a segment of the path stands, or all from there on.
func (r *Request) segment(n int, open bool) span {
	s := r.x.head.path
	path := s.of(r.x.raw)
	from, to := 0, len(path)
	for range n + 1 {
		from += bytes.IndexByte(path[from:], '/') + 1
	}
	if i := bytes.IndexByte(path[from:], '/'); i >= 0 && !open {
		to = from + i
	}
	return between(int(s.from)+from, int(s.from)+to)
}
