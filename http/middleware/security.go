package middleware

import "github.com/bobbin-http/bobbin/http"

// SecurityFields are headers that make most sites safer; a site can override each.
//
//   - browsers do not guess media types (X-Content-Type-Options)
//   - other sites do not see full URLs in Referer (Referrer-Policy)
//   - other sites cannot frame pages for clickjacking (X-Frame-Options)
//   - pages that opened this one lose access to its window
//     (Cross-Origin-Opener-Policy)
var SecurityFields = [][2]string{
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "strict-origin-when-cross-origin"},
	{"X-Frame-Options", "SAMEORIGIN"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
}

// Security adds the SecurityFields to an answer, except those that the answer has
// already. As the outermost of http.Config.Middleware, it adds them to every answer, also
// to errors and to requests that the server refuses itself.
func Security(next http.Handler) http.Handler {
	add := func(w *http.Response) {
		for _, field := range SecurityFields {
			if w.Header(field[0]) == "" {
				w.Add(field[0], field[1])
			}
		}
	}
	return func(w *http.Response, r *http.Request) error {
		w.OnHead(add)
		return next(w, r)
	}
}
