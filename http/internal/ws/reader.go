package ws

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// A Reader finds messages and control frames in the octets of a client, which may be cut
// anywhere. It keeps no message: the parts of one are shown as they come.
type Reader struct {
	Max     int64 // octets in a message; of a deflated one, with a little more for what cannot be deflated
	Deflate bool  // messages may be deflated (RFC 7692)

	opcode  Opcode // of the frame that is being read
	message Opcode // Text or Binary, from the first frame of a message to its last; or 0
	final   bool   // the frame is the last of its message
	deflate bool   // the message is deflated
	shown   bool   // a part of the message was
	closed  bool   // a Close frame was read
	have    uint8  // octets of head
	inFrame bool   // the head is complete, and the payload is not

	head [MaxHead]byte // of the frame, as far as it is here
	text UTF8          // of the message
	key  uint32        // for the next octet of the payload
	left int64         // octets of the payload that are still to come
	size int64         // of the message, with what is left of this frame

	control []byte // of a control frame that is incomplete
	bad     *Violation
}

// An Event is a part of a message, or a control frame.
type Event struct {
	Opcode   Opcode // Text or Binary for a part of a message; 0 if there is no event
	Data     []byte // unmasked; valid only until the next call, and while the octets read are
	First    bool   // of the parts of a message
	Last     bool
	Deflated bool
	Code     int // of a Close frame, whose Data is the reason; NoStatus if it has none
}

// Next reads octets up to the next event, and returns how many it has used: all of them,
// if there is no event. It changes p, because messages are unmasked in place. After a
// violation there are only violations.
func (r *Reader) Next(p []byte) (e Event, used int, why *Violation) {
	for used < len(p) || r.inFrame && r.left == 0 {
		if !r.inFrame {
			n, why := r.readHead(p[used:])
			used += n
			if why != nil {
				return Event{}, used, r.fail(why)
			}
			continue
		}
		n := int(min(r.left, int64(len(p)-used)))
		part := p[used : used+n : used+n]
		used += n
		r.key = Unmask(part, r.key)
		r.left -= int64(n)
		e, why := r.payload(part)
		if why != nil {
			return Event{}, used, r.fail(why)
		}
		if r.left == 0 {
			r.endFrame()
		}
		if e.Opcode != 0 {
			return e, used, nil
		}
	}
	return Event{}, used, nil
}

// Idle reports whether nothing is incomplete: neither a frame nor a message.
func (r *Reader) Idle() bool { return r.have == 0 && r.message == 0 }

// AtControl reports whether the first of some octets, of which there is one at least, belongs to a
// control frame.
func (r *Reader) AtControl(p []byte) bool {
	switch {
	case r.inFrame:
		return r.opcode.control()
	case r.have > 0:
		return Opcode(r.head[0] & 0x0f).control()
	}
	return Opcode(p[0] & 0x0f).control()
}

// InMessage reports whether a message has begun and is incomplete.
func (r *Reader) InMessage() bool { return r.message != 0 }

// fail remembers why the octets end the connection.
func (r *Reader) fail(why *Violation) *Violation {
	r.bad = why
	return why
}

// readHead reads a part of a head.
func (r *Reader) readHead(p []byte) (used int, why *Violation) {
	switch {
	case r.bad != nil:
		return 0, r.bad
	case r.closed:
		return 0, errAfterClosing
	}
	for {
		need := r.headLength()
		n := copy(r.head[r.have:need], p[used:])
		r.have += uint8(n)
		used += n
		switch {
		case int(r.have) < need:
			return used, nil
		case need == 2:
			if why := r.checkHead(r.head[0], r.head[1]); why != nil {
				return used, why
			}
		default:
			return used, r.beginPayload(r.head[:need])
		}
	}
}

// headLength returns how many octets the head has: 2 as long as no more is known.
func (r *Reader) headLength() int {
	if r.have < 2 {
		return 2
	}
	switch r.head[1] &^ masked {
	case length16:
		return 2 + 2 + 4
	case length64:
		return 2 + 8 + 4
	}
	return 2 + 4
}

