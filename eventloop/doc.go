// Package eventloop is the rhythm of the house: who speaks when, and how long
// we wait. One goroutine turns a [Loop]; sockets, deadlines and work that others
// post all take their turn on it, so that nothing here needs a lock.
//
// A turn has six phases, in this order:
//
//	wait        until a socket is ready, a timer is due or someone calls Wake
//	dispatch    read what came, let each Protocol speak; answers pile up in memory
//	run posted  what other goroutines asked for
//	run timers  what the clock asked for
//	flush       one write per connection that has something to say
//	reap        the one place where a descriptor is closed
//
// What a connection may be at, and what may follow, is the table in state.go.
//
// The kernel reports each change once (edge-triggered), so that a [Conn]
// remembers that its socket is readable or writable until a call says
// otherwise.
//
// A listener whose beginning was made by [TLS.Around] speaks TLS. The protocol
// above it is the same: what comes is decrypted before it is shown, and what is
// said is encrypted when the socket has room.
//
// [Loops] are several of them in one process, of which none knows.
//
// A Loop, its Conns and Listeners belong to the goroutine that calls
// [Loop.Run]. Only [Loop.Post], [Loop.Stop] and [Loop.Wake] may be called from
// elsewhere. With Config.CheckOwner set, as in this project's tests, a call
// from a stranger panics and names both goroutines.
//
// What logs on a loop must not wait: a [LogWriter] does not.
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
package eventloop
