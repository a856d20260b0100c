package eventloop

import (
	"crypto/tls"
	"fmt"
	"time"
)

// The kinds of records, and the words for them. A trace and a page that shows a loop
// take their words from here.

// Kind is the subject of a Record. The comment of each is the meaning of its Arg.
type Kind uint8

// Kinds that are always recorded.
const (
	Turn            Kind = iota // events in it
	Accepted                    // descriptor
	AcceptFailed                // 1: no descriptor or memory, 2: another error
	AcceptPaused                // open connections: there is no room for one more at present
	Refused                     // 0; a newcomer was reset, because its client holds its share
	Read                        // bytes
	ReadNotNow                  // 0; the socket had nothing after all
	ReadPart                    // bytes that the protocol has not used yet, such as part of a head
	Wrote                       // bytes
	WriteNotNow                 // bytes queued; the socket had no room after all
	WritePart                   // bytes that remain queued, because the socket took less than it was given
	BackpressureOn              // bytes queued: above the high-water mark
	BackpressureOff             // bytes queued
	StateChange                 // from<<8 | to
	Deadline                    // nanoseconds it was late
	Posted                      // functions run
	Timers                      // timers run
	TLSHandshake                // version of TLS
	TLSResumed                  // version of TLS; the handshake was short, by a ticket
	Panicked                    // 0; a protocol did
	CallbackStalled             // nanoseconds that one callback held the loop
	WorkTimedOut                // 0; a job was not done within Limits.WorkerTimeout
	WorkSkipped                 // 0; a job was not wanted any more when its turn came
	WorkerLost                  // 0; a worker did not come back in time
	CutInQueue                  // descriptor; a connection that had not begun was cut off by the end of the loop

	// The end of a connection, with its reason. Arg is the descriptor.
	ClosedDone      // by its protocol
	ClosedByPeer    // by its peer
	ClosedTimeout   // by its protocol, when a deadline had passed
	ClosedEvicted   // while it lingered: another connection needed the room
	FailedTimeout   // aborted when a deadline had passed
	FailedReset     // the kernel reported an error
	FailedAborted   // by its protocol
	FailedInput     // the peer sent more than Limits.Input
	FailedTruncated // the peer ended TCP without ending TLS
	FailedTLS       // TLS failed
	FailedFile      // a file became shorter while it was sent
	FailedPanic     // its protocol panicked
	FailedEvicted   // another connection needed the room
	FailedShed      // its client owed most of the output
	FailedStop      // idle when the loop had to end
	FailedCut       // at work when the loop had to end
	LeftLoop        // for another owner

	// Kinds that are recorded only while there is a reader. Without one, Turn is
	// counted, too, and not put into the ring.
	WaitEnded // nanoseconds in that phase, as in those below
	DispatchEnded
	PostedEnded
	TimersEnded
	FlushEnded
	ReapEnded
	Callback   // nanoseconds that it took
	WriteEnded // nanoseconds that writing to the connection took; only for a follower
	LeftOut    // nanoseconds that a callback took which is left out, see Loop.LeaveOut; only counted

	// ProtocolKinds is the first of the kinds that a protocol defines, by
	// Config.Kinds.
	ProtocolKinds Kind = 64
)

// kindSpace is how many kinds there may be. A power of two, for the mask.
const kindSpace = 128

// A KindInfo is how a kind of record is shown.
type KindInfo struct {
	Name string                 // a few plain words
	Text func(arg int64) string // the same with the Arg; the name and the number if nil
}

