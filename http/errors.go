package http

import "errors"

// Why a request is refused, beyond what its parser finds. The reason is what
// the peer reads behind the status.
var (
	errAllOptions      = newRefusal(StatusNoContent, "") // which is an answer to OPTIONS *
	errUnknownMethod   = newRefusal(StatusNotImplemented, "no such method here")
	errMethodNotServed = newRefusal(StatusMethodNotAllowed, "not for an origin server")
	errExpectation     = newRefusal(StatusExpectationFailed, "only 100-continue can be expected")
	errEndedInHead     = newRefusal(StatusBadRequest, "the connection ended inside a head")
	errEndedInBody     = newRefusal(StatusBadRequest, "the connection ended inside a body")
	errSlowHead        = newRefusal(StatusRequestTimeout, "the head took too long")
	errSlowBody        = newRefusal(StatusRequestTimeout, "the body took too long")
	errBodyTooLarge    = newRefusal(StatusContentTooLarge, "the body is too large")
	errSlowHandler     = newRefusal(StatusServiceUnavailable, "it takes too long, try again later")
	errSlowWorker      = newRefusal(StatusServiceUnavailable, "what it waits for does not answer, try again later")
	errBusy            = newRefusal(StatusServiceUnavailable, "too many bodies at once, try again")
)

// errNotAsked is why a body cannot be read.
var errNotAsked = errors.New("http: the peer waits to be told to send its body, and the answer has begun")

// errStalled is why a connection is reset whose peer takes nothing.
var errStalled = errors.New("http: the peer does not take its answer")
