package http

import (
	"cmp"
	"fmt"
	"reflect"
	"time"
)

// BodyLimits are limits for the bodies of some requests, in place of those of the server:
// an upload may be larger than a form, and a login smaller. A field that is 0 leaves the
// server's.
//
//	router.Handle("POST /login", http.BodyLimits{Size: 4 << 10}.Wrap(login))
//
// They hold from the first byte on: a body with a declared length that is too large is
// answered before any of it is read, and before a client that expects "100 Continue" gets
// one. A Streaming or Blocking handler, the work of Offload and an answer of Hold are not
// even begun. A plain handler is called, because it may have another limit within; if it
// has not read the body and answers with success, the 413 is in place of that. A limit of
// requests a second is middleware.RateLimit around the handler, which answers 429 as early.
type BodyLimits struct {
	Size    int64         // bytes, in memory or read piece by piece; Limits.Body in memory, else no limit; 413
	Timeout time.Duration // between two pieces; Limits.BodyTimeout; 408
	Time    time.Duration // that the handler waits for the body, in all; Limits.BodyTime in memory, else no limit; 408
	MinRate int64         // bytes a second, after RateGrace; Limits.MinRate; 408
	Grace   time.Duration // before MinRate counts; Limits.RateGrace
}

// Wrap is Middleware. Of several around a handler the innermost holds, so that a route may
// have other limits than its group. It panics if a limit is below 0.
func (l BodyLimits) Wrap(next Handler) Handler {
	if l.Size < 0 || l.Timeout < 0 || l.Time < 0 || l.MinRate < 0 || l.Grace < 0 {
		panic(fmt.Sprintf("http: %+v: a limit is a number from 1 on, or 0 for the server's", l))
	}
	if err := tooShort(reflect.ValueOf(l)); err != nil {
		panic(err.Error())
	}
	return func(w *Response, r *Request) error {
		x := w.x
		if x.framing.Done() {
			return next(w, r)
		}
		x.limitBody(l)
		err := next(w, r)
		if err == nil && x.mayReplace() && w.status < 400 {
			return x.declaredTooLarge(false)
		}
		return err
	}
}

// mayReplace reports whether a handler that has just returned has made the answer itself, or
// none, and nothing of it was sent.
func (x *exchange) mayReplace() bool {
	return !x.headSent && (x.state == stateRunning || x.state == stateStreaming || x.state == stateOffLoop)
}

// limitBody sets the limits of the body, for the request that is being served.
func (x *exchange) limitBody(l BodyLimits) {
	s := &x.conn.server.limits
	x.limits = BodyLimits{
		Size:    l.Size,
		Timeout: cmp.Or(l.Timeout, s.BodyTimeout),
		Time:    l.Time,
		MinRate: cmp.Or(l.MinRate, s.MinRate),
		Grace:   cmp.Or(l.Grace, s.RateGrace),
	}
	if x.pace.waited == 0 {
		x.pace.credit = x.limits.Grace
	}
}

// declaredTooLarge returns a 413 if the declared length of the body is above the limit for
// reading it whole or in pieces.
func (x *exchange) declaredTooLarge(whole bool) error {
	most := x.limits.Size
	if most == 0 && whole {
		most = x.conn.server.limits.Body
	}
	if most > 0 && x.head.Length > most && !x.framing.Done() {
		return errBodyTooLarge
	}
	return nil
}

// grownTooLarge reports whether n more bytes, which pace has counted, are more than the
// limit for the whole body, or for what is kept of it in memory.
func (x *exchange) grownTooLarge(n int) bool {
	if x.limits.Size > 0 {
		return x.pace.size > x.limits.Size
	}
	return x.task.wholeBody && int64(len(x.body)+n) > x.conn.server.limits.Body
}

// timeLimit returns the time that the body may take in all, 0 for any.
func (x *exchange) timeLimit() time.Duration {
	if x.limits.Time == 0 && x.task.wholeBody {
		return x.conn.server.limits.BodyTime
	}
	return x.limits.Time
}
