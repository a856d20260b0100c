package http

import "strconv"

// A Status is a status code. It is an error too, so that a handler can return
// it: "return http.StatusNotFound".
type Status int

// The registered status codes, RFC 9110 section 15 unless noted.
const (
	StatusContinue           Status = 100
	StatusSwitchingProtocols Status = 101
	StatusEarlyHints         Status = 103 // RFC 8297

	StatusOK                   Status = 200
	StatusCreated              Status = 201
	StatusAccepted             Status = 202
	StatusNonAuthoritativeInfo Status = 203
	StatusNoContent            Status = 204
	StatusResetContent         Status = 205
	StatusPartialContent       Status = 206

	StatusMultipleChoices   Status = 300
	StatusMovedPermanently  Status = 301
	StatusFound             Status = 302
	StatusSeeOther          Status = 303
	StatusNotModified       Status = 304
	StatusTemporaryRedirect Status = 307
	StatusPermanentRedirect Status = 308

	StatusBadRequest           Status = 400
	StatusUnauthorized         Status = 401
	StatusForbidden            Status = 403
	StatusNotFound             Status = 404
	StatusMethodNotAllowed     Status = 405
	StatusNotAcceptable        Status = 406
	StatusRequestTimeout       Status = 408
	StatusConflict             Status = 409
	StatusGone                 Status = 410
	StatusLengthRequired       Status = 411
	StatusPreconditionFailed   Status = 412
	StatusContentTooLarge      Status = 413
	StatusURITooLong           Status = 414
	StatusUnsupportedMediaType Status = 415
	StatusRangeNotSatisfiable  Status = 416
	StatusExpectationFailed    Status = 417
	StatusTeapot               Status = 418 // RFC 2324
	StatusMisdirectedRequest   Status = 421
	StatusUnprocessableContent Status = 422
	StatusTooEarly             Status = 425 // RFC 8470
	StatusUpgradeRequired      Status = 426
	StatusPreconditionRequired Status = 428 // RFC 6585
	StatusTooManyRequests      Status = 429 // RFC 6585
	StatusFieldsTooLarge       Status = 431 // RFC 6585
	StatusUnavailableForLegal  Status = 451 // RFC 7725

	StatusInternalServerError     Status = 500
	StatusNotImplemented          Status = 501
	StatusBadGateway              Status = 502
	StatusServiceUnavailable      Status = 503
	StatusGatewayTimeout          Status = 504
	StatusHTTPVersionNotSupported Status = 505
	StatusInsufficientStorage     Status = 507 // RFC 4918
	StatusNetworkAuthRequired     Status = 511 // RFC 6585
)

var statusTexts = map[Status]string{
	StatusContinue:           "Continue",
	StatusSwitchingProtocols: "Switching Protocols",
	StatusEarlyHints:         "Early Hints",

	StatusOK:                   "OK",
	StatusCreated:              "Created",
	StatusAccepted:             "Accepted",
	StatusNonAuthoritativeInfo: "Non-Authoritative Information",
	StatusNoContent:            "No Content",
	StatusResetContent:         "Reset Content",
	StatusPartialContent:       "Partial Content",

	StatusMultipleChoices:   "Multiple Choices",
	StatusMovedPermanently:  "Moved Permanently",
	StatusFound:             "Found",
	StatusSeeOther:          "See Other",
	StatusNotModified:       "Not Modified",
	StatusTemporaryRedirect: "Temporary Redirect",
	StatusPermanentRedirect: "Permanent Redirect",

	StatusBadRequest:           "Bad Request",
	StatusUnauthorized:         "Unauthorized",
	StatusForbidden:            "Forbidden",
	StatusNotFound:             "Not Found",
	StatusMethodNotAllowed:     "Method Not Allowed",
	StatusNotAcceptable:        "Not Acceptable",
	StatusRequestTimeout:       "Request Timeout",
	StatusConflict:             "Conflict",
	StatusGone:                 "Gone",
	StatusLengthRequired:       "Length Required",
	StatusPreconditionFailed:   "Precondition Failed",
	StatusContentTooLarge:      "Content Too Large",
	StatusURITooLong:           "URI Too Long",
	StatusUnsupportedMediaType: "Unsupported Media Type",
	StatusRangeNotSatisfiable:  "Range Not Satisfiable",
	StatusExpectationFailed:    "Expectation Failed",
	StatusTeapot:               "I'm a teapot",
	StatusMisdirectedRequest:   "Misdirected Request",
	StatusUnprocessableContent: "Unprocessable Content",
	StatusTooEarly:             "Too Early",
	StatusUpgradeRequired:      "Upgrade Required",
	StatusPreconditionRequired: "Precondition Required",
	StatusTooManyRequests:      "Too Many Requests",
	StatusFieldsTooLarge:       "Request Header Fields Too Large",
	StatusUnavailableForLegal:  "Unavailable For Legal Reasons",

	StatusInternalServerError:     "Internal Server Error",
	StatusNotImplemented:          "Not Implemented",
	StatusBadGateway:              "Bad Gateway",
	StatusServiceUnavailable:      "Service Unavailable",
	StatusGatewayTimeout:          "Gateway Timeout",
	StatusHTTPVersionNotSupported: "HTTP Version Not Supported",
	StatusInsufficientStorage:     "Insufficient Storage",
	StatusNetworkAuthRequired:     "Network Authentication Required",
}

// Text returns the reason phrase, or "Unknown" for a code that has none.
func (s Status) Text() string {
	if text, ok := statusTexts[s]; ok {
		return text
	}
	return "Unknown"
}

// Error returns code and phrase, such as "404 Not Found".
func (s Status) Error() string { return strconv.Itoa(int(s)) + " " + s.Text() }

// A refusal is why a request is not served as it stands: the status, and a
// reason that a person understands. All of them are made beforehand, so that
// refusing allocates nothing.
type refusal struct {
	status Status
	reason string
}

func (r *refusal) Error() string { return r.status.Error() + ": " + r.reason }

// Unwrap makes a refusal its status, for errors.Is and errors.As.
func (r *refusal) Unwrap() error { return r.status }
