package http

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/route"
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
//	/users/{id}            any one segment: r.PathValue("id")
//	/files/{path...}       the rest of the path, slashes and all
//	/{$}                   "/" alone
//
// Of the patterns that match a request, the most specific is chosen: the one
// whose requests the others match, too. One with a host comes before one
// without. If neither of two is the more specific, Handle panics.
//
// A request that no pattern matches is answered by 404, or by 405 and a list of methods
// if only the method is wrong: with 204 in place of 405 for OPTIONS, which asks for it.
// "/tree" is redirected to "/tree/" if there is a pattern for that, and none for "/tree"
// itself. Paths like "/a//b", "/a/../b" and "/a/%2e%2e/b" are redirected to the clean one,
// so handlers see no other. Redirects are 307, so that the method stays.
//
// A path is cut at its slashes first, and then its segments are decoded, so that "%2F"
// is part of the value of {name}, which may be "a/../b". A handler of files reads more
// slashes there (CleanPath), and so may a handler of {path...} or a subtree. No request
// gets past another pattern, or past the middleware of a group, by that: where {path...}
// or a subtree contains an escaped slash, the answer is 404 if another pattern would be
// chosen with a slash in its place; and where {name} contains it, Request.CleanPathBytes
// returns that 404.
//
// Other differences from net/http, on purpose (docs/handlers.md has the same list):
//
//   - "%2e" is a dot, and a path that ends with a segment of dots is a folder
//     (RFC 3986 section 5.2.4).
//   - A pattern that could never match is refused: one for TRACE or CONNECT or
//     for a method like "get", with a port, a bad escape or a path that is not
//     clean. One for a method that HTTP itself does not have needs
//     Config.AnyMethod; a line in the log says so if it is not set.
//   - OPTIONS is answered by 204 and the methods of the path, if no pattern
//     has OPTIONS for it.
//   - Hosts have no case, and an IPv6 address has its brackets.
//   - "%2F" is a segment, which {name} matches, and not the end of a path, "/{$}".
//   - A path is cut as it was sent, even if it has a character that should have been
//     escaped.
//   - The empty path of "http://host" is "/", and not redirected to it.
//   - A redirect keeps the escapes of the path and the query as they were sent;
//     a character that should have been escaped is.
//   - A redirected request has no Pattern.
//
// Serve changes nothing in a Router: once all handlers are registered, several loops may
// share it.
type Router struct {
	parent     *Router // of a group, which has nothing but the next two lines
	prefix     string  // of a group, with those of its parents
	middleware []Middleware

	table    route.Table
	handlers []Handler // by the numbers of their patterns
}

// Use puts middleware around all handlers that are registered after it, also by
// groups. The first is outermost. It does not see the Router's own answers: for those as
// well, put middleware around Serve, by Chain.
func (r *Router) Use(m ...Middleware) { r.middleware = append(r.middleware, m...) }

// Group returns a Router that registers with this one: its paths begin with the
// prefix, and its handlers are wrapped in m, inside of the middleware of r.
// The prefix is "/api", or "api.example.com/" for a host, or both, or empty; it
// may have wildcards.
func (r *Router) Group(prefix string, m ...Middleware) *Router {
	text, err := route.Join(r.prefix, cmp.Or(prefix, "/"))
	if err != nil {
		panic(err.Error())
	}
	folder := strings.TrimSuffix(text, "/")
	if method, _, _ := route.Cut(text); method != "" {
		panic(fmt.Sprintf("http: bad prefix %q of a group: the method belongs to its patterns", prefix))
	}
	for _, pattern := range []string{text, folder + "/"} { // there is a slash, and something may stand behind it
		if _, err := route.Parse(pattern); err != nil {
			panic(fmt.Sprintf("%v (it is the prefix of a group)", err))
		}
	}
	return &Router{parent: r, prefix: folder, middleware: slices.Clone(m)}
}

// Handle registers a handler. It panics if the pattern is bad, or if it conflicts
// with one that is registered already: both are to be noticed before anything is
// served. It compares with all that are there: that takes some 20 ms for a
// thousand patterns, and two seconds for ten thousand.
func (r *Router) Handle(pattern string, h Handler) {
	if h == nil {
		panic(fmt.Sprintf("http: the handler for %q is nil", pattern))
	}
	text, err := route.Join(r.prefix, pattern)
	if err != nil {
		panic(err.Error())
	}
	p, err := route.Parse(text)
	if err != nil {
		panic(err.Error())
	}
	p.Where = "at an unknown place"
	if _, file, line, ok := runtime.Caller(1); ok {
		p.Where = fmt.Sprintf("%s:%d", file, line)
	}
	for ; ; r = r.parent {
		h = Chain(r.middleware...)(h)
		if r.parent == nil {
			break
		}
	}
	if err := r.table.Add(p); err != nil {
		panic(err.Error())
	}
	r.handlers = append(r.handlers, h)
}

// Patterns returns what is registered, in its order. A record of the kind HandlerEnded
// has a place in this list, counted from 1.
func (r *Router) Patterns() []string {
	for r.parent != nil {
		r = r.parent
	}
	return r.table.Texts()
}

// Serve is the Handler.
func (r *Router) Serve(w *Response, q *Request) error {
	for r.parent != nil {
		r = r.parent
	}
	h := &q.x.head
	sent := q.PathBytes()
	path, host := sent, h.Host.Of(q.x.raw)
	if !route.IsTidy(path) {
		path, _ = route.Tidied(nil, path)
	}
	escaped := !h.Plain && bytes.IndexByte(path, '%') >= 0
	trees := r.table.Of(h.Method, h.MethodName.Of(q.x.raw))
	found, asFolder := trees.Match(h.Method, host, path, escaped)
	switch {
	case asFolder || len(path) < len(sent):
		return redirect(w, q, path, asFolder)
	case found == nil:
		return r.refuse(w, q, host, path)
	case escaped:
		may, files := trees.MayHave(found, h.Method, host, path)
		q.x.others = q.x.others || !files
		if !may {
			return StatusNotFound
		}
	}
	q.x.route = found
	return r.handlers[found.Number](w, q)
}

// refuse answers where no pattern matches: by 404, or by 405 and the methods of those
// that match but for the method.
func (r *Router) refuse(w *Response, q *Request, host, path []byte) error {
	if others := r.table.Others(); len(others) > 0 {
		w.x.conn.server.warnOfMethods(others)
	}
	allowed := r.table.Allowed(host, path)
	if allowed == nil {
		return StatusNotFound
	}
	return MethodNotAllowed(w, q, strings.Join(allowed, ", "))
}

// redirect sends the client to a clean path. It begins with one slash, and bytes that
// cannot be in a URI are escaped, above all "\\", which browsers take for a slash: so it
// is not taken for another host.
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
		to = route.EscapeURI(append(to, '?'), query)
	}
	w.Add("Location", string(to))
	return StatusTemporaryRedirect
}

// Pattern returns the pattern that a Router has chosen for the request, as it was
// registered, with the prefix of its group; "" if there is none. Of Routers within
// Routers, it is that of the innermost that has found one.
func (r *Request) Pattern() string {
	r.use("Pattern")
	if r.x.route == nil {
		return ""
	}
	return r.x.route.Text
}

// PathValue returns the value of a wildcard of the pattern, with its escapes decoded; ""
// if the pattern has none of that name. It may be any text, even "a/../b": for the name
// of a file, see CleanPathBytes.
func (r *Request) PathValue(name string) string {
	r.use("PathValue")
	if r.x.route == nil {
		return ""
	}
	value, _ := r.pathValue(name)
	return value
}
