package http

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// Config has the settings of a server. With a Handler and no other setting, it serves.
type Config struct {
	Handler Handler
	Limits  Limits

	// Middleware wraps all answers: the handler's, and the server's own, to heads that
	// are malformed or too slow, and to methods that it does not serve. It is the place
	// for a log and a limit of rates, because middleware around Handler does not see the
	// requests that are refused before. Request.Refused tells them apart, and the next
	// handler answers them.
	Middleware Middleware

	// ErrorHandler writes the pages, or the JSON, of all answers with an error status:
	// for errors of handlers, and for requests that the server refuses. If it is nil, they
	// have a line of plain text.
	ErrorHandler ErrorHandler

	// Log has the lines for an operator. If it is nil, they go to slog.Default, for which
	// the loop does not wait: see eventloop.DefaultLog. Silence is
	// slog.New(slog.DiscardHandler). The handler of a logger that is set here is called on
	// the loop and must not wait: an eventloop.LogWriter never does, where a pipe that is
	// not read or a slow disk would hold all clients. One panic a second is logged with
	// its stack.
	Log *slog.Logger

	// Name is the value of the Server header; "bobbin" if empty.
	Name string

	// AnyMethod lets handlers serve methods beside those of HTTP itself (RFC 9110
	// section 9.3 and RFC 5789), which are answered by 501 without it. TRACE is
	// refused in any case, and CONNECT has a handler of its own.
	AnyMethod bool

	// Connect answers CONNECT, whose Target is a host and a port: by Response.Tunnel, by
	// Response.Hijack, or with an error. Without it, CONNECT is refused by 405.
	Connect Handler

	// Tunnels offers tunnels for other protocols to clients of HTTP/2 (RFC 8441), as browsers
	// use for WebSocket. It is to be set where such a protocol is served by Response.Tunnel,
	// as package websocket does, and nowhere else: a browser to which it is offered does not
	// try HTTP/1.1 when it is refused, and one to which it is not opens a connection of
	// HTTP/1.1. Handlers that take over a connection by Hijack need that.
	Tunnels bool

	// OnConn is called when a connection changes its state: it was accepted, a request has
	// begun, all requests are answered, another protocol or a handler has taken it over, it
	// has closed. It runs on the loop and must not wait; a panic in it costs the connection.
	OnConn func(c *Conn, is ConnState)

	// ProxyProtocol reports whether the peer at an address begins its connections to a
	// listener with a header of the PROXY protocol, of version 1 or 2, as a proxy does that
	// passes bytes on and tells for whom. The listener has the name that Listen was given, and
	// one of ListenOn its address; a peer on a Unix socket has an address that is not valid.
	// From such a peer the header must come, before TLS and HTTP, within Limits.HeadTimeout,
	// and Request.RemoteAddr is then the client's address: so the function must be true of no
	// peer that could lie. Other peers speak HTTP at once. It is called once for each
	// connection.
	ProxyProtocol func(listener string, peer netip.Addr) bool

	// EagerAccept accepts a connection before its first bytes arrive. It costs more,
	// and is for health checks that only connect.
	EagerAccept bool

	// NoHTTP2 has the server speak HTTP/1.1 alone. Without it, a client of HTTPS may choose
	// HTTP/2, and a client in plain text may begin with its preface.
	NoHTTP2 bool

	// TLS is for ListenTLS: the certificates and other settings of crypto/tls. If NextProtos
	// is empty, the server offers "h2" and "http/1.1" there; with NoHTTP2, "h2" is taken out.
	// Otherwise it is used as it is, and may be shared by several servers. It must not be
	// changed any more.
	TLS *tls.Config

	// TLSWaits says that a callback in TLS may wait, for a disk for example: then
	// workers do the handshakes.
	TLSWaits bool

	// Loop has the settings for tests and debugging: another kernel, a trace. Its
	// Limits and Log must be empty, because the server sets them to those above.
	Loop eventloop.Config
}

