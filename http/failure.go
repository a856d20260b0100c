package http

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// How an error becomes an answer. The server has a plain text for each status; a site
// has its own pages, or JSON, by Config.ErrorHandler. One function makes them all: those
// for errors that handlers return, and those for requests that the server refuses.

// A Failure is the reason for an answer with an error status, for an [ErrorHandler].
type Failure struct {
	Status Status // 400 to 599
	Reason string // for the client, one line, as Because has it; "" if there is none
	Err    error  // the handler's error, or the server's; not for the client, as it may name files, hosts or queries
}

// An ErrorHandler writes the body of an answer with an error status. It runs on the
// loop and must not wait: it cannot call Body, Flush, Hold or Offload.
//
// The status is set, and so are the fields that the handler has added, such as Allow,
// except with 500, where the handler's fields are dropped. The function may add fields,
// and set another status from 400 to 599. If it writes no body, the server's plain text is
// sent; so it is if the function returns an error, panics or makes a mistake, which is
// logged, and then its fields are dropped. HEAD gets the same fields without the body.
//
// It is not called for a status below 400 (304 has no body), nor for an answer that the
// handler has made itself, whatever its status, nor if the head is out: from then on an
// error can only break the connection.
//
// Of a request whose head was refused, r has no headers, and the method and the path only
// as far as they were understood: see [Request.Refused].
type ErrorHandler func(w *Response, r *Request, f Failure) error

// failed makes the answer one that tells of an error. Fields that the handler has set,
// but Content-Type, stay with a status that it has chosen, such as Allow with 405. With any
// status, a Server or Date that it has removed stays away.
func (w *Response) failed(err error) {
	f := w.x.failure(err)
	w.noteReplaced(f)
	fields, closes, without := w.fields, w.closes, w.without
	w.reset()
	if f.Status != StatusInternalServerError {
		w.fields, w.closes, w.without = fields, closes, without
		w.drop("Content-Type")
	} else if !hasField(fields, "Server") && !hasField(fields, "Date") {
		w.without = without
	}
	w.without &^= noType
	w.status = f.Status
	if f.Status == StatusServiceUnavailable {
		w.addIfMissing("Retry-After", "1")
		w.addIfMissing("Cache-Control", "no-store")
	}
	if w.silent() {
		return
	}
	if w.x.conn.server.errors != nil && f.Status >= 400 && w.render(f) {
		return
	}
	w.plain(f)
}

// plain writes the server's own text for an error.
func (w *Response) plain(f Failure) {
	w.drop("Content-Type")
	w.without &^= noType
	w.lent = nil
	w.typ = "text/plain; charset=utf-8"
	w.bytes = append(w.bytes, w.status.Error()...)
	if f.Reason != "" {
		w.bytes = append(w.bytes, ": "...)
		w.bytes = append(w.bytes, f.Reason...)
	}
	w.bytes = append(w.bytes, '\n')
}

// render has the ErrorHandler write the body, and reports whether it has. If it fails,
// the answer is as it was before.
func (w *Response) render(f Failure) bool {
	x := w.x
	c := x.conn
	fields, closes, without := bytes.Clone(w.fields), w.closes, w.without
	err := x.guarded(func(w *Response, r *Request) error { return c.server.errors(w, r, f) })
	if err == nil && (w.status < 400 || w.status > 599) {
		err = fmt.Errorf("http: an ErrorHandler sets a status from 400 to 599, and not %d", int(w.status))
	}
	if err == nil {
		err = w.mistake()
	}
	if err == nil {
		return w.bodySize() > 0
	}
	if err == errPanicked {
		c.closeAfter = true
	} else {
		x.complain("error handler failed", err)
	}
	w.reset()
	w.fields, w.closes, w.without, w.status = append(w.fields, fields...), closes, without, f.Status
	return false
}

// failure returns what an error of a handler means for the client, and logs what is for
// the operator: an error without a status, and the cause of one with a status.
func (x *exchange) failure(err error) Failure {
	f := Failure{Err: err}
	var refused *refusal
	known := true
	switch {
	case errors.As(err, &refused):
		f.Status, f.Reason = Status(refused.Status), refused.Reason
	case errors.As(err, &f.Status):
	case errors.Is(err, ErrStopping):
		f.Status = StatusServiceUnavailable
	default:
		known = false
	}
	var because *causedRefusal
	switch {
	case !known || f.Status < 200 || f.Status > 599:
		f.Status, f.Reason = StatusInternalServerError, ""
		x.complain("handler failed", err)
	case errors.As(err, &because) && f.Status >= 500:
		x.complain("handler failed", because)
	case because != nil:
		x.conn.server.log.Info("handler refused a request", "request", x.request.line(), "route", x.request.Pattern(), "error", because)
	}
	return f
}

// Because returns the status with a reason, which the client gets in the body of the
// answer: one line for a person, in which the end of a line, or another control character,
// becomes a blank. Causes are for the operator: they are logged, at the
// level of errors with a status from 500 on and as information with others, and the client
// does not see them. A cause that is nil is left out.
//
//	return http.StatusBadRequest.Because("the name is missing")
//	return http.StatusBadGateway.Because("the catalogue cannot be read", err)
func (s Status) Because(reason string, causes ...error) error {
	r := newRefusal(s, oneLine(reason))
	if cause := errors.Join(causes...); cause != nil {
		return &causedRefusal{r, cause}
	}
	return r
}

// oneLine returns a text with a blank in place of control characters.
func oneLine(text string) string {
	if strings.IndexFunc(text, unicode.IsControl) < 0 {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, unicode.IsControl), " ")
}

// A causedRefusal is a refusal with the error behind it.
type causedRefusal struct {
	refusal *refusal
	cause   error
}

// Error returns the status, the reason and the cause, for the log.
func (r *causedRefusal) Error() string { return r.refusal.Error() + ": " + r.cause.Error() }

// Unwrap lets errors.As find the status, and errors.Is the cause.
func (r *causedRefusal) Unwrap() []error { return []error{r.refusal, r.cause} }
