// Package websocket speaks WebSocket (RFC 6455) with clients, browsers most of all, on the
// server's loop: a session has no goroutine, and no buffer while no message is incomplete.
//
//	router.Handle("GET /ws", func(w *http.Response, r *http.Request) error {
//		s, err := websocket.Accept(w, r, websocket.Options{})
//		if err != nil {
//			return err
//		}
//		s.OnMessage(func(kind websocket.Kind, p []byte) { s.Send(kind, p) })
//		return nil
//	})
//
// Streaming makes a handler that reads and writes by waiting instead.
package websocket

import (
	"fmt"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// Options are for Accept and Streaming. The zero value is for pages of the same host.
type Options struct {
	// Origins are those whose pages may connect, such as "https://example.com"; "*" is any.
	// Without it, a page may connect to the host that it came from, and to no other: a
	// browser sends its cookies with every page's handshake. A client that sends no Origin
	// is no browser, and may connect.
	Origins []string

	// Protocols are the subprotocols that the handler knows, the preferred first. The
	// first that the client knows, too, is Session.Protocol.
	Protocols []string

	// Deflate accepts permessage-deflate (RFC 7692) where the client offers it. It costs
	// some 12 µs for 190 octets of JSON, and 1 MB a loop, so it is for text over slow lines.
	// No context is kept between messages, and messages below 512 octets are not deflated.
	Deflate bool

	Limits
}

// checkOrigins returns an error for one that no page has. It is asked when a page may not
// connect, because that is when the mistake is noticed.
func checkOrigins(origins []string) error {
	for _, o := range origins {
		scheme, host, ok := strings.Cut(o, "://")
		if o != "*" && o != "null" && (!ok || scheme == "" || host == "" || strings.ContainsAny(host, "/?#@, ")) {
			return fmt.Errorf("websocket: %q in Options.Origins is no origin: write it as \"https://example.com\", with a port if it has one and without a slash at its end", o)
		}
	}
	return nil
}

// checkProtocols returns an error for one that no client can name.
func (o *Options) checkProtocols() error {
	for _, p := range o.Protocols {
		if p == "" || strings.ContainsAny(p, ", \t\"") {
			return fmt.Errorf("websocket: %q in Options.Protocols is no subprotocol: each is an element of the list", p)
		}
	}
	return nil
}

// Limits bound what a client may ask of a session. A field that is 0 has its default,
// which stands beside it with the effect on the client.
type Limits struct {
	MessageSize    int64         // bytes of a message, after inflating; 1 MiB; closed with 1009
	MessagesTotal  int64         // bytes of all that are incomplete, or that handlers of Streaming wait with, on a loop; 64 MiB; the largest of the client that has most, closed with 1013
	MessageTimeout time.Duration // from the first byte of a message to its last; 30 s; closed with 1008
	PingEvery      time.Duration // without a byte of the client, until it gets a ping; 30 s
	PongWithin     time.Duration // without a byte after a ping, or progress towards it; 10 s; reset
	CloseWithin    time.Duration // from our Close frame to the client's; 5 s; closed
}

// withDefaults returns the limits with defaults in place of zeros.
func (l Limits) withDefaults() Limits {
	orDefault(&l.MessageSize, 1<<20)
	orDefault(&l.MessagesTotal, 64<<20)
	orDefault(&l.MessageTimeout, 30*time.Second)
	orDefault(&l.PingEvery, 30*time.Second)
	orDefault(&l.PongWithin, 10*time.Second)
	orDefault(&l.CloseWithin, 5*time.Second)
	return l
}

// orDefault replaces what is not a limit by the default.
func orDefault[T int64 | time.Duration](n *T, otherwise T) {
	if *n <= 0 {
		*n = otherwise
	}
}

// A Kind is that of a message.
type Kind uint8

const (
	Text   = Kind(ws.Text)   // is UTF-8: what comes was checked, what goes must be
	Binary = Kind(ws.Binary) // any bytes
)

// Codes of the end of a session (RFC 6455 section 7.4.1). Programs have those from 4000 to
// 4999 for themselves.
const (
	CodeNormal        = ws.Normal
	CodeGoingAway     = ws.GoingAway // the server stops, or the page was left
	CodeProtocolError = ws.ProtocolError
	CodeNoStatus      = ws.NoStatus    // the client has closed without a code
	CodeAbnormal      = ws.Abnormal    // the connection has ended without a Close frame
	CodeInvalidData   = ws.InvalidData // a text that is no UTF-8, or nothing that can be inflated
	CodePolicyError   = ws.PolicyError // a message that takes too long
	CodeTooBig        = ws.TooBig
	CodeInternalError = 1011 // the handler of Streaming has returned an error
	CodeTryAgainLater = 1013 // there are too many messages at once
)