// A Server serves HTTP on one event loop. Except for Stop, its methods belong to the
// goroutine that calls Run.
type Server struct {
	handler Handler      // with the middleware around it, see SetHandler
	connect Handler      // Config.Connect
	errors  ErrorHandler // nil for plain text
	limits  Limits
	parsing h1.Limits // the parser's part of limits
	fields  h1.FieldCache
	log     *slog.Logger
	loop    *eventloop.Loop
	how     bobbin.ListenOptions
	tls     *eventloop.TLS

	anyMethod bool
	noH2      bool // there is no HTTP/2
	tunnels   bool // Config.Tunnels
	hooked    bool // there is middleware

	warnedOfProxy   bool // the log has its warning
	warnedOfMethods bool // and that of a Router

	place    string                   // of the handler in the code
	replaced map[string]time.Duration // when a handler, by its place, was last said to answer twice

	strict bool // nothing is reused, so that a late use is found

	heads  heads       // status lines and common headers
	free   []*exchange // for reuse
	bodies bodies      // of requests, in memory

	offloads eventloop.Tally // requests that wait for work of theirs, by client

	series durations // durations.go: of requests, while the loop is being read

	ackedAt  map[*conn]int64 // position at the last look at a client that takes an answer: see slow.go
	slow     map[*conn]*slow // clients that take an answer slowly
	freeSlow []*slow         // for reuse

	incomplete map[*conn]h1.HeadReader // of heads that have come in part
	cut        []string                // some of the requests whose answers were cut off at the end

	unfinished map[*conn]unfinished // requests that a stop waits for
	lastTunnel *tunnelRequest       // of the last tunnel
	lineText   []byte               // memory for the line of one

	proxyProtocol func(listener string, peer netip.Addr) bool // Config.ProxyProtocol

	onConn     func(*Conn, ConnState)
	watched    map[*conn]*Conn  // all connections, if there is an onConn
	connValues map[*conn]*value // those of ConnKey

	h2Block     h2.Block // the field block that is being read
	h2Text      []byte   // that block as text
	h2Recent    h2Recents
	h2Frame     []byte                   // the frame that is being made
	h2Date      h2Date                   // h2head.go
	h2Kept      int64                    // bytes of bodies that have come and that no handler has read
	freeStreams []*h2Stream              // for reuse
	localAddrs  map[*conn]netip.AddrPort // of connections of which it was asked
}

// NewServer makes a server, which does not listen yet.
func NewServer(config Config) (*Server, error) {
	s := &Server{
		connect: config.Connect,
		errors:  config.ErrorHandler,
		limits:  config.Limits.withDefaults(),
		log:     config.Log,
		how:     bobbin.ListenOptions{DeferAccept: !config.EagerAccept},
		strict:  config.Loop.CheckOwner,

		ackedAt:    make(map[*conn]int64),
		incomplete: make(map[*conn]h1.HeadReader),
		localAddrs: make(map[*conn]netip.AddrPort),

		anyMethod: config.AnyMethod,
		noH2:      config.NoHTTP2,
		tunnels:   config.Tunnels,
		onConn:    config.OnConn,

		proxyProtocol: config.ProxyProtocol,
	}
	s.tls = &eventloop.TLS{Config: speaking(config.TLS, !config.NoHTTP2), Waits: config.TLSWaits, Plain: s.answerPlain}
	if err := s.limits.check(); err != nil {
		return nil, err
	}
	s.parsing = s.limits.parsing()
	if s.log == nil {
		s.log = eventloop.DefaultLog()
	}
	if err := s.SetHandler(config.Handler, config.Middleware); err != nil {
		return nil, err
	}
	s.heads.name = config.Name
	if s.heads.name == "" {
		s.heads.name = "bobbin"
	}
	if !h1.IsFieldValue(s.heads.name) {
		return nil, fmt.Errorf("http: the name %q cannot stand in a field", config.Name)
	}
	if config.Loop.Limits != (eventloop.Limits{}) {
		return nil, errors.New("http: Config.Loop.Limits is set: set Config.Limits instead")
	}
	if config.Loop.Log != nil {
		return nil, errors.New("http: Config.Loop.Log is set: set Config.Log instead")
	}
	config.Loop.Limits = s.limits.ofLoop()
	config.Loop.Log = s.log
	config.Loop.Kinds = recordKinds
	loop, err := eventloop.New(config.Loop)
	if err != nil {
		return nil, err
	}
	s.loop = loop
	loop.EmbedConns(s.makeConn)
	return s, nil
}

