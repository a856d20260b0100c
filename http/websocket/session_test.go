package websocket

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

func TestHandshakes(t *testing.T) {
	without := func(field string) string {
		from := strings.Index(handshake, field)
		return handshake[:from] + handshake[from+strings.Index(handshake[from:], "\n")+1:]
	}
	o := Options{Protocols: []string{"second", "first"}, Deflate: true}
	only := Options{Origins: []string{"https://b.example"}}
	const accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	for _, row := range []struct {
		name, request string
		o             Options
		want          []string // parts of the answer; one with "!" in front is not in it
	}{
		{"a handshake is answered by its proof", handshake, o, []string{"HTTP/1.1 101 ", accept, "Upgrade: websocket", "!Sec-WebSocket-Protocol", "!Extensions"}},
		{"a page of the same host may connect", handshake + "Origin: https://A\r\n", o, []string{" 101 "}},
		{"one of another may not", handshake + "Origin: https://b.example\r\n", o, []string{" 403 ", "!Accept:"}},
		{"nor one of another port", handshake + "Origin: http://a:81\r\n", o, []string{" 403 "}},
		{"nor one without a host", handshake + "Origin: null\r\n", o, []string{" 403 "}},
		{"nor one of two origins", handshake + "Origin: http://a\r\nOrigin: http://a\r\n", o, []string{" 403 "}},
		{"a list may name another", handshake + "Origin: https://b.example\r\n", only, []string{" 101 "}},
		{"and holds for the same host", handshake + "Origin: https://a\r\n", only, []string{" 403 "}},
		{"and for another scheme", handshake + "Origin: http://b.example\r\n", only, []string{" 403 "}},
		{"a list with what is no origin is a mistake", handshake + "Origin: https://c.example\r\n", Options{Origins: []string{"c.example"}}, []string{" 500 ", "!Accept:"}},
		{"so is one with a path", handshake + "Origin: https://c.example\r\n", Options{Origins: []string{"https://c.example/"}}, []string{" 500 ", "!Accept:"}},
		{"but not for those that may connect", handshake + "Origin: https://c.example\r\n", Options{Origins: []string{"c.example", "https://c.example"}}, []string{" 101 "}},
		{"and a list of subprotocols in one is", handshake + "Sec-WebSocket-Protocol: v1, v2\r\n", Options{Protocols: []string{"v1, v2"}}, []string{" 500 ", "!Accept:"}},
		{"a list may have all", handshake + "Origin: null\r\n", Options{Origins: []string{"*"}}, []string{" 101 "}},
		{"a subprotocol is the first that both know", handshake + "Sec-WebSocket-Protocol: first, second\r\n", o, []string{" 101 ", "Sec-WebSocket-Protocol: second\r\n"}},
		{"fields of it are one list", handshake + "Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: first\r\n", o, []string{"Sec-WebSocket-Protocol: first\r\n"}},
		{"one that the server does not know is none", handshake + "Sec-WebSocket-Protocol: third\r\n", o, []string{" 101 ", "!Sec-WebSocket-Protocol"}},
		{"another version is told the right one", without("Sec-WebSocket-Version") + "Sec-WebSocket-Version: 8\r\n", o, []string{" 426 ", "Sec-WebSocket-Version: 13"}},
		{"so is none", without("Sec-WebSocket-Version"), o, []string{" 426 ", "Sec-WebSocket-Version: 13"}},
		{"a handshake is a GET", strings.Replace(handshake, "GET", "POST", 1) + "Content-Length: 0\r\n", o, []string{" 405 ", "Allow: GET", "!Sec-WebSocket-Accept"}},
		{"and no HEAD", strings.Replace(handshake, "GET", "HEAD", 1), o, []string{" 405 ", "Allow: GET", "!Upgrade"}},
		{"of HTTP/1.1", strings.Replace(handshake, "HTTP/1.1", "HTTP/1.0", 1), o, []string{" 426 ", "Upgrade: websocket", "!Sec-WebSocket-Accept"}},
		{"without a body", handshake + "Content-Length: 5\r\n\r\nhello", o, []string{" 400 ", "!Sec-WebSocket-Accept"}},
		{"it may offer other protocols, too", strings.Replace(handshake, "Upgrade: websocket", "Upgrade: h2c, WebSocket", 1), o, []string{" 101 ", accept}},
		{"also in a field before", strings.Replace(handshake, "Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket", 1), o, []string{" 101 ", accept}},
		{"where the origin is looked at, too", strings.Replace(handshake, "Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket", 1) + "Origin: https://b.example\r\n", o, []string{" 403 ", "!Accept:"}},
		{"a protocol whose name begins so is another one", strings.Replace(handshake, "Upgrade: websocket", "Upgrade: websocket2", 1), o, []string{" 426 ", "!Accept:"}},
		{"two versions are none", handshake + "Sec-WebSocket-Version: 13\r\n", o, []string{" 426 ", "Sec-WebSocket-Version: 13"}},
		{"so is a list of them", without("Sec-WebSocket-Version") + "Sec-WebSocket-Version: 13, 8\r\n", o, []string{" 426 "}},
		{"a page without a host is of no host without one", strings.Replace(handshake, "Host: a", "Host:", 1) + "Origin: file://\r\n", o, []string{" 403 "}},
		{"an origin is no address with a user", handshake + "Origin: https://a@b.example\r\n", o, []string{" 403 "}},
		{"nor one with a path", handshake + "Origin: https://b.example/://a\r\n", o, []string{" 403 "}},
		{"nor one that ends in the host", handshake + "Origin: https://b.a\r\n", o, []string{" 403 "}},
		{"a subprotocol is compared as it is", handshake + "Sec-WebSocket-Protocol: FIRST,, second2, \tsecond\t ,\r\n", o, []string{" 101 ", "Sec-WebSocket-Protocol: second\r\n"}},
		{"a key is there", without("Sec-WebSocket-Key"), o, []string{" 400 "}},
		{"it is one", handshake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", o, []string{" 400 "}},
		{"it is base64", without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n", o, []string{" 400 "}},
		{"it is not less than all of it", without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n", o, []string{" 400 "}},
		{"it has 16 bytes", without("Sec-WebSocket-Key") + "Sec-WebSocket-Key: dGhl\r\n", o, []string{" 400 "}},
		{"a request for a page is told what is here", "GET / HTTP/1.1\r\nHost: a\r\n", o, []string{" 426 ", "Upgrade: websocket", "!Sec-WebSocket"}},
		{"so is one that lists no upgrade in Connection", without("Connection"), o, []string{" 426 ", "!Sec-WebSocket-Accept"}},
		{"deflating is accepted without contexts", handshake + offersDeflate, o, []string{"Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"}},
		{"but not where it is off", handshake + offersDeflate, only, []string{" 101 ", "!Extensions"}},
		{"a smaller window is kept", handshake + "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"9\"\r\n", o, []string{"client_no_context_takeover; server_max_window_bits=9\r\n"}},
		{"an unknown parameter declines an offer, and the next is read", handshake + "Sec-WebSocket-Extensions: permessage-deflate; x, other, permessage-deflate; server_max_window_bits=10\r\n", o, []string{"server_max_window_bits=10\r\n"}},
		{"so does a window that cannot be", handshake + "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16\r\n", o, []string{" 101 ", "!Extensions"}},
		{"and one without bits", handshake + "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits\r\n", o, []string{"!Extensions"}},
		{"and a parameter that comes twice", handshake + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; client_max_window_bits=9\r\n", o, []string{"!Extensions"}},
		{"and a value where none is", handshake + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover=1\r\n", o, []string{"!Extensions"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			stage(t, echo(row.o), func(_ *http.Server, c *client) {
				c, head := c.ask(row.request + "\r\n")
				for _, want := range row.want {
					want, not := strings.CutPrefix(want, "!")
					if strings.Contains(head+"\r\n", want) == not {
						t.Errorf("%q: %q", want, head)
					}
				}
				c.wire.Close()
			})
		})
	}
}

// TestASessionEnds has sessions end in all ways, and looks at what each side learns.
func TestASessionEnds(t *testing.T) {
	slow := Options{Limits: Limits{CloseWithin: 3 * second}}
	for _, row := range []struct {
		name string
		play func(s *http.Server, c *client, session *Session)
		sees string // the client, to its end
		gone string // the handler
		took time.Duration
	}{
		{"a client closes", func(_ *http.Server, c *client, _ *Session) { c.say(frame(0x88, "\x0f\xa0bye")) }, "close 4000\nend", "4000 bye", 0},
		{"or without a code", func(_ *http.Server, c *client, _ *Session) { c.say(frame(0x88, "")) }, "close\nend", "1005 ", 0},
		{"or without a word", func(_ *http.Server, c *client, _ *Session) { c.wire.CloseWrite() }, "end", "1006 ", 0},
		{"the handler closes, and the client answers", func(_ *http.Server, c *client, s *Session) {
			s.Post(func() { s.Close(4001, "enough") })
			c.wants("close 4001 enough")
			c.say(frame(0x81, "dropped") + frame(0x89, "too") + frame(0x88, "\x0f\xa1"))
		}, "end", "4001 ", 0},
		{"or does not", func(_ *http.Server, c *client, s *Session) { s.Post(func() { s.Close(4001, "enough") }) }, "close 4001 enough\nend", "1006 ", 3 * second},
		{"or sends fragments without end in place of that", func(_ *http.Server, c *client, s *Session) {
			s.Post(func() { s.Close(4001, "enough") })
			c.wants("close 4001 enough")
			c.say(frame(0x01, ""))
			for range 20 {
				c.script.Sleep(second / 10)
				c.say(frame(0x00, "x"))
			}
		}, "end", "1006 ", 3 * second},
		{"the server stops", func(s *http.Server, c *client, _ *Session) {
			s.Stop()
			c.wants("close 1001 the server stops")
			c.say(frame(0x88, "\x03\xe9"))
		}, "end", "1001 ", 0},
		{"a client that breaks the rules is told which", func(_ *http.Server, c *client, _ *Session) { c.say(frame(0x83, "")) }, "close 1002 the opcode is reserved\nend", "1002 the opcode is reserved", 0},
		{"a message of ever more fragments is not waited for", func(_ *http.Server, c *client, _ *Session) {
			c.say(frame(0x01, ""))
			for range 4 {
				c.script.Sleep(7 * second)
				c.say(frame(0x00, "x"))
			}
		}, "close 1008 a message takes too long\nend", "1008 a message takes too long", 30 * second},
		{"nor is half of a head", func(_ *http.Server, c *client, _ *Session) {
			c.script.Sleep(second)
			c.say("\x81")
		}, "close 1008 a message takes too long\nend", "1008 a message takes too long", 31 * second},
		{"a client that does not answer a ping is reset", func(_ *http.Server, c *client, _ *Session) { c.wants("ping") }, "reset", "1006 a ping was not answered", 40 * second},
		{"one that does is asked again", func(_ *http.Server, c *client, _ *Session) {
			for range 4 {
				c.wants("ping")
				c.say(frame(0x8a, ""))
			}
			c.say(frame(0x88, "\x03\xe8"))
		}, "close 1000\nend", "1000 ", 120 * second},
	} {
		t.Run(row.name, func(t *testing.T) {
			var session *Session
			gone := "not yet"
			h := accepted(slow, func(s *Session) {
				session = s
				s.OnGone(func(code int, reason string) {
					if gone != "not yet" {
						reason += " again"
					}
					gone = fmt.Sprint(code, " ", reason)
				})
			})
			stage(t, h, func(s *http.Server, c *client) {
				c = c.connect()
				before := s.Loop().Uptime()
				row.play(s, c, session)
				sees := c.all()
				if strings.Contains(sees, " behind ") {
					sees = "reset"
				}
				took := s.Loop().Uptime() - before
				c.script.Sleep(second)
				if sees != row.sees || gone != row.gone {
					t.Errorf("the client sees %q, the handler %q", sees, gone)
				}
				if took < row.took || took > row.took+second {
					t.Errorf("it took %v", took)
				}
				if err := session.Send(Text, nil); err != http.ErrGone {
					t.Errorf("Send: %v", err)
				}
			})
		})
	}
}

// TestAPausedClientIsNotTakenForOneThatIsGone has a handler read nothing for minutes, of a client
// in the middle of a message and of one that says nothing.
func TestAPausedClientIsNotTakenForOneThatIsGone(t *testing.T) {
	stage(t, accepted(Options{}, func(s *Session) {
		s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, p) })
		s.shared.loop.After(second, s.Pause)
		s.shared.loop.After(3*time.Minute-time.Millisecond, s.Resume) // right before the next look
	}), func(_ *http.Server, main *client) {
		for _, begins := range []string{"", frame(0x01, "begun ")} {
			c := main.connect()
			c.say(begins)
			c.script.Sleep(2 * second)
			if begins == "" {
				c.say(frame(0x01, ""))
			}
			c.say(frame(0x80, "ended"))
			if got := c.within(2 * time.Minute); got != "" {
				t.Errorf("a client that is paused sees %s", got)
			}
			if got := c.next(); !strings.HasSuffix(got, "ended") {
				t.Errorf("then it sees %s", got)
			}
			if got := c.within(35 * second); got != "ping, " {
				t.Errorf("when it is silent it sees %s", got)
			}
			c.wire.Reset()
		}
	})
}

