package h1

// A Method is one of those that HTTP itself has, or MethodOther. Methods are
// case-sensitive: "get" is another (RFC 9110 section 9.1).
type Method uint8

const (
	MethodOther Method = iota
	MethodGet
	MethodHead
	MethodPost
	MethodPut
	MethodDelete
	MethodPatch
	MethodOptions
	MethodTrace
	MethodConnect
	Methods // how many there are
)

var methodNames = [Methods]string{
	MethodOther:   "other",
	MethodGet:     "GET",
	MethodHead:    "HEAD",
	MethodPost:    "POST",
	MethodPut:     "PUT",
	MethodDelete:  "DELETE",
	MethodPatch:   "PATCH",
	MethodOptions: "OPTIONS",
	MethodTrace:   "TRACE",
	MethodConnect: "CONNECT",
}

func (m Method) String() string { return methodNames[m] }

// MethodOf returns the method of a name.
func MethodOf(name []byte) Method {
	switch string(name) {
	case "GET":
		return MethodGet
	case "HEAD":
		return MethodHead
	case "POST":
		return MethodPost
	case "PUT":
		return MethodPut
	case "DELETE":
		return MethodDelete
	case "PATCH":
		return MethodPatch
	case "OPTIONS":
		return MethodOptions
	case "TRACE":
		return MethodTrace
	case "CONNECT":
		return MethodConnect
	}
	return MethodOther
}
