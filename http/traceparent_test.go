package http

import (
	"fmt"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAHandlerKnowsTheTraceOfItsRequest by either protocol.
func TestAHandlerKnowsTheTraceOfItsRequest(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	one := [2]string{"traceparent", "00-" + trace + "-" + span + "-01"}
	for _, row := range []struct {
		name   string
		fields [][2]string
		want   string
	}{
		{"a client tells", [][2]string{{"A", "b"}, one}, trace + " " + span + " true 00-" + trace + "-0102030405060708-01"},
		{"it does not record", [][2]string{{"traceparent", "00-" + trace + "-" + span + "-00"}}, trace + " " + span + " false 00-" + trace + "-0102030405060708-00"},
		{"it tells nothing", nil, "none"},
		{"what it tells is malformed", [][2]string{{"traceparent", "00-" + trace + "-" + span}}, "none"},
		{"it tells twice", [][2]string{one, one}, "none"},
	} {
		for _, is := range []way{{}, {http2: true}} {
			k := sim.New(1)
			got := ""
			err := stage(t, k, Config{Handler: func(w *Response, r *Request) error {
				p, ok := r.TraceParent()
				if !ok {
					return w.Text("none")
				}
				return w.Text(fmt.Sprintf("%x %x %v %s", p.TraceID, p.SpanID, p.Sampled, p.Child([8]byte{1, 2, 3, 4, 5, 6, 7, 8})))
			}}, func(_ *Server, s *sim.Script, w *sim.Wire) {
				c := dialWay(t, is, k, s, w)
				sayAll(c, &asking{fields: row.fields})
				got = string(c.hear().body)
				w.Close()
			})
			if err != nil || got != row.want {
				t.Errorf("%s, by %v: it is %q, and not %q: %v", row.name, is, got, row.want, err)
			}
		}
	}
}
