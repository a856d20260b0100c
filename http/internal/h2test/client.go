// Package h2test is a client of HTTP/2 for tests: it says requests in frames and gathers the
// answers. Its windows are so large that it never widens them.
package h2test

import (
	"io"
	"strconv"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// A Client is one connection.
type Client struct {
	Code     h2.ErrorCode // of the last GOAWAY or RST_STREAM
	GoneAway bool         // GOAWAY has come
	Broken   bool         // the connection has ended

	line     io.ReadWriter
	complain func(format string, args ...any)
	in       []byte
	decoder  *h2.Decoder
	block    []byte // of HEADERS that CONTINUATION follows
	ended    bool   // END_STREAM was on those
	last     uint32
	streams  map[uint32]*Stream
	window   int64 // of the connection, for what is sent
	begins   int64 // the window of a stream with
}

// A Stream is one request and what has come of its answer.
type Stream struct {
	ID       uint32
	Interim  []Head // answers ahead of it
	Head            // Status is 0 before it has come
	Body     []byte
	Trailers [][2]string
	Over     bool // END_STREAM or RST_STREAM has come
	Cut      bool // RST_STREAM was first

	window int64
}

// A Head is the status of an answer, and its fields in order.
type Head struct {
	Status int
	Fields [][2]string
}

// New begins a connection. Complain is told what a server must not send.
func New(line io.ReadWriter, complain func(format string, args ...any)) *Client {
	c := &Client{
		line: line, complain: complain, decoder: h2.NewDecoder(h2.DefaultTable), streams: make(map[uint32]*Stream),
		window: h2.DefaultWindow, begins: h2.DefaultWindow,
	}
	const wide = 1 << 30
	b := h2.AppendSettings([]byte(h2.Preface), h2.Setting{ID: h2.SettingInitialWindowSize, Value: wide})
	c.write(h2.AppendWindowUpdate(b, 0, wide))
	return c
}

// write sends frames. That the connection has ended is found out by reading.
func (c *Client) write(p []byte) {
	if !c.Broken {
		_, _ = c.line.Write(p)
	}
}

// Begin says the head of a request, pseudo-fields first. Those about a connection of HTTP/1.1 are
// left out. End says that no body follows.
func (c *Client) Begin(fields [][2]string, end bool) *Stream {
	if c.last += 2; c.last == 2 {
		c.last = 1
	}
	s := &Stream{ID: c.last, window: c.begins}
	c.streams[s.ID] = s
	c.writeHeaders(s, fields, end)
	return s
}

func (c *Client) writeHeaders(s *Stream, fields [][2]string, end bool) {
	var block []byte
	for _, f := range fields {
		if !h2.ConnectionSpecific(f[0]) {
			block = h2.AppendField(block, f[0], f[1])
		}
	}
	h := h2.FrameHeader{Type: h2.FrameHeaders, Stream: s.ID}
	if end {
		h.Flags |= h2.FlagEndStream
	}
	var frames []byte
	for first := true; first || len(block) > 0; first = false {
		n := min(len(block), h2.MinFrameSize)
		if h.Length = uint32(n); n == len(block) {
			h.Flags |= h2.FlagEndHeaders
		}
		frames = append(h.Append(frames), block[:n]...)
		block = block[n:]
		h.Type, h.Flags = h2.FrameContinuation, 0
	}
	c.write(frames)
}

// Send says a piece of a body, as far as the server wants it. It waits for room.
func (c *Client) Send(s *Stream, p []byte) {
	for len(p) > 0 && !s.Over {
		n := min(int64(len(p)), h2.MinFrameSize, s.window, c.window)
		if n <= 0 {
			if !c.ReadFrame() {
				return
			}
			continue
		}
		c.write(append(h2.FrameHeader{Length: uint32(n), Type: h2.FrameData, Stream: s.ID}.Append(nil), p[:n]...))
		s.window -= n
		c.window -= n
		p = p[n:]
	}
}

// End ends a body.
func (c *Client) End(s *Stream, trailers [][2]string) {
	switch {
	case s.Cut:
	case len(trailers) > 0:
		c.writeHeaders(s, trailers, true)
	default:
		c.write(h2.FrameHeader{Type: h2.FrameData, Flags: h2.FlagEndStream, Stream: s.ID}.Append(nil))
	}
}

// Reset gives a request up.
func (c *Client) Reset(s *Stream) {
	c.write(h2.AppendReset(nil, s.ID, h2.Cancel))
	s.Over, s.Cut = true, true
}

// ReadFrame waits for a frame. It reports false when the connection has ended: then all streams
// are over.
func (c *Client) ReadFrame() bool {
	for !c.Broken {
		if h, ok := h2.ReadFrameHeader(c.in); ok && len(c.in) >= h2.HeaderSize+int(h.Length) {
			payload := c.in[h2.HeaderSize:][:h.Length]
			c.in = c.in[h2.HeaderSize+int(h.Length):]
			c.take(h, payload)
			return true
		}
		var p [16 << 10]byte
		n, err := c.line.Read(p[:])
		c.in = append(c.in, p[:n]...)
		c.Broken = n == 0 && err != nil
	}
	for _, s := range c.streams {
		s.Cut = s.Cut || !s.Over
		s.Over = true
	}
	return false
}

// take takes a frame.
func (c *Client) take(h h2.FrameHeader, payload []byte) {
	s := c.streams[h.Stream]
	if s == nil && h.Stream != 0 {
		c.complain("%v for stream %d, which was not begun", h.Type, h.Stream)
		return
	}
	switch h.Type {
	case h2.FrameHeaders, h2.FrameContinuation:
		if c.block = append(c.block, payload...); h.Type == h2.FrameHeaders {
			c.ended = h.Flags.Has(h2.FlagEndStream)
		}
		if h.Flags.Has(h2.FlagEndHeaders) {
			c.takeBlock(s)
		}
	case h2.FrameData:
		c.takeData(h, s, payload)
	case h2.FrameRSTStream:
		if !s.Over {
			s.Over, s.Cut, c.Code = true, true, h2.ReadReset(payload)
		}
	case h2.FrameSettings:
		c.takeSettings(h, payload)
	case h2.FramePing:
		if !h.Flags.Has(h2.FlagAck) {
			c.write(h2.AppendPingAck(nil, h2.ReadPing(payload)))
		}
	case h2.FrameGoAway:
		c.GoneAway = true
		_, c.Code, _ = h2.ReadGoAway(payload)
	case h2.FrameWindowUpdate:
		if n, _ := h.ReadWindowUpdate(payload); s == nil {
			c.window += int64(n)
		} else {
			s.window += int64(n)
		}
	}
}

func (c *Client) takeData(h h2.FrameHeader, s *Stream, payload []byte) {
	if s.Status == 0 && !s.Cut || s.Over && !s.Cut {
		c.complain("DATA for stream %d before its head or behind its end", h.Stream)
	}
	s.Body = append(s.Body, payload...)
	s.Over = s.Over || h.Flags.Has(h2.FlagEndStream)
}

func (c *Client) takeSettings(h h2.FrameHeader, payload []byte) {
	if h.Flags.Has(h2.FlagAck) {
		return
	}
	for len(payload) > 0 {
		var one h2.Setting
		if one, payload = h2.ReadSetting(payload); one.ID == h2.SettingInitialWindowSize {
			for _, s := range c.streams {
				s.window += int64(one.Value) - c.begins
			}
			c.begins = int64(one.Value)
		}
	}
	c.write(h2.AppendSettingsAck(nil))
}

// takeBlock takes a whole field block: an interim answer, the head, or trailers.
func (c *Client) takeBlock(s *Stream) {
	head := c.decode()
	c.block = c.block[:0]
	switch {
	case s.Cut: // it was on its way
	case s.Over:
		c.complain("fields behind the end of stream %d", s.ID)
	case s.Status != 0:
		if s.Trailers = head.Fields; !c.ended || head.Status != 0 {
			c.complain("trailers of stream %d do not end it, or have a status", s.ID)
		}
	case head.Status < 200:
		s.Interim = append(s.Interim, head)
		return
	default:
		s.Head = head
	}
	s.Over = s.Over || c.ended
}

// decode decodes the field block.
func (c *Client) decode() (head Head) {
	var b h2.Block
	most := h2.Limit{Bytes: 1 << 20, Fields: 1000, Crumbs: 1000}
	if why := c.decoder.Decode(c.block, &b, most); why != nil || b.Malformed != nil || b.TooLarge {
		c.complain("a field block is refused: %v %v, too large: %v", why, b.Malformed, b.TooLarge)
	}
	for _, f := range b.Fields {
		name, value := string(b.NameOf(f)), string(b.ValueOf(f))
		switch {
		case name == ":status":
			head.Status, _ = strconv.Atoi(value)
		case f.Pseudo() || f.Known.ConnectionSpecific():
			c.complain("an answer has the field %q", name)
		default:
			head.Fields = append(head.Fields, [2]string{name, value})
		}
	}
	return head
}
