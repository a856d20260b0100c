package main

// A place is a function of this repository, and the line in it that does what a moment
// tells. It is found by its words, never by a number, so that it moves with the code.
type place struct {
	File string
	Func string // "receive", or "Conn.receive" for a method
	Line string // is in one line of the function
}

// places are what the page shows beside a moment, by the name that moments have for it.
var places = map[string]place{
	"wait":         {"eventloop/loop.go", "Loop.wait", "l.sleep()"},
	"accept":       {"eventloop/listener.go", "Listener.begin", "l.record(Accepted"},
	"read":         {"eventloop/read.go", "Conn.receive", "l.kernel.Read("},
	"read again":   {"eventloop/read.go", "Conn.readInput", "c.readable && budget > 0"},
	"not now":      {"eventloop/read.go", "Conn.readNothing", "case bobbin.ErrNotNow"},
	"end":          {"eventloop/read.go", "Conn.readNothing", "c.noteEnd()"},
	"broken":       {"eventloop/read.go", "Conn.readNothing", "c.markClosed(err)"},
	"part":         {"eventloop/read.go", "Conn.deliver", "used < len(p)"},
	"head":         {"http/conn.go", "conn.readHead", "reader.Read("},
	"handler":      {"http/exchange.go", "exchange.guarded", "err = h("},
	"answer":       {"http/answer.go", "conn.respond", "x.response.finish(err)"},
	"done":         {"http/answer.go", "conn.answered", "c.awaitRequest()"},
	"refused":      {"http/connend.go", "conn.OnTimeout", "c.refuseRest(errSlowHead)"},
	"write":        {"eventloop/flush.go", "Conn.flush", "c.out.send("},
	"full":         {"eventloop/flush.go", "Conn.writeFailed", "c.writable = false"},
	"pressure on":  {"eventloop/flush.go", "Conn.pushBack", "c.pressure = pressureOn"},
	"pressure off": {"eventloop/flush.go", "Conn.afterFlush", "c.pressure = pressureGone"},
	"state":        {"eventloop/state.go", "Conn.become", "c.state = s"},
	"deadline":     {"eventloop/timer.go", "Conn.look", "c.protocol.OnTimeout(c)"},
	"timers":       {"eventloop/loop.go", "Loop.runTimers", "l.timers.pop("},
	"reap":         {"eventloop/loop.go", "Loop.reap", "closeNow("},

	"short read":  {"eventloop/sim/kernel.go", "Kernel.Read", "k.Luck.ShortRead"},
	"late bytes":  {"eventloop/sim/kernel.go", "Kernel.Read", "k.Luck.LateBytes"},
	"nothing yet": {"eventloop/sim/kernel.go", "Kernel.Read", "k.Luck.NotNow"},

	"connect": {"cmd/playground/machine.go", "machine.add", "m.kernel.Dial()"},
	"visit":   {"cmd/playground/clients.go", "visit", "l.wire.Close()"},
	"reset":   {"cmd/playground/clients.go", "resetMidway", "l.wire.Reset()"},
	"send":    {"cmd/playground/clients.go", "machine.send", "s.Send("},
	"take":    {"cmd/playground/clients.go", "machine.take", "s.Receive("},
}
