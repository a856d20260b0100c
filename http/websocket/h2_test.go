package websocket

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// Sessions over HTTP/2 (RFC 8441): one connection carries several.

// An h2Client speaks HTTP/2 by frames.
type h2Client struct {
	*client
	decoder *h2.Decoder
}

// connectH2 begins a connection of HTTP/2.
func (c *client) connectH2() *h2Client {
	c.t.Helper()
	w, err := c.kernel.Dial()
	if err != nil {
		c.t.Fatal(err)
	}
	one := &h2Client{&client{t: c.t, kernel: c.kernel, script: c.script, wire: w}, h2.NewDecoder(h2.DefaultTable)}
	hello := h2.AppendSettings([]byte(h2.Preface), h2.Setting{ID: h2.SettingInitialWindowSize, Value: 1 << 20})
	one.say(string(h2.AppendWindowUpdate(hello, 0, 1<<30)))
	return one
}

// headers sends a field block on a stream.
func (c *h2Client) headers(stream uint32, flags h2.Flags, fields ...[2]string) {
	var block []byte
	for _, f := range fields {
		block = h2.AppendField(block, f[0], f[1])
	}
	frame := h2.FrameHeader{Length: uint32(len(block)), Type: h2.FrameHeaders, Flags: flags | h2.FlagEndHeaders, Stream: stream}.Append(nil)
	c.say(string(append(frame, block...)))
}

// data sends DATA.
func (c *h2Client) data(stream uint32, flags h2.Flags, p []byte) {
	frame := h2.FrameHeader{Length: uint32(len(p)), Type: h2.FrameData, Flags: flags, Stream: stream}.Append(nil)
	c.say(string(append(frame, p...)))
}

// next returns the next frame of a stream, as a line of text.
func (c *h2Client) next() string {
	c.t.Helper()
	for {
		h, ok := h2.ReadFrameHeader(c.in)
		if size := h2.HeaderSize + int(h.Length); ok && len(c.in) >= size {
			payload := c.in[h2.HeaderSize:size]
			c.in = c.in[size:]
			if h.Stream == 0 {
				continue
			}
			text := fmt.Sprintf("%q", payload)
			if h.Type == h2.FrameHeaders {
				var b h2.Block
				if err := c.decoder.Decode(payload, &b, h2.Limit{Bytes: 1 << 16, Fields: 100}); err != nil {
					c.t.Fatal(err)
				}
				text = fieldsOf(&b)
			}
			if h.Type != h2.FrameWindowUpdate {
				return fmt.Sprintf("%s %d %s%s", h.Type, h.Stream, text, map[bool]string{true: " end"}[h.Flags.Has(h2.FlagEndStream)])
			}
			continue
		}
		var err error
		if c.in, err = c.script.Receive(c.wire, c.in, 64<<10); err != nil {
			return err.Error()
		}
	}
}

// fieldsOf returns the fields of a block that are not the same for all answers.
func fieldsOf(b *h2.Block) (text string) {
	for _, f := range b.Fields {
		switch name := string(b.NameOf(f)); name {
		case "server", "date", "content-type", "content-length":
		default:
			text += name + "=" + string(b.ValueOf(f)) + " "
		}
	}
	return text
}

