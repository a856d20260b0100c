package http

import (
	"fmt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// Kinds of records that a server adds to those of its loop, with the number of the
// request. One of the four with a status is counted when an answer is complete; that of a
// 200 is put into the ring only while there is a reader, and so are the kinds before.
const (
	HeadRead     = eventloop.ProtocolKinds + iota // bytes of the head
	HandlerBegan                                  // 0
	HandlerEnded                                  // the route's place in Router.Patterns, from 1; 0 without one
	Done2xx                                       // the status, as in those below
	Done3xx
	Done4xx
	Done5xx

	// AnswerQueued comes behind one of those for a follower: the bytes in the connection's
	// outbox when the answer was complete. The answer is written when as many are.
	AnswerQueued

	StreamHeadRead // HeadRead for a stream of HTTP/2, whose requests overlap
	StreamReset    // the code (RFC 9113 section 7) of a stream of HTTP/2 that was reset, by either side
)

// recordKinds is how they are shown.
var recordKinds = []eventloop.KindInfo{
	{Name: "head read", Text: func(n int64) string { return fmt.Sprintf("head of %d bytes", n) }},
	{Name: "handler began", Text: func(int64) string { return "handler began" }},
	{Name: "handler ended", Text: func(route int64) string { return fmt.Sprintf("handler ended, route %d", route) }},
	{Name: "done 2xx", Text: doneText},
	{Name: "done 3xx", Text: doneText},
	{Name: "done 4xx", Text: doneText},
	{Name: "done 5xx", Text: doneText},
	{Name: "answer queued", Text: func(n int64) string { return fmt.Sprintf("answer queued, %d bytes in all", n) }},
	{Name: "stream head read", Text: func(n int64) string { return fmt.Sprintf("head of %d bytes, in a stream", n) }},
	{Name: "stream reset", Text: func(code int64) string { return "stream reset, " + h2.ErrorCode(code).String() }},
}

func doneText(status int64) string { return fmt.Sprintf("done %d", status) }

// record records something about the request that is being served.
func (c *conn) record(kind eventloop.Kind, arg int64) {
	c.conn.Record(kind, uint32(c.requests)+1, arg)
}

// recordDone records that an answer is complete, which requests counts already.
func (c *conn) recordDone(status Status) {
	c.conn.Record(Done2xx+eventloop.Kind(status/100-2), uint32(c.requests), int64(status))
}

// recordHandlerBegin records, while there is a reader, that a handler is about to be called.
func (c *conn) recordHandlerBegin() {
	c.conn.RecordHandlerBegin(HandlerBegan, uint32(c.requests)+1, 0)
}

// noteDone is called when an answer is complete while the loop is noted.
func (c *conn) noteDone() {
	if !c.conn.CountDone() {
		return
	}
	loop, status := c.server.loop, c.x.response.status
	if status == StatusOK && !loop.BeingRead() {
		loop.CountRecord(Done2xx, int64(status))
	} else {
		c.recordDone(status)
	}
	if loop.BeingFollowed() {
		c.conn.Record(AnswerQueued, uint32(c.requests), c.x.queued())
	}
	if loop.BeingTimed() {
		c.x.noteDuration()
	}
}

// recordHandlerEnd records the end of a handler while there is a reader.
func (c *conn) recordHandlerEnd() {
	route := int64(0)
	if c.x != nil && c.x.route != nil {
		route = int64(c.x.route.Number) + 1
	}
	c.conn.RecordHandler(HandlerEnded, uint32(c.requests)+1, route)
}
