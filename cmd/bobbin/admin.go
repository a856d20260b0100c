package main

import (
	"bytes"
	"fmt"
	"log/slog"
	nethttp "net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/std"
)

// The operator's address, --admin: a server of its own, on a loop of its own, so that it
// answers while a handler holds the site's loop. In a stop it goes on until the site has
// ended: monitoring sees the end, too.

// An adminServer is that server. It is nil without --admin.
type adminServer struct {
	server *http.Server
	log    *slog.Logger
	over   chan struct{}
	once   sync.Once
}

// adminLimits are enough for monitoring and for some people.
var adminLimits = http.Limits{Conns: 128, Drain: time.Second, StopGrace: 50 * time.Millisecond}

// openAdmin listens at the operator's address.
func (s *site) openAdmin(o *options, log *slog.Logger) (*adminServer, error) {
	if o.watch.admin == "" {
		return nil, nil
	}
	log = log.With("loop", "admin")
	server, err := http.NewServer(http.Config{Handler: adminHandler(s), Limits: adminLimits, Log: log, ErrorHandler: errorPages, NoHTTP2: o.noHTTP2()})
	if err != nil {
		return nil, err
	}
	a := &adminServer{server: server, log: log, over: make(chan struct{})}
	o.heir.tell(server)
	listeners, err := server.Listen(o.watch.admin)
	if err != nil {
		close(a.over)
		server.Stop()
		_ = server.Run()
		return nil, fmt.Errorf("--admin: %w", explainListen("--admin", o.watch.admin, err))
	}
	o.watch.url = url("http", o.watch.admin, listeners[0].Addr())
	return a, nil
}

// start serves, on a goroutine of its own.
func (a *adminServer) start() {
	if a == nil {
		return
	}
	go func() {
		defer close(a.over)
		if err := a.server.Run(); err != nil && err != eventloop.ErrCut {
			a.log.Error("the operator's address is not served any more", "error", err)
		}
	}()
}

// stop stops it, if that was not done before: a second time would cut off its answers.
func (a *adminServer) stop() {
	if a != nil {
		a.once.Do(a.server.Stop)
	}
}

// end stops it, and waits until it has ended.
func (a *adminServer) end() {
	if a == nil {
		return
	}
	a.stop()
	<-a.over
}

// adminIndex is the answer to /.
const adminIndex = `This is the operator's address of bobbin.

/-/xray     the event loop at work, in a browser
/-/metrics  for Prometheus
/-/healthy  200 while the loops turn
/-/ready    200 while new requests are welcome
/-/pprof/   profiles of the Go runtime
`

// profilesMax is how many profiles are made at a time.
const profilesMax = 4

// adminHandler answers at the operator's address.
func adminHandler(s *site) http.Handler {
	show := s.inspector.Handler(-1)
	profiles := http.Blocking(profilesMax, std.Wrap(profiling()))
	return func(w *http.Response, r *http.Request) error {
		switch path := r.PathBytes(); {
		case string(path) == "/":
			return w.Text(adminIndex)
		case string(path) == "/-/pprof":
			return w.Redirect(http.StatusPermanentRedirect, "/-/pprof/")
		case bytes.HasPrefix(path, []byte("/-/pprof/")):
			if err := s.inspector.MayLook(r); err != nil {
				return err
			}
			return profiles(w, r)
		}
		return show(w, r)
	}
}

// profiling returns the handlers of net/http/pprof for paths below /-/pprof/.
func profiling() nethttp.Handler {
	const own, theirs = "/-/pprof/", "/debug/pprof/"
	mux := nethttp.NewServeMux()
	mux.HandleFunc(theirs, pprof.Index)
	mux.HandleFunc(theirs+"cmdline", pprof.Cmdline)
	mux.HandleFunc(theirs+"profile", pprof.Profile)
	mux.HandleFunc(theirs+"symbol", pprof.Symbol)
	mux.HandleFunc(theirs+"trace", pprof.Trace)
	return nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = theirs+strings.TrimPrefix(r.URL.Path, own), ""
		mux.ServeHTTP(w, r)
	})
}
