package websocket

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

// TestAMessageForManyIsPreparedOnce has sessions with and without deflating get the same.
func TestAMessageForManyIsPreparedOnce(t *testing.T) {
	long := text(2000)
	messages := []*Prepared{Prepare(Text, []byte(long)), Prepare(Binary, []byte("short"))}
	stage(t, accepted(Options{Deflate: true}, func(s *Session) {
		for _, m := range messages {
			if err := s.SendPrepared(m); err != nil {
				t.Error(err)
			}
		}
	}), func(_ *http.Server, main *client) {
		var first *http.Piece
		for range 2 {
			c := main.connect(offersDeflate)
			c.wants("deflated text "+long, "binary short")
			c.leave()
			if first != nil && messages[0].deflated != first {
				t.Error("it was deflated twice")
			}
			first = messages[0].deflated
		}
		for _, fields := range []string{"", "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n"} {
			c := main.connect(fields)
			c.wants("text "+long, "binary short")
			c.leave()
		}
	})
}

// TestATopicSendsToItsSessions has them come, go, and take nothing.
func TestATopicSendsToItsSessions(t *testing.T) {
	var topic *Topic
	var sessions []*Session
	var ends []func()
	full := 0
	random := rand.New(rand.NewPCG(1, 2))
	h := accepted(Options{Deflate: true}, func(s *Session) {
		sessions = append(sessions, s)
		ends = append(ends, topic.Subscribe(s, func() { full++ }))
	})
	stage(t, h, func(server *http.Server, main *client) {
		on := func(f func()) {
			if err := server.Loop().Post(f); err != nil {
				t.Error(err)
			}
			main.script.Sleep(second)
		}
		on(func() { topic = NewTopic(server) })
		a, b, c := main.connect(), main.connect(offersDeflate), main.connect()
		publish := func(kind Kind, p string) {
			t.Helper()
			if err := topic.Post(Prepare(kind, []byte(p))); err != nil {
				t.Error(err)
			}
			main.script.Sleep(second)
		}
		publish(Text, "one")
		publish(Text, text(1000))
		a.wants("text one", "text "+text(1000))
		b.wants("text one", "deflated text "+text(1000))
		c.wants("text one", "text "+text(1000))

		on(func() { ends[0](); ends[0]() })
		publish(Text, "two")
		b.wants("text two")
		c.wants("text two")
		on(func() { sessions[0].Send(Text, []byte("nothing")) })
		a.wants("text nothing")
		if n := topic.Len(); n != 2 {
			t.Errorf("there are %d sessions", n)
		}

		c.leave()
		main.script.Sleep(second)
		if n := topic.Len(); n != 1 {
			t.Errorf("when one has left there are %d", n)
		}
		for range 10 { // what cannot be deflated
			noise := make([]byte, 50_000)
			for i := range noise {
				noise[i] = byte(random.Uint32())
			}
			publish(Binary, string(noise))
		}
		if full == 0 {
			t.Error("a client that takes nothing was sent all")
		}
		on(func() { sessions[1].Close(4000, "too slow") })
		for f := b.next(); f != "close 4000 too slow"; f = b.next() {
			if f == "end" || strings.Contains(f, " behind ") {
				t.Fatal("no Close frame came")
			}
		}
		publish(Text, "never")
		b.say(frame(0x88, "\x0f\xa0"))
		b.wants("end")
		main.script.Sleep(second)
		on(func() {
			topic.Subscribe(sessions[1], nil)()
			for i := 0; topic.Publish(messageOf(i)) == nil; i++ {
				if i > 1000 {
					t.Error("a topic takes messages without end")
					return
				}
			}
		})
		if n := topic.Len(); n != 0 {
			t.Errorf("when all have left there are %d", n)
		}
		a.leave()
		b.wire.Close()
	})
}

// messageOf is a message of a number.
func messageOf(i int) *Prepared { return Prepare(Text, fmt.Append(nil, i)) }