// TestSessionsShareAConnectionOfHTTP2 has two, and a request that is none.
func TestSessionsShareAConnectionOfHTTP2(t *testing.T) {
	upgrade := func(protocol, origin string) [][2]string {
		return [][2]string{
			{":method", "CONNECT"}, {":protocol", protocol}, {":scheme", "https"}, {":path", "/echo"}, {":authority", "a"},
			{"sec-websocket-version", "13"}, {"sec-websocket-protocol", "b, c"}, {"origin", origin},
		}
	}
	var gone []string
	handler := func(w *http.Response, r *http.Request) error {
		s, err := Accept(w, r, Options{Protocols: []string{"c"}})
		if err != nil {
			return err
		}
		s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, append([]byte("heard "), p...)) })
		s.OnGone(func(code int, reason string) { gone = append(gone, fmt.Sprint(code, reason)) })
		return nil
	}
	stage(t, handler, func(s *http.Server, c *client) {
		one := c.connectH2()
		ask := func(what, want string) {
			t.Helper()
			if got := one.next(); got != want {
				t.Errorf("%s: the client is told %s, and not %s", what, got, want)
			}
		}
		one.headers(1, 0, upgrade("websocket", "https://a")...)
		ask("a session", "HEADERS 1 :status=200 sec-websocket-protocol=c ")
		one.headers(3, 0, upgrade("websocket", "https://a")...)
		ask("another", "HEADERS 3 :status=200 sec-websocket-protocol=c ")
		one.data(1, 0, []byte(frame(0x81, "one")))
		ask("its message", `DATA 1 "\x81\theard one"`)
		two := []byte(frame(0x81, "two"))
		one.data(3, 0, two[:3])
		one.data(3, 0, two[3:])
		ask("a message in two frames", `DATA 3 "\x81\theard two"`)
		one.headers(5, h2.FlagEndStream, [2]string{":method", "GET"}, [2]string{":scheme", "https"}, [2]string{":path", "/"}, [2]string{":authority", "a"})
		ask("a request for a page", "HEADERS 5 :status=426 ")
		one.next()
		one.headers(7, 0, upgrade("websocket", "https://b")...)
		ask("a page of another origin", "HEADERS 7 :status=403 ")
		one.next()
		one.headers(9, 0, upgrade("mqtt", "https://a")...)
		ask("another protocol", "HEADERS 9 :status=426 ")
		one.next()
		one.data(1, 0, []byte(frame(0x88, "\x03\xe8bye")))
		ask("the answer to Close, and the end", `DATA 1 "\x88\x02\x03\xe8" end`)
		one.data(1, h2.FlagEndStream, nil)
		one.data(3, 0, []byte(frame(0x81, "on")))
		ask("the other session goes on", `DATA 3 "\x81\bheard on"`)
		s.Stop()
		ask("a stop", `DATA 3 "\x88\x12\x03\xe9the server stops"`)
		one.data(3, h2.FlagEndStream, []byte(frame(0x88, "\x03\xe9")))
		ask("the end", `DATA 3 "" end`)
	})
	if fmt.Sprint(gone) != "[1000bye 1001]" {
		t.Errorf("the sessions ended as %v", gone)
	}
}

// session opens one on a stream.
func (c *h2Client) session(stream uint32, more ...[2]string) {
	c.t.Helper()
	c.headers(stream, 0, append(asking(), more...)...)
	for {
		switch h, _ := c.frame(); {
		case h.Stream == stream && h.Type == h2.FrameHeaders:
			return
		case h == (h2.FrameHeader{}):
			c.t.Fatal("the session is not answered")
		}
	}
}

// frame returns the next frame, and nothing at the end of the connection.
func (c *h2Client) frame() (h h2.FrameHeader, payload []byte) {
	for {
		h, ok := h2.ReadFrameHeader(c.in)
		if size := h2.HeaderSize + int(h.Length); ok && len(c.in) >= size {
			payload = c.in[h2.HeaderSize:size]
			c.in = c.in[size:]
			return h, payload
		}
		var err error
		if c.in, err = c.script.Receive(c.wire, c.in, 64<<10); err != nil {
			return h2.FrameHeader{}, nil
		}
	}
}

// all returns all frames of WebSocket on a stream, up to its end, as client.all does.
func (c *h2Client) all(stream uint32) string {
	var in []byte
	end := "the end of the connection"
	for end != "end" {
		h, payload := c.frame()
		switch {
		case h.Type == h2.FrameData && h.Stream == stream:
			if in = append(in, payload...); h.Flags.Has(h2.FlagEndStream) {
				end = "end"
			}
			continue
		case h.Type == h2.FrameRSTStream && h.Stream == stream:
			end = "reset"
		case h == (h2.FrameHeader{}):
		default:
			continue
		}
		break
	}
	text := ""
	for len(in) > 0 {
		name, size := readFrame(in)
		if size == 0 {
			return text + "half of a frame"
		}
		text += strings.TrimRight(name, " ") + "\n"
		in = in[size:]
	}
	return text + end
}

// TestMessagesOnTheWireByHTTP2 has the same cases on streams, in frames of DATA that are cut at
// random.
func TestMessagesOnTheWireByHTTP2(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	stage(t, echo(Options{}), func(_ *http.Server, c *client) {
		one, stream := c.connectH2(), uint32(1)
		for _, row := range wireCases() {
			if stream > 150 {
				one.wire.Close()
				one, stream = c.connectH2(), 1
			}
			one.session(stream)
			for rest := row.say; rest != ""; {
				n := min(len(rest), 1+random.IntN(1+len(row.say)/4), h2.MinFrameSize)
				one.data(stream, 0, []byte(rest[:n]))
				rest = rest[n:]
			}
			one.data(stream, h2.FlagEndStream, nil)
			if got := one.all(stream); got != row.want {
				t.Errorf("%s: got %.200q, want %.200q", row.name, got, row.want)
			}
			stream += 2
		}
		one.wire.Close()
	})
}
