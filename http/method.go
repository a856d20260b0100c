package http

// The methods of HTTP (RFC 9110 section 9.3, RFC 5789), as Request.Method returns
// them. The answer to HEAD is that to GET without the body, which the server leaves out.
const (
	MethodGet     = "GET"
	MethodHead    = "HEAD"
	MethodPost    = "POST"
	MethodPut     = "PUT"
	MethodDelete  = "DELETE"
	MethodPatch   = "PATCH"
	MethodOptions = "OPTIONS"
	MethodTrace   = "TRACE"
	MethodConnect = "CONNECT"
)
