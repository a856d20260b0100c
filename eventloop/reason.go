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

// failures are the kinds for errors that say by themselves why a connection failed.
var failures = map[error]Kind{
	ErrInputFull:      FailedInput,
	ErrTruncated:      FailedTruncated,
	ErrNotTLS:         FailedTLS,
	ErrHandshakesFull: FailedTLS,
	ErrSlowHandshake:  FailedTimeout,
	ErrEvicted:        FailedEvicted,
	ErrShed:           FailedShed,
	ErrChanged:        FailedFile,
}

// endKind returns the kind of a connection's end.
func (c *Conn) endKind(why error) Kind {
	if why == nil || why == io.EOF {
		switch {
		case c.end == ClosedTimeout || c.end == ClosedEvicted:
			return c.end
		case c.peerEnd == endTold:
			return ClosedByPeer
		}
		return ClosedDone
	}
	kind, known := failures[why]
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
