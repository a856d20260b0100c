package inspect

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// TestFramesTellTheTrouble has a watcher see a client that has sent half of a head, among
// more clients than there are rows.
func TestFramesTellTheTrouble(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		r, hello, s := begin(t, c)
		slow := c.At("10.0.0.2").Dial()
		slow.Send("GET / HTTP/1.1\r\n")
		var others []*httptest.Conn
		for range 300 {
			other := c.At("10.0.0.3").Dial()
			other.Send(httptest.Request("GET", "/", ""))
			other.Answer("GET")
			others = append(others, other)
		}
		var f *feed.Frame
		for f == nil || len(f.Troubles) == 0 && f.Number < 60 {
			f = next(t, r)
		}
		if len(f.Troubles) != 1 || hello.Troubles[f.Troubles[0].Trouble].ID != "sends" || f.Troubles[0].Conn != 2 || f.Level != "sends" || f.Words != f.Troubles[0].Words ||
			f.At-f.Troubles[0].Since < troubleComes {
			t.Errorf("frame %d at %v tells %s, %q, of %+v", f.Number, f.At, f.Level, f.Words, f.Troubles)
		}
		if len(f.Rows) == 0 || f.Rows[0].Conn != 2 && f.Rows[1].Conn != 2 {
			t.Errorf("the connection in trouble is not among the first rows: %+v", f.Rows[:min(3, len(f.Rows))])
		}
		slow.Close()
		for range 30 {
			f = next(t, r)
		}
		if f.Level != "healthy" || len(f.Troubles) != 0 {
			t.Errorf("later it tells %s, of %+v", f.Level, f.Troubles)
		}
		for _, other := range others {
			other.Close()
		}
		s.conn.Close()
		c.Sleep(time.Second)
	})
}
