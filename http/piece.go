package http

import (
	"errors"
	"strconv"
	"strings"
)

// A Piece is a part of a body that is made once and sent to many: its bytes are in memory
// once, and so is their frame as a chunk. Over TLS each receiver has a copy of its own,
// because each encrypts with a key of its own. A Piece never changes, so any goroutine may
// make one, and all loops may send it.
type Piece struct {
	chunk []byte // as a chunk
	from  int    // the bytes in it
	to    int
	bad   error // why it cannot be sent
}

// sharedFrom is how long a piece is that is not copied: below it, a copy behind what is
// queued costs less than an entry of its own there.
const sharedFrom = 512

// PreparePiece makes a piece of a copy of p.
func PreparePiece(p []byte) *Piece {
	b := strconv.AppendInt(make([]byte, 0, len(p)+20), int64(len(p)), 16)
	b = append(b, "\r\n"...)
	from := len(b)
	b = append(b, p...)
	return &Piece{chunk: append(b, "\r\n"...), from: from, to: from + len(p)}
}

// PrepareEvent makes a piece of a server-sent event, for Events. Of an event that Send
// refuses, the piece is refused with the same error by Topic.Publish and SendPiece.
func PrepareEvent(event Event) *Piece {
	p := PreparePiece([]byte(event.text()))
	p.bad = event.check()
	return p
}

// Bytes returns the bytes of the piece. They must not be changed.
func (p *Piece) Bytes() []byte { return p.chunk[p.from:p.to:p.to] }

// SendPiece is Write for a piece. It takes all or nothing.
func (h *Held) SendPiece(p *Piece) error {
	if p.bad != nil {
		return p.bad
	}
	text := p.Bytes()
	if len(text) < sharedFrom {
		_, err := h.Write(text)
		return err
	}
	if err := h.writable(); err != nil || h.empty {
		return err
	}
	if h.chunked {
		text = p.chunk
	}
	h.x.conn.conn.WriteNoCopy(text)
	h.x.response.sent += int64(p.to - p.from)
	return nil
}

// SendPiece is Send for an event that PrepareEvent has made.
func (e *Events) SendPiece(p *Piece) error {
	err := e.held.SendPiece(p)
	if err == nil {
		e.sent = e.held.server.now()
	}
	return err
}

// errEvent is the error of an event that would become another one, or be dropped.
var errEvent = errors.New("http: the ID and the Name of an Event have no end of a line, and the ID no NUL: the event was not sent")

// check returns an error if the ID or the name cannot be sent. The end of a line in it would
// begin another field, and clients drop an ID with NUL.
func (event *Event) check() error {
	if strings.ContainsAny(event.ID, "\r\n\x00") || strings.ContainsAny(event.Name, "\r\n") {
		return errEvent
	}
	return nil
}

// text is the event as it is sent.
func (event *Event) text() string {
	var b strings.Builder
	line := func(name, value string) {
		b.WriteString(name)
		b.WriteString(": ")
		b.WriteString(value)
		b.WriteByte('\n')
	}
	if event.ID != "" {
		line("id", event.ID)
	}
	if event.Name != "" {
		line("event", event.Name)
	}
	for text := range strings.SplitSeq(lineEnds.Replace(event.Data), "\n") {
		line("data", text)
	}
	b.WriteByte('\n')
	return b.String()
}

// lineEnds makes one of the ends of a line that the standard knows.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
