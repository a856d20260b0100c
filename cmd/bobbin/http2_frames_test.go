package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Frames by hand, with the Framer of golang.org/x/net: what no client does by itself.

// A peer is the other side of a connection of HTTP/2.
type peer struct {
	t    *testing.T
	c    net.Conn
	f    *http2.Framer
	head bytes.Buffer
	enc  *hpack.Encoder
}

// peer connects, and says what comes first.
func (p *program) peer(settings ...http2.Setting) *peer {
	p.t.Helper()
	q := &peer{t: p.t, c: p.dial()}
	q.f = http2.NewFramer(q.c, q.c)
	q.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	q.enc = hpack.NewEncoder(&q.head)
	say(p.t, q.c, http2.ClientPreface)
	q.does(q.f.WriteSettings(settings...))
	return q
}

func (q *peer) does(err error) {
	q.t.Helper()
	if err != nil {
		q.t.Fatal(err)
	}
}

// ask begins a request with some fields, names and values in turn.
func (q *peer) ask(stream uint32, end bool, path string, fields ...string) {
	q.t.Helper()
	method := "GET"
	if !end {
		method = "POST"
	}
	q.head.Reset()
	for i, list := 0, append([]string{":method", method, ":scheme", "http", ":authority", "localhost", ":path", path}, fields...); i < len(list); i += 2 {
		q.does(q.enc.WriteField(hpack.HeaderField{Name: list[i], Value: list[i+1]}))
	}
	q.does(q.f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: q.head.Bytes(), EndStream: end, EndHeaders: true}))
}

// next reads a frame, and returns it in words. It makes room for as much DATA as has come.
func (q *peer) next() (f http2.Frame, said string) {
	q.t.Helper()
	f, err := q.f.ReadFrame()
	if err != nil {
		return nil, "the end, " + err.Error()
	}
	if d, is := f.(*http2.DataFrame); is && len(d.Data()) > 0 {
		q.does(q.f.WriteWindowUpdate(0, uint32(len(d.Data()))))
		q.does(q.f.WriteWindowUpdate(d.StreamID, uint32(len(d.Data()))))
	}
	return f, f.Header().String()
}

// until reads frames until one is as it should be.
func (q *peer) until(what string, is func(f http2.Frame) bool) http2.Frame {
	q.t.Helper()
	var before []string
	for range 10_000 {
		f, said := q.next()
		if f == nil {
			q.t.Fatalf("there is no %s, but %s; before: %.1000s", what, said, strings.Join(before, "; "))
		}
		if is(f) {
			return f
		}
		before = append(before, said)
	}
	q.t.Fatalf("there is no %s among 10,000 frames", what)
	return nil
}

// status waits for the head of an answer.
func (q *peer) status(stream uint32, want string) {
	q.t.Helper()
	f := q.until("answer", func(f http2.Frame) bool {
		_, is := f.(*http2.MetaHeadersFrame)
		return is && f.Header().StreamID == stream
	})
	if got := f.(*http2.MetaHeadersFrame).PseudoValue("status"); got != want {
		q.t.Errorf("stream %d is answered by %s, and not %s", stream, got, want)
	}
}

// ends waits for END_STREAM, and returns how many bytes of DATA the stream had.
func (q *peer) ends(stream uint32) (size int) {
	q.t.Helper()
	q.until("end of the stream", func(f http2.Frame) bool {
		switch f := f.(type) {
		case *http2.DataFrame:
			if f.StreamID == stream {
				size += len(f.Data())
			}
			return f.StreamID == stream && f.StreamEnded()
		case *http2.MetaHeadersFrame:
			return f.StreamID == stream && f.StreamEnded()
		}
		return false
	})
	return size
}

// goAway waits for GOAWAY.
func (q *peer) goAway(last uint32, code http2.ErrCode) {
	q.t.Helper()
	f := q.until("GOAWAY", func(f http2.Frame) bool { _, is := f.(*http2.GoAwayFrame); return is }).(*http2.GoAwayFrame)
	if f.LastStreamID != last || f.ErrCode != code {
		q.t.Errorf("GOAWAY has stream %d, %v: %s", f.LastStreamID, f.ErrCode, f.DebugData())
	}
}

// closed waits for the end of the connection.
func (q *peer) closed() {
	q.t.Helper()
	if f, said := q.next(); f != nil || !strings.Contains(said, io.EOF.Error()) {
		q.t.Errorf("after all there is %s", said)
	}
}

