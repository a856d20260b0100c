package http

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
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
// pattern for that, and none for "/tree" itself. Paths like "/a//b", "/a/../b" and
// "/a/%2e%2e/b" are redirected to the clean one, so handlers see no other. Redirects
// are 307, so that the method stays.
//
// A path is divided at its slashes first, and then its segments are decoded, so
// that "%2F" is part of what {name} stands for, which may be "a/../b". Whoever
// serves files reads more slashes there (CleanPath), and so may whoever takes
// {path...} or a subtree. So that nobody gets past another pattern, or the middleware
// of a group, by that: where {path...} or a subtree takes an escaped slash, the answer
// is 404 if with a slash in its place another pattern would be chosen; and where
// {name} takes it, Request.CleanPathBytes returns that 404.
//
// What else differs from net/http, on purpose:
//
//   - "%2e" is a dot, and a path that ends with a segment of dots is a folder
//     (RFC 3986 section 5.2.4).
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
	parent     *Router // of a group, which has nothing but the next two lines
	prefix     string  // of a group, with those of its parents
	middleware []Middleware

	routes  []*route
	hosts   map[string]*node // trees of the patterns with a host
	anyHost node             // the tree of those without
}

// Use puts middleware around all handlers that are registered after it, also by
// groups. The first is outermost. What the Router itself answers is not the
// handlers': to see that as well, put middleware around Serve, by Chain.
func (r *Router) Use(m ...Middleware) { r.middleware = append(r.middleware, m...) }

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
	return &Router{parent: r, prefix: folder, middleware: slices.Clone(m)}
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
		h = Chain(r.middleware...)(h)
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
		path, _ = tidied(nil, path)
	}
	escaped := !q.x.head.Plain && bytes.IndexByte(path, '%') >= 0
	found, asFolder := r.match(q, path, escaped)
	switch {
	case asFolder || len(path) < len(sent):
		return redirect(w, q, path, asFolder)
	case found == nil:
		return r.refuse(w, q, path)
	case escaped && !r.mayHave(q, path, found):
		return StatusNotFound
	}
	q.x.route = found
	return found.handler(w, q)
}

// match returns the route for a clean path, or nil. If there is none, or only
// that of a subtree further up, it may be there for the same path as a folder.
func (r *Router) match(q *Request, path []byte, escaped bool) (found *route, asFolder bool) {
	s := search{method: q.x.head.Method, escaped: escaped}
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

// mayHave reports whether a route may have a path with escapes: not if the wildcard
// for the rest of it takes an escaped slash, and with a slash in its place the path
// is another's. If only all escaped slashes together make it another's, the route
// may have it and files may not, which is noted.
func (r *Router) mayHave(q *Request, path []byte, found *route) bool {
	first := escapedSlash(path)
	if first < 0 {
		return true
	}
	if !r.stays(q, path, first, found) {
		q.x.head.Others = true
	}
	if !found.endsOpen() {
		return true
	}
	rest := 0 // where it begins
	for range found.segments {
		rest += bytes.IndexByte(path[rest:], '/') + 1
	}
	return escapedSlash(path[rest:]) < 0 || r.stays(q, path, rest, found)
}

// stays reports whether a route is still the one for a path when its escaped slashes
// from a place on are slashes.
func (r *Router) stays(q *Request, path []byte, from int, found *route) bool {
	var room, more [128]byte // for most
	path, beyond := tidied(more[:0], unescapeSlashes(room[:0], path, from))
	if beyond {
		return false
	}
	other, asFolder := r.match(q, path, true)
	return other == found && !asFolder
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
	host := q.x.head.Host.Of(q.x.raw)
	var lower [128]byte // for most
	return r.hosts[string(appendLower(lower[:0], host[:max(0, h1.HostLength(host))]))]
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
	for s.method = range h1.Methods {
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
	w.Add("Allow", strings.Join(allowed, ", "))
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
	w.Add("Location", string(to))
	return StatusTemporaryRedirect
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
// decoded; "" if the pattern has none of that name. It may hold anything, "a/../b",
// too: see CleanPathBytes for what names a file.
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
	return string(h1.Decode(nil, []byte(value)))
}

// segment returns where a segment of the path stands, or all from there on.
func (r *Request) segment(n int, open bool) h1.Span {
	s := r.x.head.Path
	path := s.Of(r.x.raw)
	from, to := 0, len(path)
	for range n + 1 {
		from += bytes.IndexByte(path[from:], '/') + 1
	}
	if i := bytes.IndexByte(path[from:], '/'); i >= 0 && !open {
		to = from + i
	}
	return h1.Between(int(s.From)+from, int(s.From)+to)
}
