package eventloop

// The first message of a handshake, before crypto/tls sees any of it. A handshake
// with an incomplete hello holds these bytes and nothing else: no coroutine, and nothing
// of crypto/tls, which would make room for all that the message declares.

const (
	clientHello = 1 // the type of the message (RFC 8446 section 4)
	messageHead = 4 // its type and its length
)

// Alerts that refuse a hello (RFC 8446 section 6.2). OpenSSL refuses with the same.
const (
	alertUnexpectedMessage = 10
	alertIllegalParameter  = 47
)

// A firstMessage is how far the first message has been looked at. No byte is looked at
// twice, however small the pieces in which they come.
type firstMessage struct {
	at   int               // where the record begins that is looked at next
	have int               // how much of the message is in the records before it
	head [messageHead]byte // the beginning of the message
}

// look goes on in p, all that the peer has sent. It reports whether the message is
// complete, and otherwise the alert that refuses it, or 0. One that is no hello at
// all counts as complete: crypto/tls is to refuse it. A message may be cut into
// records as its peer likes, but twice its size is all that it may take on the way.
func (m *firstMessage) look(p []byte, most int) (complete bool, alert byte) {
	for len(p)-m.at >= recordHead {
		head := p[m.at:]
		size := int(head[3])<<8 + int(head[4])
		if head[0] != handshakeRecord || size == 0 || size > maxRecord-recordHead {
			return true, 0
		}
		text := head[recordHead:min(len(head), recordHead+size)]
		if m.have < messageHead {
			copy(m.head[m.have:], text)
		}
		if m.have+len(text) >= messageHead {
			switch {
			case m.head[0] != clientHello:
				return false, alertUnexpectedMessage
			case m.size() > most:
				return false, alertIllegalParameter
			}
		}
		if len(text) < size {
			break
		}
		m.at += recordHead + size
		m.have += size
		if m.have >= messageHead && m.have >= messageHead+m.size() {
			return true, 0
		}
	}
	if len(p) > 2*most {
		return false, alertIllegalParameter
	}
	return false, 0
}

// size is how long the message is without its head, as it declares.
func (m *firstMessage) size() int {
	return int(m.head[1])<<16 + int(m.head[2])<<8 + int(m.head[3])
}

// What a record begins with (RFC 8446 section 5.1).
const (
	recordHead      = 5
	maxText         = 16 << 10
	maxRecord       = recordHead + maxText + 2<<10 // of any version
	alertRecord     = 21
	handshakeRecord = 22
)

// records returns how many of p's bytes are whole records. One that is too large
// counts as whole: crypto/tls is to refuse it.
func records(p []byte) int {
	n := 0
	for len(p)-n >= recordHead {
		size := recordHead + int(p[n+3])<<8 + int(p[n+4])
		switch {
		case size > maxRecord:
			return len(p)
		case size > len(p)-n:
			return n
		}
		n += size
	}
	return n
}

// smallRecord is what crypto/tls makes room for in any case.
const smallRecord = 512

// inSmallRecords cuts the first record, a hello in plain text, into small ones:
// that is allowed, and means the same. The memory that crypto/tls reads a record
// into stays with the connection, and no other need be as large as a hello, which
// is 1.5 KiB today. There are 2, 4, 8 or more of one size, because the memory that
// it puts the message together in grows by doubling.
func inSmallRecords(p []byte) []byte {
	size := int(p[3])<<8 + int(p[4])
	if size <= smallRecord || size > maxText {
		return p
	}
	n := 2
	for n*smallRecord < size {
		n *= 2
	}
	cut := make([]byte, 0, len(p)+n*recordHead)
	for text := p[recordHead : recordHead+size]; len(text) > 0; {
		k := min((size+n-1)/n, len(text))
		cut = append(cut, p[0], p[1], p[2], byte(k>>8), byte(k))
		cut = append(cut, text[:k]...)
		text = text[k:]
	}
	return append(cut, p[recordHead+size:]...)
}
