package inspect

import (
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestAnAnswerOfThisTurnIsNotOwed has two clients whose requests come in the same turns, and
// looks at the first one's connection from the handler of the second.
func TestAnAnswerOfThisTurnIsNotOwed(t *testing.T) {
	var loop *eventloop.Loop
	queued := 0
	httptest.Run(t, httptest.Config{
		Server: func(s *http.Server) { loop = s.Loop() },
		Handler: func(w *http.Response, r *http.Request) error {
			for _, raw := range loop.Connections(nil) {
				if raw.Owed > 0 {
					queued++
				}
			}
			for _, one := range connections(loop, nil) {
				if one.Owed > 0 || one.Activity == eventloop.Writing {
					t.Errorf("connection %d owes %d and is %s, though its socket has room", one.ID, one.Owed, one.Activity)
				}
			}
			return w.Text("hello\n")
		},
	}, func(c *httptest.Client) {
		ask := func(c *httptest.Client) {
			for range 20 {
				c.Get("/")
			}
		}
		c.Go(ask)
		ask(c)
	})
	if queued == 0 {
		t.Error("no two requests came in one turn, so nothing was tested")
	}
}
