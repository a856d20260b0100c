// Package behind puts bobbin in the place of net/http's server in the tests of others.
// The tests run against a copy of net/http whose Server.Serve calls Serve here, so
// http.ListenAndServe, httptest.NewServer and whatever else ends there is served by a loop
// of bobbin's, through std. ServeHTTP stands for the call of a handler with an
// httptest.ResponseRecorder.
package behind

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/netip"
	"os"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/std"
)

// noteServed notes that a request has reached bobbin in this process, in the file that the
// environment variable BEHIND_SERVED names. So a test that asks no server is not counted
// among those that bobbin passes.
var noteServed = sync.OnceFunc(func() {
	if name := os.Getenv("BEHIND_SERVED"); name != "" {
		if err := os.WriteFile(name, []byte("served\n"), 0o644); err != nil {
			panic(err)
		}
	}
})

// A site is a net/http server with bobbin in its place.
type site struct {
	own    *nethttp.Server
	base   context.Context
	kernel *kernel
	server *http.Server
	ran    chan struct{} // closed when Run has returned

	mu    sync.Mutex
	conns map[string]context.Context // of Server.ConnContext, by the client's address
	ports uint16                     // for clients that have no address
}

var (
	mu    sync.Mutex
	sites = make(map[*nethttp.Server][]*site)
)

// Serve serves the connections of listener until its Accept fails, as net/http's
// Server.Serve does; h is the handler with which that ends. given is the listener as the
// caller of Server.Serve gave it, and accept the one to accept from.
func Serve(own *nethttp.Server, base context.Context, given, accept net.Listener, h nethttp.Handler) error {
	s := &site{own: own, base: base, ran: make(chan struct{}), conns: make(map[string]context.Context)}
	inner, secure := beneathTLS(given)
	if secure != nil {
		accept = inner
	}
	if err := s.start(given.Addr(), h, secure); err != nil {
		panic("bobbin did not begin to serve: " + err.Error())
	}
	err := s.accept(accept)
	if errors.Is(err, net.ErrClosed) {
		s.server.Stop()
		<-s.ran
	}
	return err
}

// start makes the server and has its loop run.
func (s *site) start(addr net.Addr, h nethttp.Handler, secure *tls.Config) (err error) {
	if s.kernel, err = openKernel(addr); err != nil {
		return err
	}
	config := s.config(h)
	config.TLS = secure
	if s.server, err = http.NewServer(config); err != nil {
		return err
	}
	listen := s.server.Listen
	if secure != nil {
		listen = s.server.ListenTLS
	}
	if _, err := listen("127.0.0.1:1"); err != nil { // an address that the kernel here does not look at
		return err
	}
	mu.Lock()
	sites[s.own] = append(sites[s.own], s)
	mu.Unlock()
	go s.run()
	return nil
}

// run runs the loop.
func (s *site) run() {
	defer close(s.ran)
	if err := s.server.Run(); err != nil && !errors.Is(err, eventloop.ErrCut) {
		panic(err)
	}
}

// Stopped reports whether all that was served for a net/http server has ended.
func Stopped(own *nethttp.Server) bool {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range sites[own] {
		s.server.Stop()
		select {
		case <-s.ran:
		default:
			return false
		}
	}
	return true
}

// Cut ends all that is served for a net/http server.
func Cut(own *nethttp.Server) {
	mu.Lock()
	defer mu.Unlock()
	for _, s := range sites[own] {
		s.server.Stop()
		s.server.Stop()
	}
}

