package http

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What a model client hears, and what of it is a fault of the server's.

// hear reads what there is, and reports whether there was something.
func (m *h2Model) hear() (some bool) {
	for m.end == nil {
		n, err := m.w.Receive(m.buffer)
		if err == sim.ErrWouldWait {
			break
		}
		some = true
		m.in = append(m.in, m.buffer[:n]...)
		m.end = err
		if len(m.buffer) < 1<<16 {
			break // it is slow
		}
	}
	for m.fault == nil {
		h, ok := h2.ReadFrameHeader(m.in)
		if m.loose && !m.settled && bytes.HasPrefix(m.in, []byte("HTTP/")) {
			break // half a preface is a request of HTTP/1 that is cut short
		}
		if ok && h.Length > h2.MinFrameSize {
			m.fault = fmt.Errorf("a frame of %d bytes came", h.Length)
		}
		if !ok || len(m.in) < h2.HeaderSize+int(h.Length) {
			break
		}
		m.take(h, m.in[h2.HeaderSize:h2.HeaderSize+h.Length])
		m.in = m.in[h2.HeaderSize+h.Length:]
	}
	return some
}

// take takes one frame.
func (m *h2Model) take(h h2.FrameHeader, p []byte) {
	if !m.settled && (h.Type != h2.FrameSettings || h.Flags.Has(h2.FlagAck)) {
		m.fail("the first frame is %v", h)
	}
	if (m.head.Stream != 0) != (h.Type == h2.FrameContinuation) || m.head.Stream != 0 && m.head.Stream != h.Stream {
		m.fail("%v came when the open block was that of stream %d", h, m.head.Stream)
	}
	switch h.Type {
	case h2.FrameSettings:
		m.takeSettings(h, p)
	case h2.FramePing:
		m.takePing(h, p)
	case h2.FrameGoAway:
		m.takeGoAway(h2.ReadGoAway(p))
	case h2.FrameWindowUpdate:
		m.takeUpdate(h, p)
	case h2.FrameRSTStream:
		m.takeReset(h, h2.ReadReset(p))
	case h2.FrameData:
		m.takeData(h, p)
	case h2.FrameHeaders:
		m.head, m.piece = h, append(m.piece[:0], p...)
		m.takeBlock(h)
	case h2.FrameContinuation:
		m.piece = append(m.piece, p...)
		m.takeBlock(h)
	default:
		m.fail("%v came", h)
	}
}

func (m *h2Model) takeSettings(h h2.FrameHeader, p []byte) {
	if !h.Flags.Has(h2.FlagAck) {
		before := m.theirs.InitialWindowSize
		if why := m.theirs.Apply(p); why != nil {
			m.fail("SETTINGS of the server: %v", why)
		}
		for _, a := range m.streams {
			a.send += int64(m.theirs.InitialWindowSize) - int64(before)
		}
		m.settled = true
		m.emit(h2.FrameHeader{Type: h2.FrameSettings, Flags: h2.FlagAck}, nil)
		return
	}
	if len(m.unacked) == 0 {
		m.fail("SETTINGS were acknowledged once too often")
		return
	}
	c := m.unacked[0]
	m.unacked = m.unacked[1:]
	for id, a := range m.streams {
		if id < c.below {
			a.receive += c.by
		}
	}
	if c.changed {
		m.shrinks = m.shrinks || c.table < m.table
		m.decoder.SetAllowedMaxDynamicTableSize(c.table)
	}
}

func (m *h2Model) takePing(h h2.FrameHeader, p []byte) {
	if !h.Flags.Has(h2.FlagAck) {
		m.emit(h2.FrameHeader{Type: h2.FramePing, Flags: h2.FlagAck}, p)
		return
	}
	if len(m.pings) == 0 || m.pings[0] != h2.ReadPing(p) {
		m.fail("PING was answered by %x, and %x are waited for", p, m.pings)
		return
	}
	m.pings = m.pings[1:]
}

// takeGoAway notes which streams are not taken.
func (m *h2Model) takeGoAway(last uint32, code h2.ErrorCode, debug []byte) {
	if code > h2.HTTP11Required {
		m.fault = fmt.Errorf("GOAWAY has the code %d", code)
	}
	if code != h2.NoError {
		m.fail("GOAWAY %v %s", code, debug)
	}
	if m.goAways > 0 && last > m.last {
		m.fail("GOAWAY names stream %d behind stream %d", last, m.last)
	}
	m.goAways, m.last = m.goAways+1, last
	for _, a := range m.asks {
		if a.id > last || a.id == 0 && last < h2.MaxStream {
			if a.status != "" || a.ended {
				m.fail("GOAWAY says that stream %d was not taken, which was answered", a.id)
			}
			a.missed = true
		}
	}
}

func (m *h2Model) takeUpdate(h h2.FrameHeader, p []byte) {
	n, why := h.ReadWindowUpdate(p)
	if why != nil {
		m.fail("WINDOW_UPDATE: %v", why)
	}
	window := &m.send
	if h.Stream != 0 {
		a := m.streams[h.Stream]
		if a == nil {
			m.fail("%v came for a stream that has not begun", h)
			return
		}
		window = &a.send
	}
	if *window += int64(n); *window > h2.MaxWindow {
		m.fail("%v makes a window of %d", h, *window)
	}
}

