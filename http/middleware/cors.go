package middleware

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// CORS lets pages of other origins read the answers, and answers the preflight
// requests of their browsers (Fetch standard, "CORS protocol").
type CORS struct {
	// Origins are the allowed origins, such as "https://example.org"; "*" alone
	// allows all of them, without credentials.
	Origins []string

	// Expose are the headers that scripts of those origins may read, beside the few
	// that Fetch always allows. If it is empty, they may read all of them.
	Expose []string

	Methods []string // allowed methods; GET and HEAD if empty
	MaxAge  int      // seconds for which a browser may cache a preflight; 600 if 0
}

// exposeAll lets scripts read all headers. Browsers that do not know the star, as Firefox
// before 115, read the names, which are those of files.
const exposeAll = "*, Accept-Ranges, Content-Encoding, Content-Range, Date, ETag, Link, Location, Retry-After"

// NewCORS parses a list of origins, separated by commas.
func NewCORS(list string) (CORS, error) {
	c := CORS{}
	for origin := range strings.SplitSeq(list, ",") {
		origin = strings.TrimSpace(origin)
		scheme, host, ok := strings.Cut(origin, "://")
		switch {
		case origin == "*":
		case !ok || scheme != "http" && scheme != "https" || host == "" || strings.ContainsAny(host, "/?#@*"):
			return c, fmt.Errorf("%q is not an origin: write a scheme and a host, such as https://example.org, or *", origin)
		}
		c.Origins = append(c.Origins, origin)
	}
	if len(c.Origins) > 1 && slices.Contains(c.Origins, "*") {
		return c, fmt.Errorf("%q mixes * with other origins: write * alone or list the origins", list)
	}
	return c, nil
}

// Wrap is the http.Middleware.
func (c CORS) Wrap(next http.Handler) http.Handler {
	all := len(c.Origins) == 1 && c.Origins[0] == "*"
	methods := cmp.Or(strings.Join(c.Methods, ", "), "GET, HEAD")
	age := strconv.Itoa(cmp.Or(c.MaxAge, 600))
	expose := cmp.Or(strings.Join(c.Expose, ", "), exposeAll)
	return func(w *http.Response, r *http.Request) error {
		origin, wanted := r.Header("Origin"), r.Header("Access-Control-Request-Method")
		preflight := r.Method() == http.MethodOptions && wanted != "" && origin != ""
		allowed := origin != "" && (all || slices.Contains(c.Origins, origin))
		// Set in OnHead, because a failed answer loses its headers before that:
		// without these, the page could not even see the error.
		w.OnHead(func(w *http.Response) {
			allow(w, all, allowed, origin)
			if (all || allowed) && !preflight && w.Header("Access-Control-Expose-Headers") == "" {
				w.Add("Access-Control-Expose-Headers", expose)
			}
		})
		if !preflight {
			return next(w, r)
		}
		if allowed {
			w.Add("Access-Control-Allow-Methods", methods).Add("Access-Control-Max-Age", age)
			if fields := r.Header("Access-Control-Request-Headers"); fields != "" {
				w.Add("Access-Control-Allow-Headers", fields)
			}
		}
		w.SetStatus(http.StatusNoContent)
		return nil
	}
}

// allow names the origin that may read the answer, and says that the answer depends on it.
func allow(w *http.Response, all, allowed bool, origin string) {
	if all {
		w.Add("Access-Control-Allow-Origin", "*")
		return
	}
	if allowed {
		w.Add("Access-Control-Allow-Origin", origin)
	}
	w.Add("Vary", "Origin")
}