// kinds is how the loop's own kinds are shown.
var kinds = [ProtocolKinds]KindInfo{
	Turn:            {"turn", func(n int64) string { return fmt.Sprintf("%d events", n) }},
	Accepted:        {"accepted", func(fd int64) string { return fmt.Sprintf("accepted as descriptor %d", fd) }},
	AcceptFailed:    {"accepting failed", acceptFailure},
	AcceptPaused:    {"accepting pauses", func(n int64) string { return fmt.Sprintf("accepting pauses with %d connections open", n) }},
	Refused:         {"refused", only("refused, its client holds all that it may")},
	Read:            {"read", nil},
	ReadNotNow:      {"nothing to read", only("nothing to read")},
	ReadPart:        {"part of a message", func(n int64) string { return fmt.Sprintf("%d bytes wait for more", n) }},
	Wrote:           {"wrote", nil},
	WriteNotNow:     {"no room to write", left("no room to write")},
	WritePart:       {"short write", left("short write")},
	BackpressureOn:  {"back-pressure on", left("back-pressure on")},
	BackpressureOff: {"back-pressure off", left("back-pressure off")},
	StateChange: {"state", func(states int64) string {
		return State(states>>8).String() + " -> " + State(states&0xff).String()
	}},
	Deadline:        {"deadline", func(late int64) string { return fmt.Sprintf("deadline, %v late", time.Duration(late)) }},
	Posted:          {"posted", func(n int64) string { return fmt.Sprintf("%d posted", n) }},
	Timers:          {"timers", func(n int64) string { return fmt.Sprintf("%d timers", n) }},
	TLSHandshake:    {"TLS handshake", func(v int64) string { return "handshake of " + tls.VersionName(uint16(v)) }},
	TLSResumed:      {"TLS resumed", func(v int64) string { return "session resumed by " + tls.VersionName(uint16(v)) }},
	Panicked:        {"panic", only("panic")},
	CallbackStalled: {"stall", func(d int64) string { return fmt.Sprintf("the loop was held for %v", time.Duration(d)) }},
	WorkTimedOut:    {"work timed out", only("work timed out")},
	WorkSkipped:     {"work skipped", only("work skipped")},
	WorkerLost:      {"worker lost", only("worker lost")},
	CutInQueue:      {"cut in the queue", nil},

	ClosedDone:      {"closed", only("closed")},
	ClosedByPeer:    {"closed by the peer", only("closed by the peer")},
	ClosedTimeout:   {"closed by a deadline", only("closed by a deadline")},
	ClosedEvicted:   {"evicted while lingering", only("evicted while it lingered")},
	FailedTimeout:   {"aborted by a deadline", only("aborted by a deadline")},
	FailedReset:     {"reset or broken", only("reset or broken")},
	FailedAborted:   {"aborted", only("aborted by its protocol")},
	FailedInput:     {"sent too much", only("aborted, the peer sent too much")},
	FailedTruncated: {"TLS cut short", only("aborted, the peer ended without ending TLS")},
	FailedTLS:       {"TLS failed", only("TLS failed")},
	FailedFile:      {"file shrank", only("aborted, a file became shorter")},
	FailedPanic:     {"ended by a panic", only("ended by a panic")},
	FailedEvicted:   {"evicted", only("evicted, another connection needed the room")},
	FailedShed:      {"shed", only("shed, its client owed most of the output")},
	FailedStop:      {"stopped", only("closed by the end of the loop")},
	FailedCut:       {"cut off", only("cut off by the end of the loop")},
	LeftLoop:        {"left the loop", only("left the loop for another owner")},

	WaitEnded:     {"wait", took("wait")},
	DispatchEnded: {"dispatch", took("dispatch")},
	PostedEnded:   {"run posted", took("run posted")},
	TimersEnded:   {"run timers", took("run timers")},
	FlushEnded:    {"flush", took("flush")},
	ReapEnded:     {"reap", took("reap")},
	Callback:      {"callback", took("callback")},
	WriteEnded:    {"write", took("write")},
	LeftOut:       {"left out", took("what is left out")},
}

func only(text string) func(int64) string { return func(int64) string { return text } }

func left(what string) func(int64) string {
	return func(n int64) string { return fmt.Sprintf("%s, %d queued", what, n) }
}

func took(what string) func(int64) string {
	return func(d int64) string { return fmt.Sprintf("%s took %v", what, time.Duration(d)) }
}

func acceptFailure(why int64) string {
	if why == 1 {
		return "accepting failed, out of descriptors or memory"
	}
	return "accepting failed"
}
