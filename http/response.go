package http

import (
	"errors"
	"fmt"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A Response is the answer of a handler. It may be filled in any order: it is sent when
// the handler returns, and framed then, so that the framing is always right.
type Response struct {
	x       *exchange
	status  Status
	fields  []byte   // "Name: value" lines that the handler has added
	typ     string   // Content-Type, "" for none
	closes  bool     // the handler wants the connection to end
	without defaults // fields that the server does not add by itself
	length  int64    // Content-Length that the handler declared, -1 for none
	broken  error    // a mistake of the handler's
	hooks   hooks

	// An answer that is sent in pieces.
	chunked  bool  // if not, the length or the end of the connection tells its end
	sent     int64 // bytes of the body, also of an answer that is held
	trailers []byte

	// The body is one of these.
	text   string
	bytes  []byte    // of Write, in the server's memory
	shared *Prepared // of WritePrepared
	lent   []byte    // of WriteNoCopy and SetBody
	file   eventloop.File
	offset int64
	size   int64 // of the range of file
}

// reset makes the answer empty. The hooks stay.
func (w *Response) reset() {
	if w.file != nil {
		w.file.Release() // it was not sent
		w.file = nil
	}
	w.status, w.length = StatusOK, -1
	w.fields, w.bytes = w.fields[:0], w.bytes[:0]
	w.typ, w.text, w.shared, w.lent = "", "", nil, nil
	w.closes, w.without, w.broken = false, 0, nil
	w.offset, w.size = 0, 0
	w.chunked, w.sent, w.trailers = false, 0, w.trailers[:0]
}

// Status returns the status as it stands.
func (w *Response) Status() Status { return w.status }

// SetStatus sets the status, which is 200 if it is not set.
func (w *Response) SetStatus(s Status) *Response {
	w.use("SetStatus")
	if w.x.headSent {
		w.fail(errLate)
		return w
	}
	w.status = s
	return w
}

// fail stores a mistake of the handler's. The first one is answered.
func (w *Response) fail(err error) {
	if w.broken == nil {
		w.broken = err
	}
}

// Text answers with plain text.
func (w *Response) Text(s string) error {
	w.use("Text")
	return w.content("text/plain; charset=utf-8", s)
}

// HTML answers with a page.
func (w *Response) HTML(s string) error {
	w.use("HTML")
	return w.content("text/html; charset=utf-8", s)
}

// content answers with a text. The type is the given one, unless the handler has set one.
func (w *Response) content(typ, s string) error {
	w.typeIs(typ)
	if w.answered() {
		return w.answerTwice()
	}
	if w.text = s; s == "" {
		w.lent = empty
	}
	return nil
}

// typeIs sets the type, unless the handler has.
func (w *Response) typeIs(typ string) {
	if w.typ == "" && w.without&noType == 0 {
		w.typ = typ
	}
}

// Write adds to the body, in memory. It implements io.Writer. In a handler that was made
// by Streaming or Blocking, it sends a piece, as Flush does, when one has gathered.
func (w *Response) Write(p []byte) (int, error) {
	w.use("Write")
	if w.x.held != nil {
		return 0, w.answerTwice()
	}
	if w.isWhole() {
		return 0, w.answerTwice()
	}
	size := len(p)
	for w.x.streams() && len(w.bytes)+len(p) > pieceSize {
		n := min(pieceSize-len(w.bytes), len(p))
		w.bytes = append(w.bytes, p[:n]...)
		p = p[n:]
		if err := w.Flush(); err != nil {
			return size - len(p), err
		}
	}
	w.bytes = append(w.bytes, p...)
	return size, nil
}

// WriteNoCopy answers with p itself, without a copy if it is longer than 60 KiB. It must
// not be changed any more.
func (w *Response) WriteNoCopy(p []byte) error {
	w.use("WriteNoCopy")
	if w.answered() {
		return w.answerTwice()
	}
	if w.lent = p; p == nil {
		w.lent = empty
	}
	return nil
}

// empty is a body that was given, of no bytes.
var empty = []byte{}

// SendFile answers with size bytes of f from offset on. The server releases f when they
// are sent, or when they need not be sent after all.
func (w *Response) SendFile(f eventloop.File, offset, size int64) error {
	w.use("SendFile")
	if w.answered() {
		f.Release()
		return w.answerTwice()
	}
	w.file, w.offset, w.size = f, offset, size
	return nil
}

// errLate is the error of a change of the head when it is out.
var errLate = errors.New("http: the head of the answer is out already")

// isWhole reports whether the handler has given a whole body, of which there is one only.
func (w *Response) isWhole() bool {
	return w.text != "" || w.shared != nil || w.lent != nil || w.file != nil
}

// answered reports whether there is a body, or some of it.
func (w *Response) answered() bool { return w.x.headSent || len(w.bytes) > 0 || w.isWhole() }

// bodySize returns the number of bytes of the body as it stands.
func (w *Response) bodySize() int64 {
	if w.file != nil {
		return w.size
	}
	if w.shared != nil {
		return int64(len(w.shared.text) - w.shared.head)
	}
	return int64(len(w.text) + len(w.bytes) + len(w.lent))
}

// finish sends the whole answer: the handler's, or the one that its error becomes.
func (w *Response) finish(err error) {
	if err == nil {
		err = w.mistake()
	}
	if err != nil {
		w.failed(err)
	}
	if len(w.hooks.head) > 0 {
		w.beforeHead(&w.hooks)
		if err := w.mistake(); err != nil {
			w.failed(err)
		}
	}
	w.send()
}

// mistake returns the mistake in the handler's answer, if there is one.
func (w *Response) mistake() error {
	switch {
	case w.broken != nil:
		return w.broken
	case w.status < 200 || w.status > 599:
		return fmt.Errorf("http: %d is no status to answer with", int(w.status))
	case w.length >= 0 && w.length != w.bodySize() && !(w.bodySize() == 0 && w.bodiless()):
		return fmt.Errorf("http: the handler declared a length of %d and wrote %d", w.length, w.bodySize())
	}
	return nil
}

var _ io.Writer = (*Response)(nil)
