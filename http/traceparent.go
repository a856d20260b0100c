package http

import (
	"encoding/hex"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
	"github.com/bobbin-http/bobbin/http/internal/traceparent"
)

// A TraceParent is the part of a trace that a request belongs to, as its client tells in the field
// traceparent (W3C Trace Context).
type TraceParent struct {
	TraceID [16]byte // of the trace
	SpanID  [8]byte  // of the client's part of it
	Sampled bool     // the client records the trace
}

// TraceParent returns what the client tells of its trace, and false if it tells nothing, or
// something malformed. A client may tell what it likes: the values are for logs and for what
// the handler asks of others, and not for labels of metrics.
func (r *Request) TraceParent() (TraceParent, bool) {
	r.use("TraceParent")
	h := &r.x.head
	p := h.FieldsOf(r.x.raw)
	var value []byte
	for _, f := range h.Fields[:h.NFields] {
		if negotiate.SameFold(f.Name.Of(p), "traceparent") {
			if value != nil {
				return TraceParent{}, false // two of them tell nothing
			}
			value = f.Value.Of(p)
		}
	}
	one, ok := traceparent.Parse(value)
	return TraceParent{TraceID: one.TraceID, SpanID: one.SpanID, Sampled: one.Flags&1 != 0}, ok
}

// Child returns the value of traceparent for a request that the handler makes to another
// server, as a part of the same trace with a number of its own.
func (t TraceParent) Child(spanID [8]byte) string {
	flags := "-00"
	if t.Sampled {
		flags = "-01"
	}
	return "00-" + hex.EncodeToString(t.TraceID[:]) + "-" + hex.EncodeToString(spanID[:]) + flags
}
