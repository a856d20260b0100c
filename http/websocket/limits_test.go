package websocket

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// A limitRow is what a client sees of one limit: with a small value, and with one that is as
// good as none.
type limitRow struct {
	small   Limits
	play    func(c *client, s *Session) (sees string)
	with    string
	without string
}

// within returns what a client sees within some time, in one line.
func (c *client) within(d time.Duration) (sees string) {
	for until := c.kernel.Now().Add(d); c.script.Until(c.wire, until); {
		f := strings.TrimRight(c.next(), " ")
		if strings.Contains(f, " behind ") {
			f = "reset"
		}
		if sees += f + ", "; f == "reset" || f == "end" {
			break
		}
	}
	return sees
}

// limitRows has one for each field of Limits.
var limitRows = map[string]limitRow{
	"MessageSize": {Limits{MessageSize: 1000}, func(c *client, _ *Session) string {
		c.say(frame(0x81, strings.Repeat("x", 1001)))
		return c.next()[:10]
	}, "close 1009", "text xxxxx"},
	"MessagesTotal": {Limits{MessagesTotal: 1000}, func(c *client, _ *Session) string {
		other := c.from("192.0.2.2", "")
		other.say(frame(0x01, strings.Repeat("y", 500)))
		c.say(frame(0x01, strings.Repeat("x", 800)))
		c.script.Sleep(second)
		c.say(frame(0x80, ""))
		defer other.wire.Reset()
		return c.next()[:10]
	}, "close 1013", "text xxxxx"},
	"MessageTimeout": {Limits{MessageTimeout: 10 * second}, func(c *client, _ *Session) string {
		c.say(frame(0x01, "x"))
		for range 3 {
			c.script.Sleep(3 * second)
			c.say(frame(0x00, "x"))
		}
		sees := c.within(2 * second)
		c.say(frame(0x80, ""))
		return sees + c.within(second)
	}, "close 1008 a message takes too long, end, end, ", "text xxxx, "},
	"PingEvery": {Limits{PingEvery: 10 * second}, func(c *client, _ *Session) string {
		return c.within(15 * second)
	}, "ping, ", ""},
	"PongWithin": {Limits{PingEvery: second, PongWithin: 3 * second}, func(c *client, _ *Session) string {
		c.within(10 * second)
		c.say(frame(0x81, "late"))
		return c.within(second / 2)
	}, "reset, ", "text late, "},
	"CloseWithin": {Limits{CloseWithin: 3 * second}, func(c *client, s *Session) string {
		s.Post(func() { s.Close(4000, "") })
		return c.within(6 * second)
	}, "close 4000, end, ", "close 4000, "},
}

// TestEveryLimitBites has each limit set to something small, and to a year or a terabyte.
func TestEveryLimitBites(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Limits]()) {
		row, ok := limitRows[f.Name]
		if !ok || reflect.ValueOf(row.small).FieldByIndex(f.Index).IsZero() {
			t.Errorf("%s has no row in limitRows that sets it", f.Name)
			continue
		}
		large := row.small
		reflect.ValueOf(&large).Elem().FieldByIndex(f.Index).SetInt(int64(365 * 24 * time.Hour))
		for name, limits := range map[string]Limits{"with": row.small, "without": large} {
			t.Run(f.Name+" "+name, func(t *testing.T) {
				var session *Session
				h := accepted(Options{Limits: limits}, func(s *Session) {
					session = s
					s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, p) })
				})
				stage(t, h, func(_ *http.Server, c *client) {
					c = c.from("192.0.2.1", "")
					want := map[string]string{"with": row.with, "without": row.without}[name]
					if got := row.play(c, session); strings.TrimRight(got, " ") != strings.TrimRight(want, " ") {
						t.Errorf("the client sees %q, and not %q", got, want)
					}
					c.wire.Reset()
				})
			})
		}
	}
}
