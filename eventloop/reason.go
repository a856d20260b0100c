package eventloop

import (
	"errors"
	"io"
)

// The end of a connection is recorded with its reason: one kind for each. What the
// loop was told of it is an error, or nothing; a deadline that had passed, and an
// abort by the protocol, are noted at the connection until then.

// errPanic is in the reason of a connection whose protocol panicked.
var errPanic = errors.New("eventloop: panic")

// failureKind returns the kind for an error that says by itself why a connection
// failed. A protocol may abort for any error, so it is compared, and no key of a map.
func failureKind(why error) (kind Kind, known bool) {
	switch why {
	case ErrInputFull:
		return FailedInput, true
	case ErrTruncated:
		return FailedTruncated, true
	case ErrNotTLS, ErrHandshakesFull:
		return FailedTLS, true
	case ErrSlowHandshake:
		return FailedTimeout, true
	case ErrEvicted:
		return FailedEvicted, true
	case ErrShed:
		return FailedShed, true
	case ErrChanged:
		return FailedFile, true
	}
	return 0, false
}

// EndKind returns the kind under which the end of the connection is recorded, for OnClose
// and its reason.
func (c *Conn) EndKind(why error) Kind {
	if why == nil || why == io.EOF {
		switch {
		case c.end == ClosedTimeout || c.end == ClosedEvicted:
			return c.end
		case c.peerEnd == endTold:
			return ClosedByPeer
		}
		return ClosedDone
	}
	kind, known := failureKind(why)
	switch {
	case known:
		return kind
	case why == ErrCut && c.closeMode == closeReset:
		return FailedCut
	case why == ErrCut:
		return FailedStop
	case c.end == ClosedTimeout:
		return FailedTimeout
	case errors.Is(why, errPanic):
		return FailedPanic
	case c.failure() != nil:
		return FailedTLS
	case c.end == FailedAborted:
		return FailedAborted
	}
	return FailedReset
}