// Loop returns the server's event loop.
func (s *Server) Loop() *eventloop.Loop { return s.loop }

// Listen opens the sockets of an address, in one of the forms of eventloop.ParseAddress.
// It may be called several times, before Run.
func (s *Server) Listen(address string) ([]*eventloop.Listener, error) {
	return s.loop.ListenAt(address, s.how, s.accepting(address, s.begin))
}

// Run serves until Stop was called and all connections have ended. It returns nil when
// every request that had begun was answered. Loop.OnSignal calls Stop on a signal.
func (s *Server) Run() error { return s.loop.Run() }

// Stop ends the server: requests that have begun are answered, within Limits.Drain. A
// second call cuts them off. Any goroutine may call it.
func (s *Server) Stop() { s.loop.Stop() }

// cutMax is the most requests that are noted when their answers are cut off.
const cutMax = 20

// Cut returns, when Run has returned eventloop.ErrCut, the number of connections that were
// cut off, and the methods and paths of up to 20 requests that had no whole answer.
func (s *Server) Cut() (connections int, requests []string) {
	return int(s.loop.Cut()), s.cut
}

// noteCut notes the request of a connection that was cut off because the server had to
// end.
func (s *Server) noteCut(c *conn) {
	if len(s.cut) == cutMax {
		return
	}
	if line := s.lineOf(c); line != "" {
		s.cut = append(s.cut, line)
	}
}

// ListenAndServe serves at an address until the process ends or the kernel fails. It
// returns that error. A signal that ends the process, such as SIGTERM, breaks the requests
// that have begun. A program in which they are to be answered first makes a Server and
// stops it on the signal, which is the program's to choose: see the example of Server.Run.
func ListenAndServe(address string, h Handler) error {
	s, err := NewServer(Config{Handler: h})
	if err != nil {
		return err
	}
	if _, err := s.Listen(address); err != nil {
		return err
	}
	return s.Run()
}

// begin makes the protocol of a new connection.
func (s *Server) begin(c *eventloop.Conn) eventloop.Protocol {
	c.SetDeadline(s.limits.HeadTimeout)
	c.SetWaiting()
	one := c.Protocol().(*conn)
	one.since = s.loop.Uptime()
	var p eventloop.Protocol = one
	if s.onConn != nil {
		p = s.watch(one)
	}
	if protocol, suite := c.ALPN(); protocol == "h2" {
		h := one.beginH2()
		if !isGoodForH2(suite) {
			h.fail(errH2Cipher)
		}
		return h
	}
	return p
}

// makeConn makes a connection, for Loop.EmbedConns.
func (s *Server) makeConn() (*eventloop.Conn, eventloop.Protocol) {
	c := &conn{server: s}
	return &c.conn, c
}

// warnOfProxy logs, once, that a peer is probably a proxy: it holds over half of the
// connections, and its requests name the clients that it speaks for.
func (s *Server) warnOfProxy(c *conn) {
	who := c.conn.Client()
	n, of := s.loop.Holds(who)
	if 2*n <= of || !who.Known() || who != eventloop.ClientOf(c.conn.Peer().Addr()) {
		return
	}
	h := &c.x.head
	p := h.FieldsOf(c.x.raw)
	for _, f := range h.Fields[:h.NFields] {
		if name := f.Name.Of(p); negotiate.SameFold(name, "x-forwarded-for") || negotiate.SameFold(name, "forwarded") {
			s.warnedOfProxy = true
			s.log.Warn("this client holds most of the connections and sends "+string(name)+
				": if it is a proxy of yours, name it by --trust, or its clients are taken for one",
				"client", who, "holds", n, "of", of)
			return
		}
	}
}

// now returns the time of this turn.
func (s *Server) now() time.Time { return s.loop.WallTime() }

// elapsed is the time of this turn, since the loop was made.
func (s *Server) elapsed() time.Duration { return s.loop.Uptime() }

// takeExchange returns an exchange for a request of c.
func (s *Server) takeExchange(c *conn) *exchange {
	var x *exchange
	if k := len(s.free); k > 0 {
		x = s.free[k-1]
		s.free = s.free[:k-1]
	} else {
		x = &exchange{}
		x.request.x, x.response.x = x, x
		x.reset()
	}
	x.conn, x.since = c, s.loop.Uptime()
	return x
}

