package http

// method is one of the methods that bobbin knows by name (RFC 9110 section 9,
// RFC 5789 for PATCH). Methods are case-sensitive.
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
)

var methodNames = [...]string{"other", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}

func (m method) String() string { return methodNames[m] }

func methodOf(p []byte) method {
	switch string(p) {
	case "GET":
		return methodGet
	case "HEAD":
		return methodHead
	case "POST":
		return methodPost
	case "PUT":
		return methodPut
	case "DELETE":
		return methodDelete
	case "PATCH":
		return methodPatch
	case "OPTIONS":
		return methodOptions
	case "TRACE":
		return methodTrace
	case "CONNECT":
		return methodConnect
	}
	return methodOther
}
