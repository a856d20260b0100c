package inspect

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// The raw records of all loops, for a client that makes a timeline of them. Each loop
// packs its own, and hands blocks to the loop that the client is on. A client that does
// not take them loses blocks, which the next one tells.

// Limits of recordings.
const (
	recordingsMost = 2 // at a time, on all loops: a recording is work for all of them
	secondsDefault = 5
	secondsMost    = 60
	packEvery      = 250 * time.Millisecond // how old a record becomes at most before it is handed on
	packsFlying    = 8                      // blocks of a loop that another has not taken yet
	endWithin      = time.Second            // for the last blocks of all loops
)

// records answers with the records of so many seconds, or with 0 of what the rings of the
// loops hold.
func (v *visit) records() error {
	seconds := secondsDefault
	if text := v.r.Query().Get("seconds"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > secondsMost {
			return http.StatusBadRequest.Because(fmt.Sprintf("seconds is a whole number from 0 to %d", secondsMost))
		}
		seconds = n
	}
	i := v.inspector
	if len(i.servers) == 0 || v.r.Loop().Stopping() {
		return http.StatusServiceUnavailable.Because("the server stops, or has not begun")
	}
	v.w.Add("Content-Type", "application/octet-stream")
	if v.r.Method() == http.MethodHead {
		return v.w.Text("")
	}
	if i.recordings.Add(1) > recordingsMost {
		i.recordings.Add(-1)
		return http.StatusServiceUnavailable.Because(fmt.Sprintf("%d recordings are under way: try again in a moment", recordingsMost))
	}
	held, err := v.w.Hold()
	if err != nil {
		i.recordings.Add(-1)
		return err
	}
	if _, err := held.Write(append(v.hello(), '\n')); err != nil {
		i.recordings.Add(-1)
		return err
	}
	r := &recording{inspector: i, held: held, loop: v.r.Loop()}
	held.OnClose(r.closed)
	held.OnStop(r.finish)
	r.begin(time.Duration(seconds) * time.Second)
	return nil
}

// A recording is an answer with records. It belongs to the loop of its client, except for
// what is atomic.
type recording struct {
	inspector *Inspector
	held      *http.Held
	loop      *eventloop.Loop
	parts     []*part
	left      int // parts that have not ended
	timers    []*eventloop.Timer
	finishing bool
	over      atomic.Bool // the client has left, or has all
}

// A part is what a recording has of one loop.
type part struct {
	recording *recording
	loop      *eventloop.Loop
	near      bool // it is the client's loop
	packer    *Packer

	flying  atomic.Int32  // blocks that are on their way to the client's loop
	missed  atomic.Uint64 // records of blocks for which the client had no room
	waiting atomic.Bool   // a function of it waits for the loop
}

// begin has each loop record, for so long.
func (r *recording) begin(length time.Duration) {
	servers := r.inspector.servers
	for number, server := range servers[:min(len(servers), loopsShown)] {
		p := &part{recording: r, loop: server.Loop(), near: server.Loop() == r.loop}
		p.packer = NewPacker(servers, number, p.send)
		r.parts = append(r.parts, p)
	}
	r.left = len(r.parts)
	for _, p := range r.parts {
		if length == 0 {
			p.do(p.packer.AddRing)
		} else {
			p.do(p.follow)
		}
	}
	if length == 0 {
		r.finish()
		return
	}
	r.timers = []*eventloop.Timer{r.after(length, r.finish), r.after(packEvery, r.tick)}
}

// after is Loop.After for a function that is left out of all figures, as all of a recording
// is.
func (r *recording) after(d time.Duration, f func()) *eventloop.Timer {
	return r.loop.After(d, func() {
		r.loop.LeaveOut()
		f()
	})
}

// post is Loop.Post for such a function.
func post(l *eventloop.Loop, f func()) error {
	return l.Post(func() {
		l.LeaveOut()
		f()
	})
}

// tick has all loops hand on what they have, so that a client which ends the recording has
// nearly all of it.
func (r *recording) tick() {
	if r.finishing {
		return
	}
	for _, p := range r.parts {
		p.do(p.packer.Ship)
	}
	r.timers[1] = r.after(packEvery, r.tick)
}

// finish ends the recording. The answer ends when all loops have handed on the rest, or
// without that of one which is held.
func (r *recording) finish() {
	if r.finishing {
		return
	}
	r.finishing = true
	for _, p := range r.parts {
		p.end()
	}
	if r.left > 0 && r.held.Live() {
		r.after(endWithin, r.held.Done)
	}
}

// ended is called when a loop has handed on all.
func (r *recording) ended() {
	if r.left--; r.left == 0 {
		r.held.Done()
	}
}

// closed is called when the answer is over, for any reason.
func (r *recording) closed() {
	r.over.Store(true)
	r.inspector.recordings.Add(-1)
	for _, timer := range r.timers {
		timer.Stop()
	}
	r.finish()
}

// do has f run on the part's loop. If that has ended, or has too much to do, it is left out.
func (p *part) do(f func()) {
	if p.near {
		f()
		return
	}
	if p.waiting.CompareAndSwap(false, true) && post(p.loop, func() { p.waiting.Store(false); f() }) != nil {
		p.waiting.Store(false)
	}
}

// follow begins to record, on the part's loop.
func (p *part) follow() {
	if !p.recording.over.Load() {
		p.packer.Follow()
	}
}

// send hands on a block, on the part's loop. It reports how many records are lost: of this
// block, or of those before it that the client had no room for.
func (p *part) send(block []byte, records uint64) (lost uint64) {
	r, lost := p.recording, p.missed.Swap(0)
	if p.flying.Add(1) > packsFlying {
		p.flying.Add(-1)
		return lost + records
	}
	if p.near {
		p.write(block, records)
		return lost
	}
	if post(r.loop, func() { p.write(block, records) }) != nil {
		p.flying.Add(-1)
		return lost + records
	}
	return lost
}

// write sends a block, on the client's loop. One that the client has no room for is lost.
func (p *part) write(block []byte, records uint64) {
	p.flying.Add(-1)
	h := p.recording.held
	switch {
	case !h.Live():
	case h.Full():
		p.missed.Add(records)
	default:
		_, _ = h.Write(block) // fails only if the client has left, of which OnClose tells
	}
}

// end ends recording on the part's loop, and then tells the client's. A loop that has too
// much to do is asked again later; one that has ended has nothing to tell.
func (p *part) end() {
	r := p.recording
	if p.near {
		p.packer.Stop()
		r.ended()
		return
	}
	switch post(p.loop, func() { p.packer.Stop(); _ = post(r.loop, r.ended) }) { // a client's loop that has ended needs none
	case nil:
	case eventloop.ErrFull:
		r.after(endWithin/2, p.end)
	default:
		r.ended()
	}
}