// checkHead checks the first two octets of a frame.
func (r *Reader) checkHead(first, second byte) *Violation {
	r.opcode, r.final = Opcode(first&0x0f), first&fin != 0
	switch {
	case first&rsv != 0 && !r.mayDeflate(first):
		return errReserved
	case !r.opcode.known():
		return errOpcode
	case second&masked == 0:
		return errUnmasked
	case r.opcode.control():
		return r.checkControl(second &^ masked)
	case r.opcode == Continuation:
		if r.message == 0 {
			return errNoMessage
		}
	case r.message != 0:
		return errInterleaved
	}
	return nil
}

// mayDeflate reports whether the reserved bits of a first octet say no more than that the
// message is deflated: its first frame says so, and no other.
func (r *Reader) mayDeflate(first byte) bool {
	return r.Deflate && first&rsv == rsv1 && (r.opcode == Text || r.opcode == Binary)
}

// checkControl checks the head of a control frame.
func (r *Reader) checkControl(length byte) *Violation {
	switch {
	case !r.final:
		return errControlFin
	case length > MaxControl:
		return errControlLong
	case r.opcode == Close && length == 1:
		return errCloseLength
	}
	return nil
}

// beginPayload reads the length and the key in a head that is complete.
func (r *Reader) beginPayload(head []byte) *Violation {
	n := int64(head[1] &^ masked)
	switch n {
	case length16:
		if n = int64(binary.BigEndian.Uint16(head[2:])); n < length16 {
			return errNotMinimal
		}
	case length64:
		long := binary.BigEndian.Uint64(head[2:])
		if long <= math.MaxUint16 || long > math.MaxInt64 {
			return errNotMinimal
		}
		n = int64(long)
	}
	r.key = binary.LittleEndian.Uint32(head[len(head)-4:])
	r.left, r.inFrame = n, true
	if r.opcode.control() {
		return nil
	}
	if r.opcode != Continuation {
		r.message, r.deflate, r.size, r.shown, r.text = r.opcode, head[0]&rsv1 != 0, 0, false, UTF8{}
	}
	if n > r.most()-r.size {
		return ErrTooBig
	}
	r.size += n
	return nil
}

// most returns how many octets the message may have. What cannot be deflated grows, by
// five octets for each block.
func (r *Reader) most() int64 {
	if r.deflate {
		return r.Max + r.Max>>8 + 64
	}
	return r.Max
}

// payload returns the event of a part of a payload, which is unmasked.
func (r *Reader) payload(part []byte) (Event, *Violation) {
	if r.opcode.control() {
		return r.controlPayload(part)
	}
	last := r.final && r.left == 0
	if r.message == Text && !r.deflate {
		if !r.text.Add(part) || last && !r.text.Complete() {
			return Event{}, ErrText
		}
	}
	if len(part) == 0 && !last {
		return Event{}, nil
	}
	e := Event{Opcode: r.message, Data: part, First: !r.shown, Last: last, Deflated: r.deflate}
	r.shown = true
	return e, nil
}

// controlPayload returns the event of a control frame that is whole. One that comes in
// pieces is gathered.
func (r *Reader) controlPayload(part []byte) (Event, *Violation) {
	if r.left > 0 || r.control != nil {
		r.control = append(r.control, part...)
		if r.left > 0 {
			return Event{}, nil
		}
		part, r.control = r.control, nil
	}
	if r.opcode != Close {
		return Event{Opcode: r.opcode, Data: part}, nil
	}
	r.closed = true
	if len(part) == 0 {
		return Event{Opcode: Close, Code: NoStatus}, nil
	}
	e := Event{Opcode: Close, Code: int(binary.BigEndian.Uint16(part)), Data: part[2:]}
	switch {
	case !ValidCode(e.Code):
		return Event{}, errCloseCode
	case !utf8.Valid(e.Data):
		return Event{}, errCloseReason
	}
	return e, nil
}

// endFrame goes on behind a frame.
func (r *Reader) endFrame() {
	r.have, r.inFrame = 0, false
	if r.final && !r.opcode.control() {
		r.message = 0
	}
}
