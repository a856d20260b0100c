package http

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A Response is what a handler answers. It may be filled in any order: it is
// sent when the handler returns, and its framing is made then, so that it is
// right whatever the handler did.
type Response struct {
	x      *exchange
	status Status
	fields []byte // "Name: value" lines that the handler set
	typ    string // Content-Type, "" for none
	closes bool   // the handler wants the connection to end
	length int64  // Content-Length that the handler declared, -1 for none
	broken error  // a mistake of the handler's
	hooks  hooks

	// An answer that is sent in pieces.
	chunked  bool  // or else length says where it ends, or the connection
	sent     int64 // bytes of the body
	trailers []byte

	// The body is one of these.
	text   string
	bytes  []byte // written piece by piece; ours
	shared *Prepared
	lent   []byte // as WriteNoCopy has it
	file   eventloop.File
	offset int64
	size   int64 // of the range of file
}

func (w *Response) reset() {
	if w.file != nil {
		w.file.Release() // nobody sent it
		w.file = nil
	}
	w.status, w.length = StatusOK, -1
	w.fields, w.bytes = w.fields[:0], w.bytes[:0]
	w.typ, w.text, w.shared, w.lent = "", "", nil, nil
	w.closes, w.broken = false, nil
	w.offset, w.size = 0, 0
	w.chunked, w.sent, w.trailers = false, 0, w.trailers[:0]
}

// Status returns the status as it stands.
func (w *Response) Status() Status { return w.status }

// SetStatus sets the status; it is 200 unless it is set.
func (w *Response) SetStatus(s Status) *Response {
	w.use("SetStatus")
	if w.x.headSent {
		w.fail(errLate)
		return w
	}
	w.status = s
	return w
}

// Add adds a field. The names that frame the answer are the server's: Date,
// Server and Transfer-Encoding cannot be set, Content-Length only to what the
// body will have, and Connection only to "close". A name or a value that could
// be taken for something else on the wire (RFC 9110 section 5.5) makes the
// answer a 500.
func (w *Response) Add(name, value string) *Response {
	w.use("Set")
	switch {
	case w.x.headSent:
		w.fail(errLate)
	case !h1.IsToken(name):
		w.fail(fmt.Errorf("http: %q is no field name", name))
	case !h1.IsFieldValue(value):
		w.fail(fmt.Errorf("http: the value %q of %s has characters that no field may have", value, name))
	case negotiate.SameFold([]byte(name), "content-type"):
		w.typ = value
	case negotiate.SameFold([]byte(name), "content-length"):
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			w.fail(fmt.Errorf("http: %q is no Content-Length", value))
		}
		w.length = n
	case negotiate.SameFold([]byte(name), "connection"):
		if !negotiate.SameFold([]byte(value), "close") {
			w.fail(fmt.Errorf("http: a handler can set Connection to close only, and not to %q", value))
		}
		w.closes = true
	case negotiate.SameFold([]byte(name), "transfer-encoding"), negotiate.SameFold([]byte(name), "date"), negotiate.SameFold([]byte(name), "server"):
		w.fail(fmt.Errorf("http: %s is set by the server", name))
	default:
		w.fields = append(w.fields, name...)
		w.fields = append(w.fields, ": "...)
		w.fields = append(w.fields, value...)
		w.fields = append(w.fields, "\r\n"...)
	}
	return w
}

// fail remembers the first mistake.
func (w *Response) fail(err error) {
	if w.broken == nil {
		w.broken = err
	}
}

// Text answers with plain text.
func (w *Response) Text(s string) error { return w.content("text/plain; charset=utf-8", s) }

// HTML answers with a page.
func (w *Response) HTML(s string) error { return w.content("text/html; charset=utf-8", s) }

func (w *Response) content(typ, s string) error {
	if w.typ == "" {
		w.typ = typ
	}
	return w.body(func() { w.text = s })
}

