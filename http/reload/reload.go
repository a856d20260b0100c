// Package reload refreshes browsers while files are edited: it watches a folder, and
// notifies the open pages of changes. After a change of style sheets only, a page
// keeps its scroll position; otherwise it is loaded again.
package reload

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Inject is the script element that pages need. Reloader.MayInject decides which can have
// it.
const Inject = "<script src=\"" + scriptPath + "\"></script>\n"

const scriptPath = "/-/reload.js"

//go:embed reload.js
var script []byte

// settle is the quiet time before pages are notified, because editors often save
// several files at once. settleMax is the longest time: a file may never be quiet.
const (
	settle    = 50 * time.Millisecond
	settleMax = 200 * time.Millisecond
)

// pagesMax is the number of notified pages per client, and half of all connections
// the number for all clients. A browser opens six connections to a server, so this is
// enough for four browsers; a page that loses its place reconnects, and then learns
// of changes. With few connections, the number is a quarter of them.
const pagesMax = 24

// A Reloader watches a folder. Once started, it belongs to the loop's goroutine.
type Reloader struct {
	Log *slog.Logger // is told of what is not watched, and of pages without the script; slog.Default() if nil

	leader   *Reloader   // the Reloader that watches, if it is another
	siblings []*Reloader // on other loops; this one watches for them
	before   func()      // called before the pages are notified
	loop     *eventloop.Loop
	folder   string
	tags     *tagLog

	// The watch; see watch.go.
	unwatch func()      // ends it; nil without one
	watched fs.FileInfo // of the folder; nil while there is none
	stale   bool        // the watch may have ended, or know too little
	walks   bool        // the folder is walked, because there is no watch
	warned  bool        // of that
	closed  bool        // nothing is looked at any more

	script  *http.Prepared
	id      string     // of this run of the server
	changes int        // number of changes notified so far
	pages   []openPage // oldest first
	open    eventloop.Tally

	// Changes since the last notification.
	styles bool
	others bool
	since  time.Duration    // of the first of them, in the loop's time
	timer  *eventloop.Timer // until the notification; nil if there is none to make
	look   *eventloop.Timer
	seen   map[string]stamp // by the last walk
}

// A stamp identifies a version of a file.
type stamp struct {
	size int64
	time time.Time
}

// An openPage is a page that waits for changes.
type openPage struct {
	events *http.Events
	client eventloop.Client
}

// New makes a Reloader, which watches nothing before Start. It calls before, which
// may be nil, ahead of each notification: to drop cached files.
func New(before func()) (*Reloader, error) {
	js, err := http.Prepare(script, [2]string{"Content-Type", "text/javascript; charset=utf-8"}, [2]string{"Cache-Control", "no-cache"})
	if err != nil {
		return nil, err
	}
	if before == nil {
		before = func() {}
	}
	return &Reloader{before: before, script: js, id: rand.Text(), tags: &tagLog{told: make(map[string]string)}}, nil
}

// Sibling makes a Reloader for another loop, whose pages are notified of the same
// changes. It watches nothing itself. It must be made and started before either loop
// runs.
func (r *Reloader) Sibling(before func()) *Reloader {
	if before == nil {
		before = func() {}
	}
	// The same id, because a page may reconnect to another loop.
	other := &Reloader{Log: r.Log, leader: r, before: before, script: r.script, id: r.id, tags: r.tags}
	r.siblings = append(r.siblings, other)
	return other
}

// Wrap is the http.Middleware. It answers the requests of the script.
func (r *Reloader) Wrap(next http.Handler) http.Handler {
	return func(w *http.Response, q *http.Request) error {
		switch string(q.PathBytes()) {
		case scriptPath:
			return w.WritePrepared(r.script)
		case "/-/reload":
			events, err := w.Events()
			if err != nil {
				return err
			}
			r.add(openPage{events, q.Client()})
			return events.Send(http.Event{Name: "hello", Data: r.version()})
		}
		return next(w, q)
	}
}

// version identifies the latest change that a page knows of.
func (r *Reloader) version() string { return fmt.Sprintf("%s.%d", r.id, r.changes) }

// add adds a page, and closes another one if there are too many.
func (r *Reloader) add(p openPage) {
	r.pages = append(r.pages, p)
	r.open.Add(p.client, 1)
	p.events.OnClose(func() { r.remove(p) })
	conns := r.loop.Limits().Conns
	if r.open.Of(p.client) > max(1, min(pagesMax, int64(conns/4))) {
		r.closeOldest(p.client)
	} else if r.open.Total() > max(1, int64(conns/2)) {
		client, _ := r.open.Most()
		r.closeOldest(client)
	}
}

// remove removes a page. It does nothing for a removed one.
func (r *Reloader) remove(p openPage) {
	if i := slices.Index(r.pages, p); i >= 0 {
		r.pages = slices.Delete(r.pages, i, i+1)
		r.open.Add(p.client, -1)
	}
}

// closeOldest closes the oldest page of a client.
func (r *Reloader) closeOldest(client eventloop.Client) {
	for _, p := range r.pages {
		if p.client == client {
			r.remove(p)
			p.events.Close()
			return
		}
	}
}

// changed notes one change. The path is "" when more has changed than is known.
func (r *Reloader) changed(path string) {
	if strings.EqualFold(filepath.Ext(path), ".css") {
		r.styles = true
	} else {
		r.others = true
	}
	r.notifySoon()
}

// notifySoon has the pages notified when all is quiet, or the first change is old.
func (r *Reloader) notifySoon() {
	now := r.loop.Uptime()
	wait := settle
	if r.timer == nil {
		r.since = now
	} else {
		r.timer.Stop()
		wait = max(0, min(settle, r.since+settleMax-now))
	}
	r.timer = r.loop.After(wait, r.notify)
}

// notify notifies the pages on all loops.
func (r *Reloader) notify() {
	r.timer = nil
	name := "css"
	if r.others {
		name = "page"
	}
	r.styles, r.others = false, false
	r.changes++
	changes := r.changes
	r.notifyOwn(name)
	for _, other := range r.siblings {
		if other.loop.Post(func() { other.changes = changes; other.notifyOwn(name) }) == eventloop.ErrFull {
			r.others = true // the other loop is too busy; try again
			r.notifySoon()
		}
	}
}

// notifyOwn notifies the pages on this loop. A page whose queue is full is closed; it
// sees the new version when it reconnects.
func (r *Reloader) notifyOwn(name string) {
	r.before()
	for _, p := range slices.Clone(r.pages) {
		if p.events.Send(http.Event{Name: name, Data: r.version()}) == http.ErrFull {
			p.events.Close()
		}
	}
}