// TestTheEndIsToldOnce has a handler ask for it in the moment in which a ping was not answered,
// and the connection not yet reset.
func TestTheEndIsToldOnce(t *testing.T) {
	told := ""
	h := accepted(Options{}, func(s *Session) {
		s.shared.loop.After(second, func() {
			s.pinged, s.since = true, -time.Hour
			s.tick()
			s.OnGone(func(code int, reason string) { told += fmt.Sprint(code, " ", reason, ", ") })
		})
	})
	stage(t, h, func(_ *http.Server, c *client) {
		c = c.connect()
		c.script.Sleep(10 * second)
		c.wire.Close()
	})
	if told != "1006 a ping was not answered, " {
		t.Errorf("the handler is told %q", told)
	}
}

func TestCodesThatAreNotSentAreRefused(t *testing.T) {
	stage(t, accepted(Options{}, func(s *Session) {
		if err := s.Close(CodeAbnormal, ""); err != ErrCode {
			t.Error(err)
		}
		if err := s.Send(9, nil); err != ErrNotAMessage {
			t.Error(err)
		}
		if _, _, err := s.Read(); err != errNoStream {
			t.Error(err)
		}
	}), func(_ *http.Server, c *client) { c.connect().leave() })
}

// TestASenderLearnsThatItsClientTakesNothing has a handler send until it is told to wait.
func TestASenderLearnsThatItsClientTakesNothing(t *testing.T) {
	sent := 0
	stage(t, accepted(Options{}, func(s *Session) {
		pour := func() {
			for ; sent < 100; sent++ {
				if err := s.Send(Binary, []byte(strings.Repeat(string(rune('a'+sent%26)), 10_000))); err != nil {
					if err != http.ErrFull || !s.Full() {
						t.Error(err)
					}
					return
				}
			}
			s.Close(CodeNormal, strings.Repeat("long ", 100))
		}
		s.OnDrain(pour)
		pour()
		if sent == 100 {
			t.Error("a client that has taken nothing was sent all")
		}
	}), func(_ *http.Server, c *client) {
		c = c.connect()
		for i := range 100 {
			c.wants("binary " + strings.Repeat(string(rune('a'+i%26)), 10_000))
		}
		c.wants("close 1000 " + strings.Repeat("long ", 24) + "lon")
		c.wire.Close()
	})
}

