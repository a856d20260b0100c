package http

import (
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// What happens around an answer that may be made later, elsewhere or in pieces.
// A middleware that only looked when the handler has returned would miss those,
// so it says beforehand what it wants to do. All of this is called on the loop's
// goroutine, whatever the handler runs on.

// hooks are what middleware has asked for during one exchange.
type hooks struct {
	head   []func(*Response)
	answer []func(Status, int64)
	end    []func()
}

// reset forgets them. Memory is kept.
func (h *hooks) reset() {
	if len(h.head)+len(h.answer)+len(h.end) == 0 {
		return
	}
	clear(h.head)
	clear(h.answer)
	clear(h.end)
	h.head, h.answer, h.end = h.head[:0], h.answer[:0], h.end[:0]
}

// join puts the hooks of those around before ours.
func (h *hooks) join(outer *hooks) {
	h.head = append(outer.head, h.head...)
	h.answer = append(outer.answer, h.answer...)
	h.end = append(outer.end, h.end...)
	*outer = hooks{}
}

// OnHead has f called when the answer is decided, and before its head is made: f
// may still set fields and the status and, if Whole has it, replace the body. The
// last that was registered is called first. It is called for the answers that an
// error becomes, too, but not twice.
func (w *Response) OnHead(f func(w *Response)) {
	w.use("OnHead")
	w.hooks.head = append(w.hooks.head, f)
}

// OnAnswer has f called when the answer is on its way, with the status that it
// has after all and the size of its body: not when the handler returns, because
// it may answer later, and what it returns may become another answer. For one that
// is sent in pieces, that is when it is complete, or cut short. If there is no
// answer, because the client left before, it is not called.
func (w *Response) OnAnswer(f func(status Status, size int64)) {
	w.use("OnAnswer")
	w.hooks.answer = append(w.hooks.answer, f)
}

// OnEnd has f called when the request is over, answered or not: exactly once.
func (w *Response) OnEnd(f func()) {
	w.use("OnEnd")
	w.hooks.end = append(w.hooks.end, f)
}

// afterAnswer calls those who wait for the answer, once.
func (w *Response) afterAnswer(h *hooks, size int64) {
	if w.bodiless() {
		size = 0
	}
	list := h.answer
	h.answer = list[:0]
	for _, f := range list {
		f(w.status, size)
	}
	clear(list)
}

// beforeHead calls those who wait for the head, once. One of them may register
// another.
func (w *Response) beforeHead(h *hooks) {
	for len(h.head) > 0 {
		last := len(h.head) - 1
		f := h.head[last]
		h.head[last] = nil
		h.head = h.head[:last]
		f(w)
	}
}

// BodyBytes returns the body, if all of it is in memory and nothing of it was sent. It
// must not be changed.
func (w *Response) BodyBytes() ([]byte, bool) {
	switch {
	case w.x.headSent || w.x.streams() || w.x.held != nil || w.file != nil:
		return nil, false
	case w.shared != nil:
		return w.shared.Body(), true
	case w.lent != nil:
		return w.lent, true
	case w.text != "":
		return []byte(w.text), true
	}
	return w.bytes, true
}

// SetBody answers with another body than the one that Whole returned. It is kept
// until it is sent.
func (w *Response) SetBody(body []byte) {
	if w.shared != nil {
		w.AddPrepared(w.shared)
	}
	w.text, w.shared, w.lent, w.bytes = "", nil, nil, w.bytes[:0]
	w.length = -1
	if len(body) > 0 {
		w.lent = body
	}
}

// Header returns a field as the handler has set it, "" if it has not. Of several,
// it returns the first.
func (w *Response) Header(name string) string {
	if w.typ != "" && negotiate.EqualFold(name, "Content-Type") {
		return w.typ
	}
	if v, ok := fieldIn(string(w.fields), name); ok || w.shared == nil {
		return v
	}
	v, _ := fieldIn(string(w.shared.text[:w.shared.fields]), name)
	return v
}

// fieldIn finds a field among lines as they are on the wire.
func fieldIn(lines, name string) (string, bool) {
	for line := range strings.SplitSeq(lines, "\r\n") {
		if n, v, ok := strings.Cut(line, ": "); ok && negotiate.EqualFold(n, name) {
			return v, true
		}
	}
	return "", false
}
