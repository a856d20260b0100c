package http

// A method is one of those that everybody knows, or another. Methods are
// case-sensitive: "get" is another (RFC 9110 section 9.1).
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
	methodGet:     "GET",
	methodHead:    "HEAD",
	methodPost:    "POST",
	methodPut:     "PUT",
	methodDelete:  "DELETE",
	methodPatch:   "PATCH",
	methodOptions: "OPTIONS",
	methodTrace:   "TRACE",
	methodConnect: "CONNECT",
}

func (m method) String() string { return methodNames[m] }

// methodOf recognises a method by its name.
func methodOf(name []byte) method {
	switch string(name) {
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