// TestAHandlerMayWait has one read and write by waiting.
func TestAHandlerMayWait(t *testing.T) {
	var ended error
	h := Streaming(Options{Protocols: []string{"sums"}}, func(s *Session) error {
		if err := s.Send(Text, []byte("hello "+s.Protocol())); err != nil {
			return err
		}
		for {
			kind, p, err := s.Read()
			switch {
			case err != nil:
				ended = err
				return err
			case string(p) == "much":
				for i := range 100 {
					if err := s.Send(Binary, []byte(fmt.Sprint(i, strings.Repeat("x", 10_000)))); err != nil {
						ended = err
						return err
					}
				}
				if string(p) != "much" {
					t.Errorf("the message has become %q", p)
				}
			case string(p) == "done":
				return nil
			case string(p) == "fail":
				return errors.New("as it was told")
			case string(p) == "panic":
				panic("as it was told")
			default:
				if err := s.Send(kind, p); err != nil {
					return err
				}
			}
		}
	})
	stage(t, h, func(_ *http.Server, main *client) {
		start := func() *client {
			ended = nil
			c := main.connect("Sec-WebSocket-Protocol: sums\r\n")
			c.wants("text hello sums")
			return c
		}
		c := start()
		c.say(frame(0x81, "a") + frame(0x82, "b") + frame(0x01, "c") + frame(0x80, "d") + frame(0x81, "much") + frame(0x81, "e"))
		c.wants("text a", "binary b", "text cd")
		for i := range 100 {
			c.wants(fmt.Sprint("binary ", i, strings.Repeat("x", 10_000)))
		}
		c.wants("text e")
		c.leave()
		if want := (&CloseError{Code: 1000}); ended == nil || ended.Error() != want.Error() {
			t.Errorf("Read: %v", ended)
		}

		for say, want := range map[string]string{"done": "close 1000", "fail": "close 1011"} {
			c = start()
			c.say(frame(0x81, say))
			c.wants(want)
			c.say(frame(0x88, ""))
			c.wants("end")
			c.wire.Close()
		}

		c = start()
		c.say(frame(0x81, "panic"))
		if got := c.all(); !strings.Contains(got, " behind ") {
			t.Errorf("a panic ends the connection with %q", got)
		}

		c = start()
		c.say(frame(0x81, "much"))
		c.script.Sleep(second)
		c.wire.Reset()
		c.script.Sleep(time.Minute)
		if ended != http.ErrGone {
			t.Errorf("Send: %v", ended)
		}
	})
}
