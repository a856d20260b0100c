package websocket

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// asking is the field block of a handshake with some fields in place of others: "-name" takes
// one out, "+name" adds one more.
func asking(changes ...[2]string) [][2]string {
	fields := [][2]string{
		{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":path", "/echo"}, {":authority", "a"},
		{"sec-websocket-version", "13"}, {"origin", "https://a"},
	}
	for _, c := range changes {
		name := strings.TrimLeft(c[0], "-+")
		pseudo := 0
		kept := fields[:0:0]
		for _, f := range fields {
			if f[0] != name || c[0][0] == '+' {
				kept = append(kept, f)
			}
			if kept != nil && f[0][0] == ':' {
				pseudo = len(kept)
			}
		}
		switch {
		case c[0][0] == '-':
		case name[0] == ':':
			kept = append(kept[:pseudo:pseudo], append([][2]string{{name, c[1]}}, kept[pseudo:]...)...)
		default:
			kept = append(kept, [2]string{name, c[1]})
		}
		fields = kept
	}
	return fields
}

// TestHandshakesByHTTP2 has extended CONNECT in all shapes, each on a stream of its own, with
// a message and the end behind it.
func TestHandshakesByHTTP2(t *testing.T) {
	type change = [2]string
	const ok, broken = `:status=200 DATA "hello" end`, "RST_STREAM PROTOCOL_ERROR"
	for _, row := range []struct {
		name    string
		changes []change
		want    string
	}{
		{"a handshake is answered by 200", nil, ok},
		{"the name of the protocol may be in capitals", []change{{":protocol", "WebSocket"}}, ok},
		{"a key proves nothing here", []change{{"sec-websocket-key", "x"}}, ok},
		{"a client that is no browser sends no origin", []change{{"-origin", ""}}, ok},
		{"its scheme is that of the connection before", []change{{":scheme", "http"}}, ok},
		{"a length of a tunnel is none", []change{{"content-length", "0"}}, ":status=400"},
		{"another origin is refused", []change{{"origin", "https://b"}}, ":status=403"},
		{"two are, too", []change{{"+origin", "https://a"}}, ":status=403"},
		{"another version is told the right one", []change{{"sec-websocket-version", "8"}}, ":status=426 sec-websocket-version=13"},
		{"so is none", []change{{"-sec-websocket-version", ""}}, ":status=426 sec-websocket-version=13"},
		{"another protocol is", []change{{":protocol", "connect-udp"}}, ":status=426"},
		{"a CONNECT to a host is refused", []change{{"-:protocol", ""}, {"-:scheme", ""}, {"-:path", ""}, {":authority", "a:80"}}, ":status=405 allow=GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"one with a path is malformed", []change{{"-:protocol", ""}}, broken},
		{"a GET with a protocol is", []change{{":method", "GET"}}, broken},
		{"and a protocol that is no word", []change{{":protocol", "web socket"}}, broken},
		{"and an empty one", []change{{":protocol", ""}}, broken},
		{"and two", []change{{"+:protocol", "websocket"}}, broken},
		{"and one without a scheme", []change{{"-:scheme", ""}}, broken},
		{"and without a path", []change{{"-:path", ""}}, broken},
		{"and without a host", []change{{"-:authority", ""}}, broken},
		{"and with another Host", []change{{"host", "b"}}, broken},
		{"and with Upgrade", []change{{"upgrade", "websocket"}}, broken},
		{"and with Connection", []change{{"connection", "upgrade"}}, broken},
		{"and with a line end in its protocol", []change{{":protocol", "websocket\r\nx: y"}}, broken},
	} {
		t.Run(row.name, func(t *testing.T) {
			stage(t, echo(Options{}), func(_ *http.Server, c *client) {
				one := c.connectH2()
				one.headers(1, 0, asking(row.changes...)...)
				one.data(1, 0, []byte(frame(0x81, "hello")+bye))
				one.data(1, h2.FlagEndStream, nil)
				got := one.story(1)
				if got != row.want && !strings.HasPrefix(got, row.want+" DATA") {
					t.Errorf("it is told %s", got)
				}
				one.wire.Close()
			})
		})
	}
}

// story returns what the client is told on a stream, up to its end: the head, the first frame
// of WebSocket, and how it ends.
func (c *h2Client) story(stream uint32) (text string) {
	for {
		h, payload := c.frame()
		switch {
		case h == (h2.FrameHeader{}):
			return text + " the connection has ended"
		case h.Stream != stream:
			continue
		case h.Type == h2.FrameHeaders:
			var b h2.Block
			if err := c.decoder.Decode(payload, &b, h2.Limit{Bytes: 1 << 16, Fields: 100}); err != nil {
				c.t.Fatal(err)
			}
			text += strings.TrimSpace(fieldsOf(&b))
		case h.Type == h2.FrameData && len(payload) > 0:
			name, _ := readFrame(payload)
			text += fmt.Sprintf(" DATA %q", strings.TrimPrefix(name, "text "))
		case h.Type == h2.FrameRSTStream:
			return strings.TrimSpace(text + " RST_STREAM " + h2.ReadReset(payload).String())
		}
		if h.Flags.Has(h2.FlagEndStream) {
			return text + " end"
		}
	}
}

// TestStreamsOfSessionsEnd in all ways that there are, beside one that goes on.
func TestStreamsOfSessionsEnd(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(c *h2Client)
		told string // the client, on the stream
		gone string
	}{
		{"by a Close frame, and the end", func(c *h2Client) {
			c.data(1, 0, []byte(bye))
			c.data(1, h2.FlagEndStream, nil)
		}, ` DATA "close 1000 " end`, "1000, 1000"},
		{"by the end alone", func(c *h2Client) { c.data(1, h2.FlagEndStream, nil) }, " end", "1000, 1006"},
		{"by the end within a frame", func(c *h2Client) { c.data(1, h2.FlagEndStream, []byte(frame(0x81, "hello")[:4])) }, " end", "1000, 1006"},
		{"by a reset", func(c *h2Client) { c.say(string(h2.AppendReset(nil, 1, h2.Cancel))) }, "", "1000, 1006"},
		{"by trailers", func(c *h2Client) { c.headers(1, h2.FlagEndStream, [2]string{"x", "y"}) }, " end", "1000, 1006"},
		{"by fields that are no trailers", func(c *h2Client) { c.headers(1, 0, [2]string{"x", "y"}) }, "RST_STREAM PROTOCOL_ERROR", "1000, 1006"},
		{"by a violation", func(c *h2Client) {
			c.data(1, 0, []byte("\x81\x05hello"))
			c.data(1, h2.FlagEndStream, nil)
		}, ` DATA "close 1002 a frame of a client is not masked" end`, "1000, 1002a frame of a client is not masked"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var gone []string
			h := accepted(Options{}, func(s *Session) {
				s.OnGone(func(code int, reason string) { gone = append(gone, fmt.Sprint(code, reason)) })
				s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, p) })
			})
			stage(t, h, func(_ *http.Server, c *client) {
				one := c.connectH2()
				one.session(1)
				one.session(3)
				if row.end(one); row.told != "" {
					if got := one.story(1); got != row.told {
						t.Errorf("it is told %s", got)
					}
				}
				one.data(3, 0, []byte(frame(0x81, "on")+bye))
				one.data(3, h2.FlagEndStream, nil)
				if got := one.all(3); got != "text on\nclose 1000\nend" {
					t.Errorf("the other is told %s", got)
				}
				one.wire.Close()
			})
			slices.Sort(gone) // a reset is told at the end of the turn
			if got := strings.Join(gone, ", "); got != row.gone {
				t.Errorf("the sessions have ended with %s", got)
			}
		})
	}
}

// TestWhatIsNotOfferedIsRefused has an extended CONNECT where Config.Tunnels is not set.
func TestWhatIsNotOfferedIsRefused(t *testing.T) {
	stageConfig(t, http.Config{Handler: echo(Options{})}, func(_ *http.Server, c *client) {
		one := c.connectH2()
		one.headers(1, 0, asking()...)
		if got := one.story(1); got != "RST_STREAM PROTOCOL_ERROR" {
			t.Errorf("it is told %s", got)
		}
		one.wire.Close()
	})
}
