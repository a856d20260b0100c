package http

import (
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
	return &Piece{append(b, "\r\n"...), from, from + len(p)}
}

// PrepareEvent makes a piece of a server-sent event, for Events.
func PrepareEvent(event Event) *Piece { return PreparePiece([]byte(event.text())) }

// Bytes returns the bytes of the piece. They must not be changed.
func (p *Piece) Bytes() []byte { return p.chunk[p.from:p.to:p.to] }

// SendPiece is Write for a piece. It takes all or nothing.
func (h *Held) SendPiece(p *Piece) error {
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

// SendPiece is Write for a piece. It takes all or nothing.
func (t *Tunnel) SendPiece(p *Piece) error {
	if t.ended {
		return ErrGone
	}
	err := t.held.SendPiece(p)
	if err == nil {
		t.wrote()
	}
	return err
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
	// The end of a line in an ID or a name would begin another field.
	if event.ID != "" && !strings.ContainsAny(event.ID, "\r\n\x00") {
		line("id", event.ID)
	}
	if event.Name != "" && !strings.ContainsAny(event.Name, "\r\n") {
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