// TestFramesByHand has a conversation for each row, with a server of its own.
func TestFramesByHand(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		settings []http2.Setting
		talk     func(p *program, q *peer)
	}{
		{"the server's settings come first", nil, func(p *program, q *peer) {
			f, said := q.next()
			s, is := f.(*http2.SettingsFrame)
			if !is || s.IsAck() {
				t.Fatalf("first comes %s", said)
			}
			for id, want := range map[http2.SettingID]uint32{http2.SettingMaxConcurrentStreams: 100, http2.SettingInitialWindowSize: 256 << 10, 9: 1} {
				if got, _ := s.Value(id); got != want {
					q.t.Errorf("setting %v is %d, and not %d", id, got, want)
				}
			}
		}},
		{"a PING comes back", nil, func(p *program, q *peer) {
			q.does(q.f.WritePing(false, [8]byte{1, 2, 3}))
			q.until("PING", func(f http2.Frame) bool {
				ping, is := f.(*http2.PingFrame)
				return is && ping.IsAck() && ping.Data == [8]byte{1, 2, 3}
			})
		}},
		{"a client without room gets the head, and the body when it makes room", []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}}, func(p *program, q *peer) {
			q.ask(1, true, "/small")
			q.status(1, "200")
			q.does(q.f.WritePing(false, [8]byte{1}))
			q.until("PING and no DATA before it", func(f http2.Frame) bool {
				if _, is := f.(*http2.DataFrame); is {
					q.t.Error("there is DATA without room for it")
				}
				_, is := f.(*http2.PingFrame)
				return is
			})
			q.does(q.f.WriteWindowUpdate(1, 5))
			if n := q.ends(1); n != 5 {
				q.t.Errorf("the body has %d bytes", n)
			}
		}},
		{"a body may have trailers", nil, func(p *program, q *peer) {
			q.ask(1, false, "/sum", "te", "trailers")
			q.does(q.f.WriteData(1, false, []byte("hello")))
			q.head.Reset()
			q.does(q.enc.WriteField(hpack.HeaderField{Name: "x-sum", Value: "1"}))
			q.does(q.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: q.head.Bytes(), EndStream: true, EndHeaders: true}))
			q.status(1, "200")
			q.ends(1)
		}},
		{"a small answer that is urgent overtakes a large one", nil, func(p *program, q *peer) {
			q.ask(1, true, "/large", "priority", "u=7")
			q.status(1, "200")
			q.ask(3, true, "/small", "priority", "u=0")
			q.status(3, "200")
			q.ends(3)
			if n := q.ends(1); n < len(large)/2 {
				q.t.Errorf("behind the small one come %d bytes of the large", n)
			}
		}},
		{"an order may come before its request", nil, func(p *program, q *peer) {
			q.does(q.f.WriteRawFrame(0x10, 0, 0, append([]byte{0, 0, 0, 3}, "u=0"...))) // PRIORITY_UPDATE
			q.ask(1, true, "/large", "priority", "u=7")
			q.ask(3, true, "/small")
			q.status(3, "200")
			q.ends(3)
			q.ends(1)
		}},
		{"weights are read and not used", nil, func(p *program, q *peer) {
			q.does(q.f.WritePriority(1, http2.PriorityParam{StreamDep: 3, Weight: 200}))
			q.ask(1, true, "/small")
			q.status(1, "200")
		}},
		{"a reset ends one request, and no other", nil, func(p *program, q *peer) {
			q.ask(1, true, "/large")
			q.status(1, "200")
			q.does(q.f.WriteRSTStream(1, http2.ErrCodeCancel))
			q.ask(3, true, "/small")
			q.status(3, "200")
			if n := q.ends(3); n != 5 {
				q.t.Errorf("the body has %d bytes", n)
			}
		}},
		{"an even number ends the connection", nil, func(p *program, q *peer) {
			q.ask(2, true, "/small")
			q.goAway(0, http2.ErrCodeProtocol)
			q.closed()
		}},
		{"a client that goes away has its answers first", nil, func(p *program, q *peer) {
			q.ask(1, true, "/large")
			q.does(q.f.WriteGoAway(0, http2.ErrCodeNo, nil))
			q.status(1, "200")
			if n := q.ends(1); n != len(large) {
				q.t.Errorf("the body has %d bytes", n)
			}
		}},
		{"a stop says so, serves what was on its way, and then closes", nil, func(p *program, q *peer) {
			q.ask(1, true, "/large")
			q.status(1, "200")
			p.signal(syscall.SIGTERM)
			q.goAway(1<<31-1, http2.ErrCodeNo)
			ping := q.until("PING", func(f http2.Frame) bool { _, is := f.(*http2.PingFrame); return is }).(*http2.PingFrame)
			q.ask(3, true, "/small") // before it has heard
			q.does(q.f.WritePing(true, ping.Data))
			q.goAway(3, http2.ErrCodeNo)
			// The second answer comes among the pieces of the first, or behind the last.
			open := 2
			q.until("end of both", func(f http2.Frame) bool {
				if f, is := f.(*http2.DataFrame); is && f.StreamEnded() {
					open--
				}
				return open == 0
			})
			q.closed()
			p.ends(exitOK)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := startAs(t, "sums", "", folder(t, map[string][]byte{"small": []byte("small"), "large": large}))
			row.talk(p, p.peer(row.settings...))
		})
	}
}

// TestAResetIsCounted in the metrics.
func TestAResetIsCounted(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--xray", folder(t, map[string][]byte{"large": large}))
	q := p.peer()
	for stream := uint32(1); stream < 7; stream += 2 {
		q.ask(stream, true, "/large")
		q.status(stream, "200")
		q.does(q.f.WriteRSTStream(stream, http2.ErrCodeCancel))
	}
	q.does(q.f.WritePing(false, [8]byte{1}))
	q.until("PING", func(f http2.Frame) bool { _, is := f.(*http2.PingFrame); return is })
	answer, err := p.h2Client(nil).Get(p.url + "-/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || !bytes.Contains(text, []byte("\nbobbin_streams_reset_total 3\n")) {
		t.Errorf("%s, %v", text, err)
	}
}