func (m *h2Model) takeReset(h h2.FrameHeader, code h2.ErrorCode) {
	a := m.streams[h.Stream]
	switch {
	case a == nil:
		m.fail("%v came for a stream that has not begun", h)
	case code > h2.HTTP11Required:
		m.fail("%v has the code %d", h, code)
	case a.refused:
		m.fail("stream %d was reset twice", a.id)
	case a.missed:
		m.fail("stream %d was reset, which was not taken", a.id)
	case a.left:
	case a.ended && code == h2.NoError:
		a.refused, a.code = true, code
	case a.kind.resets && !a.ended && code != h2.NoError:
		a.refused, a.code = true, code
	default:
		m.fail("stream %d for %s was reset for %v; ended: %v", a.id, a.kind.path, code, a.ended)
	}
}

func (m *h2Model) takeData(h h2.FrameHeader, p []byte) {
	n := int64(len(p))
	if m.receive -= n; m.receive < 0 {
		m.fail("%v is more than the window of the connection", h)
	}
	m.unread += n
	a := m.answered(h)
	if a == nil {
		return
	}
	if a.receive -= n; n > 0 && a.receive < 0 {
		m.fail("%v is more than the window of the stream, by %d", h, -a.receive)
	}
	a.unread += n
	if a.status == "" {
		m.fail("%v came before HEADERS", h)
	}
	a.heard = append(a.heard, p...)
	if h.Flags.Has(h2.FlagEndStream) {
		m.judge(a)
	}
}

// answered returns the stream of a frame that is a part of an answer, nil if nothing is to be
// done with it.
func (m *h2Model) answered(h h2.FrameHeader) *h2Ask {
	a := m.streams[h.Stream]
	switch {
	case a == nil:
		m.fail("%v came for a stream that has not begun", h)
	case a.ended:
		m.fail("%v came behind END_STREAM", h)
	case a.refused:
		m.fail("%v came behind RST_STREAM", h)
	case a.missed:
		m.fail("%v came for a stream that was not taken", h)
	default:
		if a.left {
			return nil
		}
		return a
	}
	return nil
}

// takeBlock takes a field block, when all of it is here.
func (m *h2Model) takeBlock(h h2.FrameHeader) {
	if !h.Flags.Has(h2.FlagEndHeaders) {
		return
	}
	head := m.head
	m.head = h2.FrameHeader{}
	m.fields = m.fields[:0]
	m.decode(m.takeTableSizes(m.piece))
	a := m.answered(head)
	if a == nil || m.fault != nil {
		return
	}
	last := head.Flags.Has(h2.FlagEndStream)
	if a.status != "" { // trailers
		if !last {
			m.fail("trailers of stream %d do not end it", a.id)
		}
		m.judge(a)
		return
	}
	m.takeStatus(a)
	if last {
		m.judge(a)
	}
}

// takeTableSizes takes the updates of the server's table that begin a block, and returns the rest of
// it. There must be one if ours has become smaller (RFC 7541 section 4.2). Each is a block of its own
// for the decoder, which takes one only.
func (m *h2Model) takeTableSizes(block []byte) []byte {
	size, n, is := h2TableSize(block)
	if m.shrinks && !is {
		m.fail("a smaller table was not announced")
	}
	m.shrinks = false
	for ; is; size, n, is = h2TableSize(block) {
		m.table = size
		m.decode(block[:n])
		block = block[n:]
	}
	return block
}

// h2TableSize reads a size update at the beginning of a block, and returns how many bytes it has. It
// reports whether there is one.
func h2TableSize(block []byte) (size uint32, n int, is bool) {
	const update, rest = 0x20, 0x1f
	if len(block) == 0 || block[0]&^rest != update {
		return 0, 0, false
	}
	size, n = uint32(block[0]&rest), 1
	for shift := 0; size >= rest && n < len(block); shift += 7 {
		c := block[n]
		size += uint32(c&0x7f) << shift
		if n++; c < 0x80 {
			break
		}
	}
	return size, n, true
}

// decode has the decoder take a block.
func (m *h2Model) decode(block []byte) {
	if _, err := m.decoder.Write(block); err != nil {
		m.fail("a block cannot be decoded: %v", err)
	}
	if err := m.decoder.Close(); err != nil {
		m.fail("a block cannot be decoded: %v", err)
	}
}

// takeStatus takes the head of an answer.
func (m *h2Model) takeStatus(a *h2Ask) {
	status, length := "", int64(-1)
	for i, f := range m.fields {
		switch {
		case f.Name == ":status" && i == 0:
			status = f.Value
		case strings.HasPrefix(f.Name, ":"), strings.ToLower(f.Name) != f.Name, f.Name == "connection", f.Name == "transfer-encoding":
			m.fail("stream %d is answered by %v", a.id, m.fields)
		case f.Name == "content-length":
			length, _ = strconv.ParseInt(f.Value, 10, 64)
		}
	}
	if !strings.HasPrefix(status, "1") {
		a.status, a.length = status, length
	}
}

// judge compares an answer that is whole.
func (m *h2Model) judge(a *h2Ask) {
	a.ended = true
	status, body := a.kind.want(a)
	if a.status != status || string(a.heard) != body {
		m.fail("stream %d for %s is answered by %s and %d bytes, %.60q, and not by %s and %d bytes, %.60q",
			a.id, a.kind.path, a.status, len(a.heard), a.heard, status, len(body), body)
	}
	if a.length >= 0 && a.length != int64(len(a.heard)) {
		m.fail("stream %d has %d bytes, and declares %d", a.id, len(a.heard), a.length)
	}
}