// Write adds to the body. It implements io.Writer. It takes everything, in memory,
// unless the handler was made by Streaming or Blocking: then what was written is
// sent now and then, as by Flush.
func (w *Response) Write(p []byte) (int, error) {
	w.use("Write")
	if w.x.held != nil || w.isWhole() {
		return 0, errTwoAnswers
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

// A Prepared is an answer that is made once and given often: a body that stays
// in memory, and the fields that go with it, as they are on the wire.
type Prepared struct {
	text   []byte // the fields, the length, the end of the head, and the body
	fields int    // bytes of the fields
	head   int    // bytes in front of the body
}

// Prepare makes an answer of a body, which is copied, and of fields, each a name
// and a value. It refuses what Response.Set does.
func Prepare(body []byte, fields ...[2]string) (*Prepared, error) {
	w := Response{x: &exchange{}}
	w.reset()
	for _, f := range fields {
		w.Add(f[0], f[1])
	}
	if w.broken == nil && (w.closes || w.length >= 0) {
		w.fail(errors.New("http: the fields that frame an answer are not prepared"))
	}
	if w.broken != nil {
		return nil, w.broken
	}
	p := &Prepared{text: make([]byte, 0, len(w.typ)+len(w.fields)+len(body)+64)}
	if w.typ != "" {
		p.text = append(p.text, "Content-Type: "+w.typ+"\r\n"...)
	}
	p.text = append(p.text, w.fields...)
	p.fields = len(p.text)
	p.text = w.appendLength(p.text, int64(len(body)))
	p.head = len(p.text)
	p.text = append(p.text, body...)
	return p, nil
}

// Size returns how many bytes the answer takes in memory.
func (p *Prepared) Size() int { return cap(p.text) }

// Body returns the body, which nobody may change.
func (p *Prepared) Body() []byte { return p.text[p.head:] }

// WritePrepared answers with what was prepared. Fields that are set beside it come
// before its own.
func (w *Response) WritePrepared(p *Prepared) error { return w.body(func() { w.shared = p }) }

// AddPrepared sets the fields of what was prepared, and nothing of its body.
func (w *Response) AddPrepared(p *Prepared) *Response {
	w.fields = append(w.fields, p.text[:p.fields]...)
	return w
}

// WriteNoCopy answers with p itself, without a copy. Nobody may change it from then
// on.
func (w *Response) WriteNoCopy(p []byte) error { return w.body(func() { w.lent = p }) }

// SendFile answers with size bytes of f from offset on. f is released when they
// are sent, or when it turns out that they need not be.
func (w *Response) SendFile(f eventloop.File, offset, size int64) error {
	err := w.body(func() { w.file, w.offset, w.size = f, offset, size })
	if err != nil {
		f.Release()
	}
	return err
}

var errTwoAnswers = errors.New("http: the handler answered twice")

var errLate = errors.New("http: the head of the answer is out already")

// isWhole reports whether the handler has given a whole body, of which there is one only.
func (w *Response) isWhole() bool {
	return w.text != "" || w.shared != nil || w.lent != nil || w.file != nil
}

// body sets the body, once.
func (w *Response) body(set func()) error {
	w.use("an answer")
	if w.x.headSent || len(w.bytes) > 0 || w.isWhole() {
		w.fail(errTwoAnswers)
		return errTwoAnswers
	}
	set()
	return nil
}

func (w *Response) bodySize() int64 {
	if w.file != nil {
		return w.size
	}
	if w.shared != nil {
		return int64(len(w.shared.text) - w.shared.head)
	}
	return int64(len(w.text) + len(w.bytes) + len(w.lent))
}

// finish sends the answer: what the handler made, or what its error says.
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

// mistake returns what is wrong with what the handler made.
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

// failed turns the answer into one that says what went wrong. Fields that the
// handler set stay with a status that it meant, such as Allow with 405.
func (w *Response) failed(err error) {
	status, reason := w.x.statusOf(err)
	if status < 200 || status > 599 {
		w.x.complain("handler failed", err)
		status, reason = StatusInternalServerError, ""
	}
	fields := w.fields
	w.reset()
	if status != StatusInternalServerError {
		w.fields = fields
	}
	w.status = status
	if status == StatusServiceUnavailable {
		w.Add("Retry-After", "1").Add("Cache-Control", "no-store")
	}
	if w.silent() {
		return
	}
	w.typ = "text/plain; charset=utf-8"
	w.bytes = append(w.bytes, status.Error()...)
	if reason != "" {
		w.bytes = append(w.bytes, ": "...)
		w.bytes = append(w.bytes, reason...)
	}
	w.bytes = append(w.bytes, '\n')
}

// silent reports whether the status has no body (RFC 9110 sections 6.4.1 and
// 15.3.6).
func (w *Response) silent() bool {
	return w.status == StatusNoContent || w.status == StatusResetContent || w.status == StatusNotModified
}

// bodiless reports whether no body is sent, whatever the handler wrote. HEAD
// has the fields of GET (RFC 9110 section 9.3.2).
func (w *Response) bodiless() bool { return w.x.head.Method == h1.MethodHead || w.silent() }

var _ io.Writer = (*Response)(nil)
