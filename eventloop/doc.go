// Package eventloop decides when each connection is served, and how long to wait for
// events. One goroutine runs a [Loop]; sockets, deadlines and posted functions take
// turns on it, so that they need no lock.
//
// A turn has six phases, in this order:
//
//	wait        until a socket is ready, a timer is due or Wake is called
//	dispatch    read each ready connection and call its Protocol; output is queued
//	run posted  functions from other goroutines
//	run timers  functions and deadlines that are due
//	flush       one write for each connection with output
//	reap        close descriptors
//
// The states of a connection, and the steps between them, are a table in state.go.
//
// The kernel reports each change once (edge-triggered), so that a [Conn]
// remembers that its socket is readable or writable until a call says
// otherwise.
//
// A listener whose accept function was made by [TLS.Wrap] speaks TLS. The protocol
// above it is the same: input is decrypted before the protocol gets it, and output is
// encrypted when the socket has room.
//
// [Loops] are several loops in one process, which share nothing.
//
// A Loop, its Conns and Listeners belong to the goroutine that calls
// [Loop.Run]. Other goroutines may call only [Loop.Post], [Loop.Stop] and [Loop.Wake].
// With Config.CheckOwner set, as in this project's tests, most other calls from
// another goroutine panic and name both.
//
// The handler of a loop's log must not wait: a [LogWriter] does not.
//
// A loop records what it does; see [Record], [Loop.ReadSince] and
// [Loop.StartReading]. With Config.Trace set, the records are printed at the end of
// each turn:
//
//	+0.104211s turn 7: wait took 80.1ms
//	+0.104211s turn 7: 1 events
//	+0.104211s conn 3: read 45
//	+0.104226s conn 3: callback took 15µs
//	+0.104226s turn 7: dispatch took 15µs
//	+0.104226s conn 3: wrote 130
//	+0.104233s conn 3: write took 7µs
//	+0.104233s turn 7: flush took 7µs
package eventloop
