package middleware

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// A Redirect is one rule of a _redirects file, as Netlify and Cloudflare define it:
// "FROM TO [STATUS]". In FROM, ":name" matches one segment of a path and a "*" at the
// end matches the rest; in TO, ":name" and ":splat" insert them, in the path, the query and
// the fragment. FROM may be a URL: then
// the rule applies to requests for its host only, over HTTP and HTTPS. The status is 301,
// 302, 303, 307 or 308; or 200 to answer with TO in place, which must be a path of
// this site; or 404 for the same with that status. A "!" after the status gives the
// rule precedence over existing files. A rule that redirects a path to itself does not
// apply to that path.
type Redirect struct {
	text   string   // as it was written
	host   string   // without a port; "" for all
	from   []string // segments
	prefix string   // of the segment before the star at the end of FROM
	splat  bool     // FROM ends with a star
	to     string
	target []piece // of to
	status http.Status
	force  bool
}

// ParseRedirect parses one rule.
func ParseRedirect(s string) (r Redirect, err error) {
	words := strings.Fields(s)
	r.text = strings.Join(words, " ")
	if len(words) < 2 || len(words) > 3 {
		return r, fmt.Errorf("%q is not a redirect: write FROM TO [STATUS], such as \"/old/* /new/:splat 301\"", s)
	}
	from, to := words[0], words[1]
	r.to, r.status = to, http.StatusMovedPermanently
	if len(words) == 3 {
		text, force := strings.CutSuffix(words[2], "!")
		n, err := strconv.Atoi(text)
		r.status, r.force = http.Status(n), force
		switch {
		case err != nil, n != 200 && n != 404 && n != 301 && n != 302 && n != 303 && n != 307 && n != 308:
			return r, fmt.Errorf("%q is not a status of a redirect: write 301, 302, 303, 307, 308, 200 or 404", words[2])
		}
	}
	if from, err = r.cutHost(from); err != nil {
		return r, fmt.Errorf("redirect %q: %w", s, err)
	}
	if !strings.HasPrefix(from, "/") {
		return r, fmt.Errorf("redirect %q: %q does not begin with a slash: did you mean %q?", s, from, "/"+from)
	}
	if from, r.splat = strings.CutSuffix(from, "*"); strings.Contains(from, "*") {
		return r, fmt.Errorf("redirect %q: the * must be at the end of %q", s, words[0])
	}
	if r.splat {
		at := strings.LastIndexByte(from, '/') + 1
		from, r.prefix = from[:at], from[at:]
	}
	r.from = parts(from)
	return r, r.check(s)
}

// String returns the rule as it was written.
func (r *Redirect) String() string { return r.text }

// cutHost returns the path of FROM, and notes its host if it is a URL.
func (r *Redirect) cutHost(from string) (path string, err error) {
	rest, found := strings.CutPrefix(from, "https://")
	if !found {
		if rest, found = strings.CutPrefix(from, "http://"); !found {
			return from, nil
		}
	}
	host, path, _ := strings.Cut(rest, "/")
	r.host = hostOnly(host)
	if r.host == "" || strings.ContainsAny(r.host, "*:@?#") && !strings.HasPrefix(r.host, "[") {
		return "", fmt.Errorf("%q has no host name that requests could have", from)
	}
	return "/" + path, nil
}

// hostOnly returns a Host without its port and its final dot.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.TrimSuffix(host, ".")
}

// check refuses rules that would fail for every visitor.
func (r *Redirect) check(s string) error {
	local := strings.HasPrefix(r.to, "/") && !strings.HasPrefix(r.to, "//")
	switch {
	case !local && !strings.HasPrefix(r.to, "https://") && !strings.HasPrefix(r.to, "http://"):
		return fmt.Errorf("redirect %q: target %q is neither a path nor a URL", s, r.to)
	case !local && (r.status == 200 || r.status == 404):
		return fmt.Errorf("redirect %q: status 200 and 404 need a path of this site, and %q is not one", s, r.to)
	}
	if err := r.parseTarget(r.to); err != nil {
		return fmt.Errorf("redirect %q: %w", s, err)
	}
	return nil
}

// parts returns the segments between the slashes.
func parts(path string) []string {
	return strings.Split(strings.Trim(path, "/"), "/")
}

