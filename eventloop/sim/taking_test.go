package sim_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// take is a handler that takes its connection over, and says who it was for.
func (r *run) take(w *http.Response, q *http.Request) error {
	d, err := w.Hijack()
	if err != nil {
		return err
	}
	_, id, _ := strings.Cut(q.Path()[1:], "/")
	fmt.Fprint(d.Conn, "taken ", id)
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
