package websocket

import (
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestATurnHasFewMessagesOfASession has a client send much at once, and counts what the handler
// is shown in a turn of the loop.
func TestATurnHasFewMessagesOfASession(t *testing.T) {
	bomb := deflated(strings.Repeat("\x00", 1<<20))
	for _, row := range []struct {
		name    string
		message string
		n       int
		most    int // in a turn: twice turnWork, because what was left over comes before what is read
	}{
		{"short messages", frame(0x82, ""), 30_000, 2048},
		{"deflated messages", frame(0xc1, deflated(text(600))), 2000, 64},
		{"messages that are much when they are inflated", frame(0xc2, bomb), 60, 2},
	} {
		for _, by := range []string{"HTTP/1.1", "HTTP/2"} {
			t.Run(row.name+" by "+by, func(t *testing.T) {
				shown, inTurn, most := 0, 0, 0
				h := accepted(Options{Deflate: true}, func(s *Session) {
					s.OnMessage(func(Kind, []byte) { shown++; inTurn++ })
					var turn func()
					turn = func() {
						most, inTurn = max(most, inTurn), 0
						if s.Live() {
							s.shared.loop.After(1, turn)
						}
					}
					turn()
				})
				stage(t, h, func(_ *http.Server, c *client) {
					all := strings.Repeat(row.message, row.n) + bye
					if by == "HTTP/1.1" {
						c = c.connect(offersDeflate)
						c.say(all)
						c.wants("close 1000", "end")
						c.wire.Close()
						return
					}
					one := c.connectH2()
					one.session(1, [2]string{"sec-websocket-extensions", "permessage-deflate"})
					for all != "" {
						n := min(len(all), h2.MinFrameSize)
						one.data(1, 0, []byte(all[:n]))
						all = all[n:]
					}
					one.data(1, h2.FlagEndStream, nil)
					if got := one.all(1); got != "close 1000\nend" {
						t.Errorf("it is told %s", got)
					}
					one.wire.Close()
				})
				if shown != row.n || most > row.most {
					t.Errorf("%d of %d were shown, %d of them in one turn", shown, row.n, most)
				}
			})
		}
	}
}