// match returns the target for a path.
func (r *Redirect) match(path string) (to string, ok bool) {
	have := parts(path)
	from := r.from
	if r.splat && len(from) == 1 && from[0] == "" {
		from = nil
	}
	rest := ""
	if len(have) < len(from) || !r.splat && len(have) > len(from) {
		return "", false
	}
	if r.splat {
		var ok bool
		if rest, ok = strings.CutPrefix(strings.Join(have[len(from):], "/"), r.prefix); !ok {
			return "", false
		}
	}
	if !matchParts(from, have) {
		return "", false
	}
	to = r.fill(func(name string) string {
		if i := slices.Index(from, name); i >= 0 {
			return have[i]
		}
		return rest
	})
	if r.to[0] == '/' {
		to = "/" + strings.TrimLeft(to, "/") // two slashes would begin a host
	}
	return to, true
}

// matchParts reports whether each segment is that of the rule, or has a name in it.
func matchParts(from, have []string) bool {
	for i, part := range from {
		if isName := len(part) > 1 && part[0] == ':'; part != have[i] && (!isName || have[i] == "") {
			return false
		}
	}
	return true
}

// Redirects are rules in order: the first match applies.
type Redirects []Redirect

// ParseRedirects parses rules, one a line; it skips empty lines and those that begin
// with "#". An error has the number of the line.
func ParseRedirects(from io.Reader) (list Redirects, err error) {
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		r, err := ParseRedirect(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, r)
	}
	return list, lines.Err()
}

// Forced returns a handler that tries the rules with precedence, and then next. As
// answers with another path of this site.
func (list Redirects) Forced(next http.Handler, as func(w *http.Response, r *http.Request, path string) error) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if done, err := list.try(w, r, true, as); done {
			return err
		}
		return next(w, r)
	}
}

// For returns the rule that applies to a clean path of a host, or nil: of those with precedence,
// so that Forced does not call next, or of the others, for missing files.
func (list Redirects) For(host, path string, forced bool) *Redirect {
	rule, _ := list.find(host, path, forced)
	return rule
}

// Missing returns a handler for missing files, which tries the other rules.
func (list Redirects) Missing(as func(w *http.Response, r *http.Request, path string) error) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if done, err := list.try(w, r, false, as); done {
			return err
		}
		return http.StatusNotFound
	}
}

func (list Redirects) try(w *http.Response, r *http.Request, force bool, as func(*http.Response, *http.Request, string) error) (bool, error) {
	clean, err := r.CleanPathBytes(nil) // cleaned, as for files
	if err != nil {
		return false, nil // no file has such a path, and the next handler answers
	}
	path := string(clean)
	rule, to := list.find(r.Host(), path, force)
	switch {
	case rule == nil:
		return false, nil
	case rule.status == http.StatusOK, rule.status == http.StatusNotFound:
		w.SetStatus(rule.status)
		to, _, _ = strings.Cut(to, "#")
		to, _, _ = strings.Cut(to, "?")
		return true, as(w, r, unescape(to))
	}
	w.Add("Location", string(http.EscapeURI(nil, withQuery(to, r.RawQuery()))))
	return true, rule.status
}

// find returns the first rule that applies to a clean path of a host, with its target; nil if
// none does.
func (list Redirects) find(host, path string, force bool) (*Redirect, string) {
	for i := range list {
		rule := &list[i]
		if rule.force != force || rule.host != "" && !strings.EqualFold(rule.host, hostOnly(host)) {
			continue
		}
		if to, ok := rule.match(path); ok && !rule.leadsTo(to, path, host) {
			return rule, to
		}
	}
	return nil, ""
}

// withQuery adds the query of a request to a target that has none, before its fragment.
func withQuery(to, query string) string {
	before, fragment, has := strings.Cut(to, "#")
	if query != "" && !strings.Contains(before, "?") {
		before += "?" + query
	}
	if has {
		before += "#" + fragment
	}
	return before
}

// leadsTo reports whether a target is the path of a request itself, over HTTP or HTTPS:
// a browser would be redirected without an end.
func (r *Redirect) leadsTo(to, path, host string) bool {
	if r.status == http.StatusOK || r.status == http.StatusNotFound {
		return false
	}
	if _, rest, isURL := strings.Cut(to, "://"); isURL && to[0] != '/' {
		at, rest, _ := strings.Cut(rest, "/")
		if !strings.EqualFold(at, host) {
			return false
		}
		to = "/" + rest
	}
	to, _, _ = strings.Cut(to, "?")
	to, _, _ = strings.Cut(to, "#")
	return unescape(to) == path
}

// unescape reverses the escapes of fill: as takes a decoded path.
func unescape(to string) string {
	var b strings.Builder
	for i := 0; i < len(to); i++ {
		if to[i] == '%' && i+2 < len(to) {
			if n, err := strconv.ParseUint(to[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(to[i])
	}
	return b.String()
}
