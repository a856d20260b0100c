package http

import (
	"fmt"
	"math/rand/v2"

	"golang.org/x/net/http2/hpack"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What a model client does next.

// move makes one of the moves that can be made, and reports whether there was one.
func (m *h2Model) move() bool {
	if m.made == m.mishapAt {
		m.mishap()
	}
	m.made++
	var can []func()
	open := 0
	for _, a := range m.asks {
		if a.id != 0 && !a.over() {
			open++
		}
	}
	for _, a := range m.asks {
		switch {
		case a.id == 0 && !a.missed && open < 20:
			can = append(can, func() { m.begin(a) })
		case a.id == 0 || a.over():
			continue
		case a.leaveAt >= 0 && a.moves >= a.leaveAt:
			can = append(can, func() { m.leave(a) })
		case !a.closed && (a.sent == len(a.body) || min(a.send, m.send) > 0):
			can = append(can, func() { m.sendBody(a) })
		}
		if a.id != 0 && !a.ended && (a.unread > 0 || a.receive <= 0) {
			can = append(can, func() { m.giveBack(a) })
		}
	}
	if m.unread > 0 {
		can = append(can, m.giveBackAll)
	}
	if m.controls > 0 && m.settled {
		can = append(can, m.sendControl)
	}
	if len(can) == 0 {
		return false
	}
	can[m.r.IntN(len(can))]()
	return true
}

// begin sends the head of a request.
func (m *h2Model) begin(a *h2Ask) {
	if m.skips && m.r.IntN(4) == 0 {
		m.next += 2 * uint32(m.r.IntN(1000))
	}
	a.id = m.next
	m.next += 2
	m.streams[a.id] = a
	a.send, a.receive = int64(m.theirs.InitialWindowSize), m.window
	method := "GET"
	if len(a.body) > 0 {
		method = "POST"
	}
	fields := []hpack.HeaderField{
		{Name: ":method", Value: method}, {Name: ":scheme", Value: "http"}, {Name: ":path", Value: a.kind.path}, {Name: ":authority", Value: "example.org"},
		{Name: "a", Value: a.a}, {Name: "b", Value: a.b, Sensitive: m.r.IntN(4) == 0},
	}
	if len(a.body) > 0 && a.declared {
		fields = append(fields, hpack.HeaderField{Name: "content-length", Value: fmt.Sprint(len(a.body))})
	}
	if m.r.IntN(3) == 0 {
		fields = append(fields, hpack.HeaderField{Name: "priority", Value: fmt.Sprintf("u=%d, i=?%d", m.r.IntN(9), m.r.IntN(2))})
	}
	if len(a.body) > 0 && m.r.IntN(6) == 0 {
		fields = append(fields, hpack.HeaderField{Name: "expect", Value: "100-continue"})
	}
	for range m.r.IntN(3) {
		fields = append(fields, hpack.HeaderField{Name: "cookie", Value: fmt.Sprint("crumb=", m.r.IntN(5))})
	}
	if a.kind.spoils != nil {
		fields = a.kind.spoils(a, fields)
	}
	h := h2.FrameHeader{Type: h2.FrameHeaders, Stream: a.id}
	if a.closed = len(a.body) == 0; a.closed {
		h.Flags |= h2.FlagEndStream
	}
	m.sendBlock(h, fields, a.kind.onself)
}

// sendBlock sends a field block, in up to four frames.
func (m *h2Model) sendBlock(h h2.FrameHeader, fields []hpack.HeaderField, onself bool) {
	m.block.Reset()
	for _, f := range fields {
		_ = m.encoder.WriteField(f)
	}
	block := append([]byte(nil), m.block.Bytes()...)
	first := len(block)
	if m.r.IntN(4) == 0 {
		first = m.r.IntN(len(block) + 1)
	}
	var prefix, padding []byte
	if m.r.IntN(6) == 0 {
		padding = make([]byte, m.r.IntN(20))
		prefix, h.Flags = append(prefix, byte(len(padding))), h.Flags|h2.FlagPadded
	}
	if on := uint32(0); onself || m.r.IntN(6) == 0 {
		if onself {
			on = h.Stream
		}
		prefix, h.Flags = append(append(prefix, number(on)...), 15), h.Flags|h2.FlagPriority
	}
	for i := 0; ; i++ {
		if first == len(block) {
			h.Flags |= h2.FlagEndHeaders
		}
		m.emit(h, append(append(prefix, block[:first]...), padding...))
		if block = block[first:]; len(block) == 0 && h.Flags.Has(h2.FlagEndHeaders) {
			return
		}
		h.Type, h.Flags, prefix, padding = h2.FrameContinuation, 0, nil, nil
		if first = len(block); i < 2 {
			first = m.r.IntN(len(block) + 1)
		}
	}
}

// sendBody sends a piece of a body, or the end of it.
func (m *h2Model) sendBody(a *h2Ask) {
	a.moves++
	left := int64(len(a.body) - a.sent)
	if left == 0 && a.trailers {
		a.closed = true
		m.sendBlock(h2.FrameHeader{Type: h2.FrameHeaders, Flags: h2.FlagEndStream, Stream: a.id}, []hpack.HeaderField{{Name: "x-sum", Value: a.b}}, false)
		return
	}
	n := max(min(left, a.send, m.send, h2.MinFrameSize-256), 0)
	if n > 1 && m.r.IntN(3) == 0 {
		n = 1 + m.r.Int64N(n)
	}
	h := h2.FrameHeader{Type: h2.FrameData, Stream: a.id}
	payload := append([]byte(nil), a.body[a.sent:a.sent+int(n)]...)
	if spare := min(a.send, m.send) - n; spare > 0 && m.r.IntN(6) == 0 {
		padding := m.r.Int64N(min(spare, 200))
		payload = append(append([]byte{byte(padding)}, payload...), make([]byte, padding)...)
		h.Flags |= h2.FlagPadded
	}
	a.sent += int(n)
	if a.sent == len(a.body) && !a.trailers && m.r.IntN(2) == 0 || left == 0 {
		a.closed, h.Flags = true, h.Flags|h2.FlagEndStream
	}
	a.send -= int64(len(payload))
	m.send -= int64(len(payload))
	m.emit(h, payload)
}

// leave resets a stream.
func (m *h2Model) leave(a *h2Ask) {
	a.left = true
	m.emit(h2.FrameHeader{Type: h2.FrameRSTStream, Stream: a.id}, number(uint32(h2.Cancel)))
}

// giveBack makes room for more of an answer: a little at first, so that the server has to wait.
func (m *h2Model) giveBack(a *h2Ask) {
	a.moves++
	n := a.unread
	if a.grants++; a.grants > 6 {
		n += 100_000
	} else if n > 1 && m.r.IntN(2) == 0 {
		n = 1 + m.r.Int64N(n)
	} else if m.r.IntN(4) == 0 {
		n += 1 + m.r.Int64N(3000)
	}
	n = max(n, 1)
	a.unread = max(a.unread-n, 0)
	a.receive += n
	m.emit(h2.FrameHeader{Type: h2.FrameWindowUpdate, Stream: a.id}, number(uint32(n)))
}

// giveBackAll makes room in the connection.
func (m *h2Model) giveBackAll() {
	n := m.unread
	if m.grants++; m.grants > 20 {
		n += 10_000
	} else if m.r.IntN(2) == 0 {
		n = 1 + m.r.Int64N(n)
	}
	m.unread = max(m.unread-n, 0)
	m.receive += n
	m.emit(h2.FrameHeader{Type: h2.FrameWindowUpdate}, number(uint32(n)))
}

// sendSettings sends some SETTINGS.
func (m *h2Model) sendSettings() {
	c := h2Change{below: m.next}
	var payload []byte
	set := func(id h2.SettingID, value uint32) {
		payload = append(append(payload, byte(id>>8), byte(id)), number(value)...)
	}
	if m.r.IntN(2) == 0 {
		window := int64([]int{0, 1, 100, 1000, h2.DefaultWindow, 1 << 20}[m.r.IntN(6)])
		c.by, m.window = window-m.window, window
		set(h2.SettingInitialWindowSize, uint32(window))
	}
	if m.r.IntN(3) == 0 {
		c.table, c.changed = []uint32{0, 60, 200, 4096, 1 << 16}[m.r.IntN(5)], true
		set(h2.SettingHeaderTableSize, c.table)
	}
	if m.r.IntN(3) == 0 {
		set(h2.SettingMaxFrameSize, h2.MinFrameSize+uint32(m.r.IntN(1<<20)))
	}
	if m.r.IntN(3) == 0 {
		set(0x7777, m.r.Uint32())
	}
	m.unacked = append(m.unacked, c)
	m.emit(h2.FrameHeader{Type: h2.FrameSettings}, payload)
}

// sendControl sends a frame that belongs to no request.
func (m *h2Model) sendControl() {
	m.controls--
	switch m.r.IntN(5) {
	case 0:
		m.sendSettings()
	case 1:
		for range 1 + m.r.IntN(100)/98*100 {
			data := [8]byte{byte(m.r.IntN(256)), 1, 2, 3, 4, 5, 6, byte(len(m.pings))}
			m.pings = append(m.pings, data)
			m.emit(h2.FrameHeader{Type: h2.FramePing}, data[:])
		}
	case 2:
		m.emit(h2.FrameHeader{Type: h2.FramePriority, Stream: m.next + 2}, append(number(0), 7))
	case 3:
		id := 1 + 2*uint32(m.r.IntN(10))
		m.emit(h2.FrameHeader{Type: h2.FramePriorityUpdate}, append(number(id), fmt.Sprintf("u=%d,i", m.r.IntN(8))...))
	case 4:
		m.emit(h2.FrameHeader{Type: 0x40, Flags: 0xff, Stream: uint32(m.r.IntN(8))}, make([]byte, m.r.IntN(300)))
	}
}

// changeFrame returns a frame that is not what the client means.
func changeFrame(r *rand.Rand, frame []byte) []byte {
	frame = append([]byte(nil), frame...)
	payload := frame[h2.HeaderSize:]
	switch r.IntN(9) {
	case 0:
		frame[4] ^= 1 << r.IntN(8)
	case 1:
		frame[2] += byte(1 + r.IntN(255))
	case 2:
		frame[3] = byte(r.IntN(18))
	case 3:
		frame[8] ^= byte(1 << r.IntN(4))
	case 4:
		if len(payload) > 0 {
			payload[r.IntN(len(payload))] ^= byte(1 << r.IntN(8))
		}
	case 5:
		n := r.IntN(len(payload) + 1)
		h, _ := h2.ReadFrameHeader(frame)
		h.Length = uint32(n)
		h.Put(frame)
		frame = frame[:h2.HeaderSize+n]
	case 6:
		frame = append(frame, frame...)
	case 7:
		frame = h2.AppendWindowUpdate(frame, 1+2*uint32(r.IntN(3)), uint32(r.IntN(2)*h2.MaxWindow))
	case 8:
		frame = h2.AppendSettings(frame, h2.Setting{ID: h2.SettingID(r.IntN(10)), Value: []uint32{0, 1, 2, 1 << 14, 1 << 31, 1<<31 - 1}[r.IntN(6)]})
	}
	return frame
}
