package http

import (
	"iter"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// PathValues yields the names and the values of all wildcards of the pattern, in its order,
// with escapes decoded as PathValue does; none if there is no pattern. Package std hands
// them on to a handler of net/http.
func (r *Request) PathValues() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		r.use("PathValues")
		if r.x.route == nil {
			return
		}
		for name := range r.x.route.Names() {
			if value, _ := r.pathValue(name); !yield(name, value) {
				return
			}
		}
	}
}

// pathValue returns the value of a wildcard of the route, which there is, and whether it
// has one of that name.
func (r *Request) pathValue(name string) (value string, ok bool) {
	path := r.x.head.Path
	from, to, ok := r.x.route.Value(path.Of(r.x.raw), name)
	if !ok {
		return "", false
	}
	value = r.piece(h1.Between(int(path.From)+from, int(path.From)+to))
	if strings.IndexByte(value, '%') < 0 {
		return value, true
	}
	return string(h1.Decode(nil, []byte(value))), true
}
