package middleware

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
