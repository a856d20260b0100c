package websocket

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Clients that take slowly what they are sent.

// TestAClientThatReadsNothingGetsFewPongs has a client send pings while it takes nothing: the
// first pong waits behind earlier messages, and then the latest ping is answered.
func TestAClientThatReadsNothingGetsFewPongs(t *testing.T) {
	const big = 100 << 10
	var session *Session
	stage(t, accepted(Options{}, func(s *Session) {
		session = s
		s.OnMessage(func(Kind, []byte) {
			for range 20 {
				s.Send(Binary, make([]byte, big))
			}
		})
	}), func(_ *http.Server, c *client) {
		c = c.connect()
		for i := range 10 {
			c.say(frame(0x89, fmt.Sprint(i)))
			c.wants(fmt.Sprint("pong ", i))
		}
		for i := range 10 { // at once, and taken at once
			c.say(frame(0x89, fmt.Sprint(i)))
		}
		for i := range 10 {
			c.wants(fmt.Sprint("pong ", i))
		}
		c.say(frame(0x82, ""))
		c.script.Sleep(second)
		for session.Full() { // it takes a little, so that the server reads again
			c.in, _ = c.script.Receive(c.wire, c.in, 1<<10)
		}
		if session.tunnel.Buffered() == 0 {
			t.Fatal("nothing is owed to the client")
		}
		for i := range 100 {
			c.say(frame(0x89, fmt.Sprint(i)))
		}
		c.script.Sleep(second)
		var pongs []string
		for len(pongs) < 2 {
			if f := c.next(); strings.HasPrefix(f, "pong") {
				pongs = append(pongs, f)
			}
		}
		c.say(frame(0x82, "the end"))
		pongs = append(pongs, c.next()[:6])
		if got := strings.Join(pongs, ", "); got != "pong 0, pong 99, binary" {
			t.Errorf("it gets %s", got)
		}
		c.wire.Close()
	})
}

// pours is a handler that sends without end, as fast as its client takes it. It hands its
// sessions on.
func pours(o Options, f func(s *Session)) http.Handler {
	return accepted(o, func(s *Session) {
		pour := func() {
			for s.Send(Binary, make([]byte, 20_000)) == nil {
			}
		}
		s.OnDrain(pour)
		pour()
		f(s)
	})
}

// sips has a client take some bytes a second, for so many seconds, until a frame comes that
// begins like a text. It returns the second and the frame.
func (c *client) sips(rate, seconds int, until string) (int, string) {
	for i := range seconds {
		c.script.Sleep(second)
		var err error
		if c.in, err = c.script.Receive(c.wire, c.in, rate); err != nil {
			return i, err.Error()
		}
		for name, size := readFrame(c.in); size > 0; name, size = readFrame(c.in) {
			c.in = c.in[size:]
			if strings.HasPrefix(name, until) {
				return i, strings.TrimRight(name, " ")
			}
		}
	}
	return seconds, "nothing"
}

// TestASlowClientGetsItsPong has a client that always has more to take send a ping.
func TestASlowClientGetsItsPong(t *testing.T) {
	stage(t, pours(Options{}, func(*Session) {}), func(_ *http.Server, c *client) {
		c = c.connect()
		c.sips(20_000, 5, "nothing")
		c.say(frame(0x89, "there?"))
		// Before the pong are what the server queues, 128 KiB, and what is in the sockets.
		if at, got := c.sips(20_000, 60, "pong"); got != "pong there?" {
			t.Errorf("after %d seconds it gets %s", at, got)
		}
		c.wire.Reset()
	})
}

