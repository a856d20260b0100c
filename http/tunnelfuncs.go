package http

import "time"

// What a program hears of a tunnel: by one value that has all functions as methods, or by
// functions that are given one by one.

// A TunnelHandler hears of a tunnel. It is for protocols with very many tunnels: one value
// in place of several functions takes less memory.
type TunnelHandler interface {
	// OnBytes is called with the bytes of the client. It returns how many of them it has
	// used, and is called again with the others; if it has used none, when more have come.
	// The bytes are valid only until it returns, and it may change those that it uses.
	OnBytes(p []byte) (used int)

	// OnEOF is called when the client has ended its half, and all its bytes were used. If
	// the tunnel is not closed then, it lives on with our half.
	OnEOF()

	// OnDrain is called when the tunnel is not Full any more.
	OnDrain()

	// OnTimeout is called when the time of Tunnel.SetTimeout has passed.
	OnTimeout()

	// OnStop is called when the server wants to end: the tunnel has Limits.Drain to come to
	// its end, and is closed then.
	OnStop()

	// OnClose is the last call: the tunnel is over, for any reason.
	OnClose()
}

// Handle has all calls go to h, in place of the functions of OnBytes, OnEOF, OnDrain and
// OnStop. Such a tunnel has no idle timeout but that which h makes of SetTimeout.
func (t *Tunnel) Handle(h TunnelHandler) {
	t.handler = h
	t.SetTimeout(0)
	t.listen()
}

// SetTimeout has the handler's OnTimeout called when d has passed, unless the time is set
// anew before; 0 means never. It is late by a tenth of a second at most, and never early.
func (t *Tunnel) SetTimeout(d time.Duration) {
	t.due = 0
	if d > 0 {
		t.due = t.server.elapsed() + d
	}
	if t.is == tunnelOpen {
		t.setDeadline()
	}
}

// tunnelFuncs is the handler of a tunnel whose functions are given one by one.
type tunnelFuncs struct {
	tunnel  *Tunnel
	onBytes func(p []byte) (used int)
	onEOF   func()
	onDrain func()
	onStop  func()
	idle    time.Duration // after so long without a byte it is closed; 0 for never
}

// funcs returns the functions of the tunnel, to set one of them.
func (t *Tunnel) funcs() *tunnelFuncs {
	f, ok := t.handler.(*tunnelFuncs)
	if !ok {
		f = &tunnelFuncs{tunnel: t, idle: t.server.limits.TunnelIdle}
		t.handler = f
		t.SetTimeout(f.idle)
	}
	return f
}

// OnBytes has f called with the bytes of the client. It returns how many of them it has
// used, and is called again with the others; if it has used none, when more have come. The
// bytes are valid only until f returns, and f may change those that it uses. Nothing is
// read before OnBytes was called.
func (t *Tunnel) OnBytes(f func(p []byte) (used int)) {
	t.funcs().onBytes = f
	t.listen()
}

// OnEOF has f called when the client has ended its half, and all its bytes were used.
// Without it, the tunnel is closed then; with it, when our half has ended, too.
func (t *Tunnel) OnEOF(f func()) { t.funcs().onEOF = f }

// OnDrain has f called when the tunnel is not Full any more.
func (t *Tunnel) OnDrain(f func()) { t.funcs().onDrain = f }

// OnStop has f called when the server wants to end: the tunnel has Limits.Drain to come to
// its end, and is closed then.
func (t *Tunnel) OnStop(f func()) { t.funcs().onStop = f }

// SetIdleTimeout closes the tunnel when no byte has gone either way for so long. It is
// Limits.TunnelIdle without it; 0 means that it stays open however long.
func (t *Tunnel) SetIdleTimeout(d time.Duration) {
	f := t.funcs()
	f.idle = d
	f.watchIdle()
}

// watchIdle sets the time for the next look at a tunnel that may be silent.
func (f *tunnelFuncs) watchIdle() {
	t := f.tunnel
	if !t.Live() {
		return
	}
	if f.idle <= 0 {
		t.SetTimeout(0)
		return
	}
	t.SetTimeout(max(1, t.last+f.idle-t.server.elapsed()))
}

// OnBytes implements TunnelHandler.
func (f *tunnelFuncs) OnBytes(p []byte) int { return f.onBytes(p) }

// OnEOF implements TunnelHandler.
func (f *tunnelFuncs) OnEOF() {
	if f.onEOF == nil {
		f.tunnel.Close()
	} else {
		f.onEOF()
	}
}

// OnDrain implements TunnelHandler.
func (f *tunnelFuncs) OnDrain() {
	if f.onDrain != nil {
		f.onDrain()
	}
}

// OnTimeout implements TunnelHandler. A client that has still to take something is not
// silent: it has Limits.SendTimeout.
func (f *tunnelFuncs) OnTimeout() {
	t := f.tunnel
	switch {
	case t.last+f.idle > t.server.elapsed():
		f.watchIdle()
	case t.conn.owed() > 0:
		t.SetTimeout(t.server.limits.lookEvery())
	default:
		t.Close()
	}
}

// OnStop implements TunnelHandler.
func (f *tunnelFuncs) OnStop() {
	if f.onStop != nil {
		f.onStop()
	}
}

// OnClose implements TunnelHandler.
func (f *tunnelFuncs) OnClose() {}

// Pause stops the calls of OnBytes and OnEOF until Resume: the client has to wait.
func (t *Tunnel) Pause() {
	t.paused = true
	t.listen()
}

// Resume ends a Pause. OnBytes is called again with what it has left over, unless it has
// called both itself.
func (t *Tunnel) Resume() {
	t.paused = false
	t.listen()
}

// Paused reports whether Pause was called, and Resume not since.
func (t *Tunnel) Paused() bool { return t.paused }

// Yield, in OnBytes, has that be called with what it leaves over in the next turn of the loop, and
// not before: other connections come in between. It is for what takes long for few bytes.
func (t *Tunnel) Yield() { t.yields = true }

// reads reports whether the program wants the bytes of the client.
func (t *Tunnel) reads() bool {
	f, ok := t.handler.(*tunnelFuncs)
	return !t.paused && (!ok || f.onBytes != nil)
}
