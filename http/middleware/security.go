package middleware

// SecurityFields are those that make a site safer and break few: each can be
// overruled by a field of one's own.
//
//   - a browser does not guess types (X-Content-Type-Options)
//   - other sites do not learn the paths here (Referrer-Policy)
//   - other sites do not frame pages of here, to catch clicks (X-Frame-Options)
//   - windows that were opened by other sites are no longer theirs
//     (Cross-Origin-Opener-Policy)
var SecurityFields = [][2]string{
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "strict-origin-when-cross-origin"},
	{"X-Frame-Options", "SAMEORIGIN"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
}