// TestASlowClientIsNotTakenForOneThatIsGone has a client take for a minute what is before the
// first ping, and then answer that, and one that takes nothing any more.
func TestASlowClientIsNotTakenForOneThatIsGone(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers bool
		sees    string // of the client
		gone    string
	}{
		{"one that answers when it comes to the ping", true, "ping again", "1006 "},
		{"one that does not", false, "reset", "1006 a ping was not answered"},
	} {
		t.Run(row.name, func(t *testing.T) {
			gone := "not yet"
			h := accepted(Options{}, func(s *Session) {
				s.OnGone(func(code int, reason string) { gone = fmt.Sprint(code, " ", reason) })
				s.Send(Binary, make([]byte, 200_000))
			})
			stage(t, h, func(_ *http.Server, c *client) {
				c = c.connect()
				sees := ""
				if at, got := c.sips(3_000, 200, "ping"); got != "ping" || at < 42 {
					t.Errorf("after %d seconds it gets %s", at, got)
				}
				if row.answers {
					c.say(frame(0x8a, ""))
				}
				if sees = c.next() + "again"; strings.Contains(sees, " behind ") {
					sees = "reset"
				}
				if sees != row.sees {
					t.Errorf("then it sees %s", sees)
				}
				c.wire.Reset()
				c.script.Sleep(second)
			})
			if gone != row.gone {
				t.Errorf("the session has ended with %s", gone)
			}
		})
	}
}

// TestASlowClientLearnsWhyItIsClosed has one that takes 10 kB a second be closed for its
// slowness, and one that takes nothing.
func TestASlowClientLearnsWhyItIsClosed(t *testing.T) {
	for _, row := range []struct {
		rate int
		want string
	}{{10_000, "close 1008 too slow"}, {0, "reset"}} {
		stage(t, pours(Options{}, func(s *Session) {
			s.shared.loop.After(second, func() { s.Close(CodePolicyError, "too slow") })
		}), func(_ *http.Server, c *client) {
			c = c.connect()
			if row.rate == 0 {
				c.script.Sleep(time.Minute)
				row.rate = 1 << 20
			}
			at, got := c.sips(row.rate, 100, "close")
			if strings.Contains(got, "reset") {
				got = "reset"
			}
			if got != row.want {
				t.Errorf("after %d seconds it gets %s, and not %s", at, got, row.want)
			}
			c.wire.Close()
		})
	}
}

// TestAClientThatClosesGetsItsAnswerAlsoWhenItIsSlow has both sides close, when the server's
// Close frame waits for the client to take enough.
func TestAClientThatClosesGetsItsAnswerAlsoWhenItIsSlow(t *testing.T) {
	stage(t, pours(Options{}, func(s *Session) {
		s.shared.loop.After(second, func() { s.Close(CodeGoingAway, "later") })
	}), func(_ *http.Server, c *client) {
		c = c.connect()
		c.script.Sleep(2 * second)
		c.say(frame(0x88, "\x0f\xa0"))
		if at, got := c.sips(20_000, 100, "close"); got != "close 1001 later" {
			t.Errorf("after %d seconds it gets %s", at, got)
		}
		c.wants("end")
		c.wire.Close()
	})
}

// TestAHandlerThatOnlySendsHasItsClientHeard has one of Streaming send without end, and its client
// send a ping, a message that is not read, and its Close frame.
func TestAHandlerThatOnlySendsHasItsClientHeard(t *testing.T) {
	for _, row := range []struct {
		say   string
		until string
		want  string // then
	}{
		{frame(0x89, "there?") + frame(0x89, "")[:3], "pong", "pong there?"},
		{frame(0x89, "") + frame(0x88, "\x0f\xa0bye"), "close", "close 4000"},
		{frame(0x81, "not read") + frame(0x89, "not answered"), "pong", "nothing"},
	} {
		var ended error
		stage(t, Streaming(Options{}, func(s *Session) error {
			for ended == nil {
				ended = s.Send(Binary, make([]byte, 20_000))
			}
			return ended
		}), func(_ *http.Server, c *client) {
			c = c.connect()
			c.sips(20_000, 5, "nothing")
			c.say(row.say)
			if at, got := c.sips(40_000, 60, row.until); got != row.want {
				t.Errorf("after %d seconds it gets %s, and not %s", at, got, row.want)
			}
			c.wire.Reset()
			c.script.Sleep(second)
		})
		if ended != http.ErrGone {
			t.Errorf("the handler has ended with %v", ended)
		}
	}
}
