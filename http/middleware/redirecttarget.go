package middleware

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The target of a redirect: where its placeholders are, and how their values are written
// there. A value comes from a visitor, and cannot leave its place: in the path it is
// escaped, in the query it is escaped as in a form, and a host has no place for one.

// A piece of a target is literal text, or a place for a value.
type piece struct {
	text    string // literal; for a place, its name with the colon
	isPlace bool
	inQuery bool
}

// parseTarget cuts a target into pieces.
func (r *Redirect) parseTarget(to string) error {
	if err := checkTarget(to, r.splat); err != nil {
		return err
	}
	names := r.names()
	begin, at := 0, pathStart(to) // of the literal text, and of what is looked at
	if fills(to[:at], names) {
		return fmt.Errorf("target %q has a placeholder in its host, where none is filled in: write the host", to)
	}
	query, fragment := strings.IndexByte(to, '?'), strings.IndexByte(to, '#')
	for ; at < len(to); at++ {
		if to[at] != ':' {
			continue
		}
		name := nameAt(to[at:], names)
		if name == "" {
			if unknown := placeholder.FindString(to[at:]); unknown != "" && strings.IndexByte("/?&=#", to[at-1]) >= 0 {
				return fmt.Errorf("target %q uses %s, which the source does not have", to, unknown)
			}
			continue
		}
		inQuery := query >= 0 && at > query && (fragment < 0 || query < fragment && at < fragment)
		r.target = append(r.target, piece{text: to[begin:at]}, piece{name, true, inQuery})
		begin = at + len(name)
		at = begin - 1
	}
	r.target = append(r.target, piece{text: to[begin:]})
	return nil
}

// placeholder matches what looks like a name in a target.
var placeholder = regexp.MustCompile(`^:[A-Za-z0-9_]+`)

// foreign matches the variables of other servers: $1 of Apache, and those of nginx.
var foreign = regexp.MustCompile(`\$(\d|\{?(args|document_uri|host|http_host|is_args|query_string|request_uri|scheme|server_name|uri)\}?)($|[^A-Za-z0-9_])`)

// checkTarget refuses targets with the notation of other servers, which would be sent as it
// is written.
func checkTarget(to string, splat bool) error {
	if found := foreign.FindString(to); found != "" {
		return fmt.Errorf("target %q has a variable of another server: write :name or :splat, and %%24 for a $", to)
	}
	if splat && strings.Contains(to, "*") {
		return fmt.Errorf("target %q has a *: write :splat for what the * of the source matches, and %%2A for a *", to)
	}
	return nil
}

// names returns the names that a target may use, with their colons, the longest first.
func (r *Redirect) names() (names []string) {
	for _, part := range r.from {
		if len(part) > 1 && part[0] == ':' {
			names = append(names, part)
		}
	}
	if r.splat {
		names = append(names, ":splat")
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return names
}

// nameAt returns the name that a text begins with, or "".
func nameAt(text string, names []string) string {
	for _, name := range names {
		if rest, ok := strings.CutPrefix(text, name); ok && !inName(rest) {
			return name
		}
	}
	return ""
}

// inName reports whether a text begins with a character that would belong to a name before.
func inName(rest string) bool { return rest != "" && placeholder.MatchString(":"+rest[:1]) }

// fills reports whether a scheme with a host has a placeholder, or has a name for a port.
func fills(host string, names []string) bool {
	for i := range len(host) {
		if nameAt(host[i:], names) != "" {
			return true
		}
	}
	_, port, _ := strings.Cut(host[strings.LastIndexAny(host, "/@]")+1:], ":")
	return strings.Trim(port, "0123456789") != ""
}

// pathStart returns where the path of a target begins, or what is in place of it.
func pathStart(to string) int {
	if to[0] == '/' {
		return 0
	}
	scheme := strings.Index(to, "://") + len("://")
	if end := strings.IndexAny(to[scheme:], "/?#"); end >= 0 {
		return scheme + end
	}
	return len(to)
}

// fill returns the target with its values, by the names of their places.
func (r *Redirect) fill(value func(name string) string) string {
	if len(r.target) == 1 {
		return r.target[0].text
	}
	var b strings.Builder
	for i, p := range r.target {
		v := p.text
		switch {
		case !p.isPlace:
			if i > 0 && !r.target[i-1].inQuery && strings.HasSuffix(b.String(), "/") {
				v = strings.TrimPrefix(v, "/") // the value between two slashes was empty
			}
		case p.inQuery:
			v = url.QueryEscape(value(v))
		default:
			v = strings.TrimPrefix(string(http.EscapePath(nil, "/"+value(v))), "/")
			if strings.HasSuffix(b.String(), "/") {
				v = strings.TrimLeft(v, "/")
			}
		}
		b.WriteString(v)
	}
	return b.String()
}
