package http

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// Interim sends an interim answer, ahead of the answer itself (RFC 9110 section 15.2): with
// StatusEarlyHints and Link fields, a browser fetches what a page needs while the page is
// still being made (RFC 8297):
//
//	w.Interim(http.StatusEarlyHints, [2]string{"Link", "</style.css>; rel=preload; as=style"})
//
// It is on its way when the turn ends, so a plain handler calls it before Offload or Hold,
// or before it waits for a body. In a handler made by Streaming or Blocking, it returns
// when there is room for more. Clients of HTTP/1.0 know no interim answers, and get none.
//
// The status is from 102 to 199: 100 and 101 are the server's own. The error tells of a
// mistake in the status or a field, of an answer that has begun, or is ErrGone; in a
// handler that cannot wait it is ErrFull above Limits.HighWater, and nothing is sent.
func (w *Response) Interim(status Status, fields ...[2]string) error {
	w.use("Interim")
	if status < StatusProcessing || status > 199 {
		return fmt.Errorf("http: %d is no status of an interim answer that a handler sends", int(status))
	}
	p := append(strconv.AppendInt([]byte("HTTP/1.1 "), int64(status), 10), ' ')
	p = append(append(p, status.Text()...), "\r\n"...)
	line := len(p)
	for _, f := range fields {
		if !h1.IsToken(f[0]) || !h1.IsFieldValue(f[1]) || frames(f[0]) {
			return fmt.Errorf("http: %q: %q is no field for an interim answer", f[0], f[1])
		}
		p = append(append(append(append(p, f[0]...), ": "...), f[1]...), "\r\n"...)
	}
	lines := p[line:]
	p = append(p, "\r\n"...)
	return w.x.onLoop(func() error {
		switch {
		case w.x.headSent:
			return errLateInterim
		case !w.x.streams() && w.x.conn.conn.Full():
			return ErrFull
		case w.x.stream != nil:
			w.x.stream.sendInterim(status, lines)
		case w.x.head.Minor > 0:
			w.x.conn.conn.Write(p)
		}
		return nil
	})
}

// frames reports whether a field is about the connection, or about where a message ends. An
// interim answer has no body, and does not change the connection.
func frames(name string) bool {
	switch strings.ToLower(name) {
	case "connection", "content-length", "keep-alive", "proxy-connection", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// errLateInterim is the error of an interim answer behind the head of the final one.
var errLateInterim = errors.New("http: the answer has begun, and interim answers come before it")

// onLoop runs f on the loop: at once, or while a handler that may wait does so. Then it
// waits until there is room for what f has written.
func (x *exchange) onLoop(f func() error) (err error) {
	if !x.streams() {
		if x.state == stateDone {
			return ErrGone
		}
		return f()
	}
	if err := x.mayNot(callFlush); err != nil {
		return err
	}
	x.task.call = func() { err = f() }
	if !x.wait(stateSending) {
		return ErrGone
	}
	return err
}

// callOrPush does on the loop what a handler waits for: the call of onLoop, or the sending
// of a piece.
func (x *exchange) callOrPush() {
	if f := x.task.call; f != nil {
		x.task.call = nil
		f()
		return
	}
	x.response.push()
}
