package ws

import "strconv"

// A Violation is why the frames of a peer end the connection: the code and the reason of
// the Close frame that says so.
type Violation struct {
	Code   int
	Reason string
}

// Error implements error.
func (v *Violation) Error() string { return strconv.Itoa(v.Code) + " " + v.Reason }

// The violations of RFC 6455 that a Reader finds.
var (
	errReserved     = &Violation{ProtocolError, "a reserved bit is set"}                           // section 5.2
	errOpcode       = &Violation{ProtocolError, "the opcode is reserved"}                          // section 5.2
	errUnmasked     = &Violation{ProtocolError, "a frame of a client is not masked"}               // section 5.1
	errNotMinimal   = &Violation{ProtocolError, "a length is not in its shortest form"}            // section 5.2
	errControlFin   = &Violation{ProtocolError, "a control frame is fragmented"}                   // section 5.5
	errControlLong  = &Violation{ProtocolError, "a control frame has more than 125 octets"}        // section 5.5
	errNoMessage    = &Violation{ProtocolError, "a continuation frame continues nothing"}          // section 5.4
	errInterleaved  = &Violation{ProtocolError, "a message begins before the one before it ended"} // section 5.4
	errCloseLength  = &Violation{ProtocolError, "a Close frame has half of a status code"}         // section 5.5.1
	errCloseCode    = &Violation{ProtocolError, "the status code of a Close frame is not valid"}   // section 7.4
	errCloseReason  = &Violation{InvalidData, "the reason of a Close frame is not UTF-8"}          // section 5.5.1
	ErrText         = &Violation{InvalidData, "a text is not UTF-8"}                               // section 8.1
	ErrTooBig       = &Violation{TooBig, "a message is too large"}                                 // section 7.4.1
	errAfterClosing = &Violation{ProtocolError, "a frame follows a Close frame"}                   // section 5.5.1
)