// accept hands the connections of a listener to the loop.
func (s *site) accept(l net.Listener) error {
	for {
		c, err := l.Accept()
		if temporary, ok := err.(interface{ Temporary() bool }); ok && temporary.Temporary() {
			time.Sleep(time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		ctx := s.base
		if s.own.ConnContext != nil {
			if ctx = s.own.ConnContext(ctx, c); ctx == nil {
				panic("ConnContext returned nil")
			}
		}
		if _, ok := c.(*net.TCPConn); ok {
			s.begin(c, ctx)
		} else {
			go s.begin(c, ctx) // its RemoteAddr may wait
		}
	}
}

// begin hands a connection to the loop.
func (s *site) begin(c net.Conn, ctx context.Context) {
	var from netip.AddrPort
	if at := c.RemoteAddr(); at != nil {
		from, _ = netip.ParseAddrPort(at.String())
	}
	s.mu.Lock()
	if !from.IsValid() {
		s.ports++
		from = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), s.ports)
	}
	s.conns[from.String()] = ctx
	s.mu.Unlock()
	if err := s.kernel.add(c, from); err != nil {
		panic(err)
	}
}

// beneathTLS returns what tls.NewListener was called with, if that has made l.
func beneathTLS(l net.Listener) (net.Listener, *tls.Config) {
	if reflect.TypeOf(l).String() != "*tls.listener" {
		return l, nil
	}
	v := reflect.ValueOf(l).Elem()
	config := v.FieldByName("config")
	return v.FieldByName("Listener").Interface().(net.Listener),
		reflect.NewAt(config.Type(), unsafe.Pointer(config.UnsafeAddr())).Elem().Interface().(*tls.Config)
}

// config returns the settings of a net/http server as bobbin has them.
func (s *site) config(h nethttp.Handler) http.Config {
	own := s.own
	first := func(list ...time.Duration) time.Duration {
		for _, d := range list {
			if d > 0 {
				return d
			}
		}
		return 0
	}
	limits := http.Limits{
		HeadTimeout: first(own.ReadHeaderTimeout, own.ReadTimeout),
		IdleTimeout: first(own.IdleTimeout, own.ReadTimeout),
		FieldBytes:  min(own.MaxHeaderBytes, 48<<10), // a head has less than 64 KiB
		StopGrace:   time.Millisecond,

		HandshakeTimeout: first(own.ReadHeaderTimeout, own.ReadTimeout, own.WriteTimeout),
	}
	handler := std.Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, q *nethttp.Request) {
		if keeps, ok := any(own).(interface{ KeepsAlive() bool }); ok && !keeps.KeepsAlive() {
			w.Header().Set("Connection", "close")
		}
		control := nethttp.NewResponseController(w)
		if own.ReadTimeout > 0 {
			_ = control.SetReadDeadline(time.Now().Add(own.ReadTimeout))
		}
		if own.WriteTimeout > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(own.WriteTimeout))
		}
		h.ServeHTTP(w, q)
	}))
	begin := func(w *http.Response, r *http.Request) error {
		r.SetContext(both{r.Context(), s.contextOf(r)})
		w.Del("Server") // which net/http's server does not add
		return handler(w, r)
	}
	return http.Config{
		Handler:     begin,
		Limits:      limits,
		AnyMethod:   true,
		EagerAccept: true,
		Middleware: func(next http.Handler) http.Handler {
			return func(w *http.Response, r *http.Request) error {
				noteServed()
				if r.Target() == "*" && r.Method() == http.MethodOptions { // which net/http's server leaves to a handler
					return begin(w, r)
				}
				return next(w, r)
			}
		},
		Log:  slog.New(slog.NewTextHandler(logWriter{own}, nil)),
		Loop: eventloop.Config{Kernel: s.kernel},
	}
}

// contextOf returns the context that a net/http server would give to a request.
func (s *site) contextOf(r *http.Request) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[r.RemoteAddr().String()]
}

// both is a request's context, with the values of its server's.
type both struct {
	context.Context
	base context.Context
}

// Value implements context.Context.
func (b both) Value(key any) any {
	if b.base != nil {
		if v := b.base.Value(key); v != nil {
			return v
		}
	}
	return b.Context.Value(key)
}

// A logWriter writes where a net/http server logs.
type logWriter struct{ own *nethttp.Server }

// Write implements io.Writer.
func (w logWriter) Write(p []byte) (int, error) {
	if w.own.ErrorLog != nil {
		return len(p), w.own.ErrorLog.Output(2, string(p))
	}
	return len(p), log.Output(2, fmt.Sprintf("%s", p))
}
