// Package inspect shows event loops at work: a page in the browser, with a stream of
// frames behind it that other clients read too.
//
// A frame holds counters, gauges, connections and the latest records of all loops, ten
// times a second, and only while it is watched: without a watcher nothing is recorded that
// the loop does not record in any case. The connections of those who watch are left out of
// all figures.
//
// What the page shows is for the people who run the server. So it is answered to clients on
// the same machine only, see [Inspector.Handler].
package inspect

import (
	"crypto/rand"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Config has the settings of an Inspector. The zero value is valid.
type Config struct {
	Routes  []string      // Router.Patterns of the site, may be nil
	Hosts   []string      // further names that are accepted in Host on the admin's address, see SetHosts
	Ready   func() bool   // reports whether the server takes requests; any goroutine may call it
	Version string        // of the program
	Stall   time.Duration // eventloop.Config.Stall of the loops; 100 ms if 0
	Try     []Try         // what visitors may press; may be nil

	// More for the metrics, each of which may be nil.
	Files   func(loop int) FileCounters // of the cache of files; runs on the loop of that server
	Limited func() uint64               // requests that were answered by 429; runs on the loop of the first server
	Process func() Process              // what the system tells; runs on any goroutine
}

// An Inspector shows the loops of some servers. Its handlers may run on any loop.
type Inspector struct {
	config  Config
	token   string // proves that a press comes from the page, which alone can read it
	servers http.Servers

	hosts    atomic.Pointer[[]string]
	patience time.Duration // answerWithin, but in tests

	watchers   atomic.Int32 // on all loops
	recordings atomic.Int32
	running    []atomic.Bool
	meters     []meter // one for each server
}

// New makes an Inspector. Show tells it which servers it shows.
func New(config Config) *Inspector {
	if config.Stall == 0 {
		config.Stall = 100 * time.Millisecond
	}
	i := &Inspector{config: config, patience: answerWithin, token: rand.Text(), running: make([]atomic.Bool, len(config.Try))}
	i.SetHosts(config.Hosts)
	return i
}

// SetHosts replaces Config.Hosts. Any goroutine may call it. The list must not be changed any
// more.
func (i *Inspector) SetHosts(names []string) { i.hosts.Store(&names) }

// Show sets the servers that are shown. It must be called once, before any server that has
// a handler of this Inspector runs.
func (i *Inspector) Show(servers http.Servers) {
	i.servers, i.meters = servers, make([]meter, len(servers))
	for number, server := range servers {
		m := &i.meters[number]
		m.inspector, m.number, m.server = i, number, server
	}
}

// Handler returns the handler for one loop: that of the site's server with this number, or,
// with -1, a loop of its own that serves an address for the operator.
//
// It answers the paths under "/-/" that it knows, and returns http.StatusNotFound for
// all others before it does anything, so that a caller can go on. The page and its
// stream are answered if the peer is on loopback, Host is localhost, 127.0.0.1 or [::1],
// and the request is not that of a proxy; others get a 403 that says so. A peer on loopback
// alone proves nothing: behind a proxy all peers are, and any page of the web can point a
// name of its own at 127.0.0.1. On the operator's address a peer may be anywhere, and Host
// any IP address or a name in Config.Hosts.
//
// Metrics and health are told to every client of the operator's address, and on the site to
// those who may see the page.
func (i *Inspector) Handler(loop int) http.Handler {
	return i.handler(&station{inspector: i, number: loop})
}

func (i *Inspector) handler(s *station) http.Handler {
	loop := s.number
	return func(w *http.Response, r *http.Request) error {
		path, ok := strings.CutPrefix(string(r.PathBytes()), "/-/")
		if !ok {
			return http.StatusNotFound
		}
		v := &visit{inspector: i, station: s, w: w, r: r, loop: loop}
		switch path {
		case "xray":
			return v.get((*visit).showPage)
		case "xray/":
			return v.get(func(v *visit) error { return w.Redirect(http.StatusPermanentRedirect, "/-/xray") })
		case "xray/stream":
			return v.get((*visit).stream)
		case "xray/records":
			return v.get((*visit).records)
		case "xray/try":
			return v.try()
		case "metrics":
			return v.tell((*visit).metrics)
		case "healthy":
			return v.tell((*visit).healthy)
		case "ready":
			return v.tell((*visit).ready)
		}
		return http.StatusNotFound
	}
}

// A visit is a request for one of the paths.
type visit struct {
	inspector *Inspector
	station   *station
	w         *http.Response
	r         *http.Request
	loop      int // as in Inspector.Handler
}

// begin keeps the answer out of caches, and browsers from guessing another type for it.
func (v *visit) begin() {
	v.w.Add("Cache-Control", "no-store").Add("X-Content-Type-Options", "nosniff")
}

// get answers GET and HEAD of those who may look.
func (v *visit) get(answer func(*visit) error) error {
	return v.read(func(v *visit) error {
		if err := v.mayLook(); err != nil {
			return err
		}
		return answer(v)
	})
}

// tell is get, and answers every client of the operator's address.
func (v *visit) tell(answer func(*visit) error) error {
	if v.loop >= 0 {
		return v.get(answer)
	}
	return v.read(answer)
}

// read answers GET and HEAD.
func (v *visit) read(answer func(*visit) error) error {
	v.begin()
	if m := v.r.Method(); m != http.MethodGet && m != http.MethodHead {
		return http.MethodNotAllowed(v.w, v.r, "GET, HEAD")
	}
	return answer(v)
}
