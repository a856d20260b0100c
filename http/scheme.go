package http

// A clientScheme is what a trusted proxy says of how its client has asked.
type clientScheme uint8

const (
	schemeUnsaid clientScheme = iota
	schemePlain
	schemeSecure
)

// Scheme returns the scheme by which the client has asked, "http" or "https": that of the
// connection, or that of SetScheme.
func (r *Request) Scheme() string {
	r.use("Scheme")
	if r.scheme == schemeSecure || r.scheme == schemeUnsaid && r.x.conn.conn.Secure() {
		return "https"
	}
	return "http"
}

// SetScheme sets the scheme by which the client has asked a trusted proxy, for middleware: "http"
// or "https". Others change nothing.
func (r *Request) SetScheme(is string) {
	r.use("SetScheme")
	switch is {
	case "http":
		r.scheme = schemePlain
	case "https":
		r.scheme = schemeSecure
	}
}
