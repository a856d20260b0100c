package sim_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// take is a handler that takes its connection over, and writes the number of the request.
func (r *run) take(w *http.Response, q *http.Request) error {
	d, err := w.Hijack()
	if err != nil {
		return err
	}
	_, id, _ := strings.Cut(q.Path()[1:], "/")
	fmt.Fprint(d.Conn, "taken ", id)
	_, _ = io.Copy(io.Discard, d.Conn) // to close with bytes unread would be a reset, and lose the answers
	return d.Conn.Close()
}

var errNoAnswer = errors.New("the answer before did not come")

// taking asks for an answer and then has its connection taken over, with more behind.
func (r *run) taking(s *sim.Script) {
	v := r.dial(s)
	text, want := v.request()
	id := fmt.Sprintf("t%d", v.w.Port())
	err := v.say(fmt.Appendf(nil, "%sGET /taken/%s HTTP/1.1\r\nHost: sim\r\n\r\nbehind", text, id))
	if r.k.Luck.Exhausted > 0 && err == nil {
		// Without a descriptor to leave with, the connection is reset, and the answer
		// before may be lost with it.
		if _, _, _, err = v.answer(); err != nil && !v.w.Broken() {
			v.fail("an answer did not come: %v", err)
		}
	} else if err == nil && !v.expect(want) {
		err = errNoAnswer
	}
	if err == nil {
		err := v.more()
		for err == nil {
			err = v.more()
		}
		all := "taken " + id
		switch {
		case string(v.heard) == all || strings.HasPrefix(string(v.heard), "HTTP/1.1 5"):
		case (v.w.Broken() || v.tls != nil || r.k.Buffer < 64<<10) && strings.HasPrefix(all, string(v.heard)):
			// Behind the loop's back the socket was full, or there was no descriptor.
		default:
			v.fail("%q came, and %q was due: %v", v.heard, all, err)
		}
	}
	v.w.Reset()
}

// tunnel is a handler that opens a tunnel which echoes. What the client has no room for is
// shown again when it has.
func (r *run) tunnel(w *http.Response, q *http.Request) error {
	t, err := w.Tunnel("sim")
	if err != nil {
		return err
	}
	t.OnBytes(func(p []byte) int {
		n, _ := t.Write(p[:min(len(p), 1+r.k.Roll(2000))])
		return n
	})
	t.OnEOF(func() {
		if r.k.Roll(2) == 0 {
			t.CloseWrite()
		}
		t.Close()
	})
	r.waiting++
	t.OnClose(func() { r.waiting-- })
	return nil
}

// tunnelling sends through a tunnel, and reads what comes back, piece by piece.
func (r *run) tunnelling(s *sim.Script) {
	v := r.dial(s)
	err := v.say([]byte("GET /tunnel/ HTTP/1.1\r\nHost: sim\r\nConnection: upgrade\r\nUpgrade: sim\r\n\r\n"))
	id, head := fmt.Sprintf("t%d", v.w.Port()), 0
	for err == nil && head == 0 {
		err = v.more()
		head = strings.Index(string(v.heard), "\r\n\r\n") + 4
		if head < 4 {
			head = 0
		}
	}
	all := content(id, r.k.Roll(40_000))
	for at := 0; at < len(all) && err == nil; {
		n := min(len(all)-at, 1+r.k.Roll(3000))
		if err = v.say(all[at : at+n]); err != nil {
			break
		}
		for at += n; len(v.heard) < head+at && err == nil; {
			err = v.more()
		}
	}
	if err == nil {
		v.finish()
		for err == nil {
			err = v.more()
		}
	}
	if heard := v.heard[min(head, len(v.heard)):]; err == io.EOF && string(heard) != string(all) || err != io.EOF {
		v.fail("of %d bytes, %d came back through a tunnel: %v", len(all), len(heard), err)
	}
	v.w.Reset()
}
