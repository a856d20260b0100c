package http

import (
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The frames of HTTP/2 that are about the connection or a window: settings, pings, windows and
// priorities.

// takeSettings applies the client's settings, once a frame, in their net effect.
func (p *h2Conn) takeSettings(h h2.FrameHeader, payload []byte) *h2.Error {
	if h.Flags.Has(h2.FlagAck) {
		p.known = true
		return p.guard.useless(p.server)
	}
	first := !p.settled
	p.settled = true
	if !first {
		if why := p.guard.settings(p.server, len(payload)); why != nil {
			return why
		}
	}
	before := p.peer
	if why := p.peer.Apply(payload); why != nil {
		return why
	}
	p.encoder.SetPeerLimit(p.peer.LeastTableSize)
	p.encoder.SetPeerLimit(p.peer.HeaderTableSize)
	if by := int64(p.peer.InitialWindowSize) - int64(before.InitialWindowSize); by != 0 {
		for one := range p.carried.All() {
			if why := p.widen(one.Of.(*h2Stream), by); why != nil {
				return errH2Windows
			}
		}
	}
	p.guard.controls++
	p.write(h2.AppendSettingsAck(nil))
	return nil
}

// takePing answers a PING, or notes the answer to ours.
func (p *h2Conn) takePing(h h2.FrameHeader, payload []byte) *h2.Error {
	if h.Flags.Has(h2.FlagAck) {
		if p.closing != nil && h2.ReadPing(payload) == h2StopPing {
			p.leave()
			return nil
		}
		return p.guard.useless(p.server)
	}
	p.guard.controls++
	p.write(h2.AppendPingAck(nil, h2.ReadPing(payload)))
	return p.guard.useless(p.server)
}

// takeWindowUpdate widens a window for what we send.
func (p *h2Conn) takeWindowUpdate(h h2.FrameHeader, payload []byte) *h2.Error {
	n, why := h.ReadWindowUpdate(payload)
	s := p.streams.find(h.Stream)
	switch {
	case h.Stream == 0 && why == nil:
		if p.sending.window += int64(n); p.sending.window > h2.MaxWindow {
			return errH2ConnWindow
		}
		p.resumeSending()
		return nil
	case h.Stream != 0 && s == nil && p.isIdle(h.Stream):
		return errH2Idle
	case h.Stream != 0 && s == nil:
		return nil // it is over
	case why != nil:
		return why
	}
	return p.widen(s, int64(n))
}

// widen changes the window of a stream, which may become negative by SETTINGS.
func (p *h2Conn) widen(s *h2Stream, by int64) *h2.Error {
	if s.window += by; s.window > h2.MaxWindow {
		return errH2StreamWindow
	}
	if by > 0 {
		p.enqueue(s)
	}
	return nil
}

// takePriorityUpdate takes the priority of a stream, which may not have begun.
func (p *h2Conn) takePriorityUpdate(payload []byte) *h2.Error {
	id, value, why := h2.ReadPriorityUpdate(payload)
	if why != nil {
		return why
	}
	priority := h2.DefaultPriority
	priority.Update(value)
	if s := p.streams.find(id); s != nil {
		p.reorder(s, priority)
	} else if id > p.last {
		p.sending.keepEarly(id, priority, p.last)
	}
	return nil
}