// exchangesKept is the most exchanges that are kept to be used again, and keptBody the
// largest buffer for a body, each way, that one keeps.
const (
	exchangesKept = 64
	keptBody      = 16 << 10
)

// giveExchange takes an exchange back whose request is over.
func (s *Server) giveExchange(x *exchange) {
	x.over()
	if x.share.bytes > 0 {
		s.bodies.release(x)
	}
	if cap(x.body) > keptBody {
		x.body = nil
	}
	if cap(x.response.bytes) > keptBody {
		x.response.bytes = nil
	}
	if s.strict {
		line := x.request.line()
		x.reset()
		x.end(line)
		return
	}
	x.reset()
	if len(s.free) < exchangesKept {
		s.free = append(s.free, x)
	}
}

// Servers are several servers in one process that listen at the same addresses, each on a
// loop of its own, for machines with several cores. They share nothing but the values that
// their handlers share. NewServers makes them.
type Servers []*Server

// NewServers makes n servers. It calls config for each, with its number from 0 on, so that
// each has a handler and middleware of its own, which need no lock. A value that handlers
// share is used by all loops at once, and needs one.
//
// Limits are those of each server. If all have the same Config.TLS, a client that comes
// back may resume its session on any of them.
func NewServers(n int, config func(loop int) (Config, error)) (Servers, error) {
	if n < 1 {
		return nil, fmt.Errorf("http: %d servers cannot serve: make at least one", n)
	}
	var s Servers
	var given *tls.Config // of the server before
	for i := range n {
		c, err := config(i)
		if err != nil {
			return nil, s.giveBack(err)
		}
		c.Loop.Loops = n
		asked := c.TLS
		if i > 0 && asked == given {
			c.TLS = s[i-1].tls.Config // which may be a clone, with ticket keys of its own
		}
		given = asked
		one, err := NewServer(c)
		if err != nil {
			return nil, s.giveBack(err)
		}
		s = append(s, one)
	}
	return s, nil
}

// giveBack ends the loops that were made before an error.
func (s Servers) giveBack(err error) error {
	s.Stop()
	return errors.Join(err, s.Run())
}

// loops returns the loops of the servers.
func (s Servers) loops() eventloop.Loops {
	list := make(eventloop.Loops, len(s))
	for i, one := range s {
		list[i] = one.loop
	}
	return list
}

// Listen is Server.Listen for all of them. It returns the listeners of the first.
func (s Servers) Listen(address string) ([]*eventloop.Listener, error) {
	return s.listen(address, func(one *Server) func(*eventloop.Conn) eventloop.Protocol { return one.accepting(address, one.begin) })
}

// ListenTLS is Server.ListenTLS for all of them. It returns the listeners of the first.
func (s Servers) ListenTLS(address string) ([]*eventloop.Listener, error) {
	for _, one := range s {
		if err := one.checkTLS(); err != nil {
			return nil, err
		}
	}
	return s.listen(address, func(one *Server) func(*eventloop.Conn) eventloop.Protocol {
		return one.accepting(address, one.tls.Wrap(one.begin))
	})
}

// listen opens the sockets of an address for all servers.
func (s Servers) listen(address string, begin func(*Server) func(*eventloop.Conn) eventloop.Protocol) ([]*eventloop.Listener, error) {
	return s.loops().ListenAt(address, s[0].how, func(loop int) func(*eventloop.Conn) eventloop.Protocol { return begin(s[loop]) })
}

// Run serves until Stop was called and all connections have ended. It returns nil when
// every request that had begun was answered. If one server fails, the others are stopped.
func (s Servers) Run() error { return s.loops().Run() }

// Stop ends all servers: requests that have begun are answered, within Limits.Drain. A
// second call cuts them off. Any goroutine may call it.
func (s Servers) Stop() { s.loops().Stop() }

// Cut is Server.Cut for all of them together.
func (s Servers) Cut() (connections int, requests []string) {
	for _, one := range s {
		n, some := one.Cut()
		connections += n
		requests = append(requests, some[:min(len(some), cutMax-len(requests))]...)
	}
	return connections, requests
}
