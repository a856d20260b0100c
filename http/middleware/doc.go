// Package middleware wraps handlers with features that many sites need. Each file is
// one middleware and stands alone.
//
// Their state belongs to one loop and needs no lock: with several loops, each loop
// has its own. Only a RateLimit can be shared. All go outside of http.Blocking, whose
// handlers run off the loop. If several are used, each goes outside of those below it
// in this list:
//
//	AccessLog     a line for each request
//	RealIP        the client's address from trusted proxies
//	Access        the networks whose clients are served
//	RequestID     a unique ID for each request
//	RateLimit     requests per client and time
//	Concurrent    requests at the same time
//	Timeout       a deadline for beginning the answer
//	CORS          access for pages of other origins
//	BasicAuth     a name and a password
//	Redirects     redirects by path
//	CacheControl  the lifetime of answers in caches
//	ETag          304 for bodies that the client has
//	Compress      smaller bodies
//
// Security adds headers to every answer, and a Glob is a pattern for paths.
package middleware
