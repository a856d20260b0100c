package http

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAClientHearsItsAnswerBeforeItsBodyIsRefused has a large body come behind an answer: a reset in
// the same breath would have some clients lose the answer.
func TestAClientHearsItsAnswerBeforeItsBodyIsRefused(t *testing.T) {
	const step = 100 * time.Millisecond
	k := sim.New(1)
	config := Config{Handler: h2Site().Serve, EagerAccept: true}
	config.Loop.CheckOwner = true
	stageH2(t, k, config, func(watch *h2Watch, c *sim.Script, w *sim.Wire) {
		m := newMouth(k, c, w)
		body := h2Body(1, 200<<10)
		m.play([]any{h2Begin, h2PostOf(1, ":path: /ok", "content-length: 5000000"), step})
		if got := m.words(); got != "SETTINGS ACK, 200 on 1, 5 bytes on 1" {
			t.Errorf("at first it hears %q", got)
		}
		m.listen(body[:60<<10], time.Second) // the window of a connection has no more at first
		m.listen(body[60<<10:], step)
		if got := m.words(); strings.Contains(got, "on 1") {
			t.Errorf("while the body comes, it hears %q", got)
		}
		m.hear(watch.server.limits.DiscardIdle)
		if got := m.words(); got != "NO_ERROR on 1" {
			t.Errorf("later it hears %q", got)
		}
		m.listen(h2Fetch(3, "/ok"), step)
		if got := m.words(); got != "200 on 3, 5 bytes on 3" {
			t.Errorf("behind that it hears %q", got)
		}
		w.Close()
		c.Sleep(h2Rest)
	})
}
