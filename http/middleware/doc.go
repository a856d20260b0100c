// Package middleware has what happens around handlers, for all kinds of sites.
// Each file is one of them, and stands alone.
//
// What they remember belongs to one loop and needs no lock: with several loops,
// each has its own. A RateLimit alone may be shared. They go outside of
// http.Blocking, whose handlers run elsewhere. Each goes around those that stand
// below it here, if it is used with them:
//
//	AccessLog     a line for each request
//	RealIP        the client's address, of a proxy that is trusted
//	RequestID     a name for each request
//	RateLimit     so many requests of a client in a time
//	Concurrent    so many requests at a time
//	Timeout       so long to begin an answer
//	CORS          pages of other origins may read
//	BasicAuth     a name and a password
//	Redirects     what was somewhere else
//	CacheControl  how long answers are kept
//	ETag          bodies that a client has are not sent again
//	Compress      bodies are sent smaller
//
// SecurityFields are for every answer, and a Glob is a pattern for paths.
package middleware
