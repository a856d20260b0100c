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

// A method is one of these, or methodOther. Methods are case-sensitive: "get" is
// another (RFC 9110 section 9.1).
type method uint8

const (
	methodOther method = iota
	methodGet
	methodHead
	methodPost
	methodPut
	methodDelete
	methodPatch
	methodOptions
	methodTrace
	methodConnect
	methods
)

var methodNames = [methods]string{
	methodOther:   "other",
	methodGet:     MethodGet,
	methodHead:    MethodHead,
	methodPost:    MethodPost,
	methodPut:     MethodPut,
	methodDelete:  MethodDelete,
	methodPatch:   MethodPatch,
	methodOptions: MethodOptions,
	methodTrace:   MethodTrace,
	methodConnect: MethodConnect,
}

func (m method) String() string { return methodNames[m] }

// methodOf recognises a method by its name.
func methodOf(name []byte) method {
	switch string(name) {
	case MethodGet:
		return methodGet
	case MethodHead:
		return methodHead
	case MethodPost:
		return methodPost
	case MethodPut:
		return methodPut
	case MethodDelete:
		return methodDelete
	case MethodPatch:
		return methodPatch
	case MethodOptions:
		return methodOptions
	case MethodTrace:
		return methodTrace
	case MethodConnect:
		return methodConnect
	}
	return methodOther
}
