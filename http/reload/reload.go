// Package reload refreshes the browsers of people who edit: it watches a folder,
// and tells the pages that were served from it when something has changed. A page
// whose style sheets have changed keeps its place; otherwise it is loaded again.
package reload

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Inject is what a page needs to have in it.
const Inject = "<script src=\"/-/reload.js\"></script>\n"

//go:embed reload.js
var script []byte

// settle is how long it must be quiet before the pages are told: who saves,
// saves several files.
const settle = 50 * time.Millisecond

// lookEvery is how often a folder is walked where the system does not tell of
// changes.
const lookEvery = 500 * time.Millisecond

// walkMax is how many names are looked at then.
const walkMax = 100_000

// pagesMax is how many pages of one client are told, and half of all connections is
// how many there are of all clients. A browser has six connections to a server, so
// that these are four browsers with as many pages as each can show; a page that one
// more costs its place comes back by itself, and learns then whether something has
// changed. Where there are few connections, it is a quarter of them.
const pagesMax = 24

// A Reloader watches a folder. Once it is started it belongs to the loop's
// goroutine.
type Reloader struct {
	leader   *Reloader   // who watches, if it is not this one
	siblings []*Reloader // on other loops, for whom this one watches
	before   func()      // the pages are told
	loop     *eventloop.Loop
	folder   string
	unwatch  func() // ends the watch of the folder; nil where there is none
	script   *http.Prepared
	id       string     // of this run of the server
	told     int        // how often something has changed since
	pages    []openPage // the oldest first
	open     eventloop.Tally

	// What has changed since the pages were told.
	styles bool
	others bool
	timer  *eventloop.Timer
	look   *eventloop.Timer
	seen   map[string]stamp // by walking
}

// A stamp tells one version of a file from another.
type stamp struct {
	size int64
	time time.Time
}

// An openPage is one that wants to be told.
type openPage struct {
	events *http.Events
	who    eventloop.Client
}

// New makes a Reloader, which watches nothing yet. Before it tells the pages that
// something has changed, it calls a function, so that they are not served what is
// remembered; it may be nil.
func New(before func()) (*Reloader, error) {
	js, err := http.Prepare(script, [2]string{"Content-Type", "text/javascript; charset=utf-8"}, [2]string{"Cache-Control", "no-cache"})
	if err != nil {
		return nil, err
	}
	if before == nil {
		before = func() {}
	}
	return &Reloader{before: before, script: js, id: rand.Text()}, nil
}

// Siblings makes a Reloader for another loop, whose pages are told of what this one
// sees. It watches nothing itself. It is made and started before either loop runs.
func (r *Reloader) Siblings(before func()) *Reloader {
	if before == nil {
		before = func() {}
	}
	// Which of the two it is, a page that comes back must not notice.
	other := &Reloader{leader: r, before: before, script: r.script, id: r.id}
	r.siblings = append(r.siblings, other)
	return other
}

// Start begins to watch a folder, before the loop runs or on its goroutine.
func (r *Reloader) Start(loop *eventloop.Loop, folder string) (err error) {
	r.loop, r.folder = loop, folder
	if r.leader != nil {
		return nil
	}
	r.unwatch, err = loop.WatchFolder(folder, r.changed)
	if errors.Is(err, errors.ErrUnsupported) {
		r.walkSoon()
		return nil
	}
	return err
}

// Close ends the watching.
func (r *Reloader) Close() {
	if r.look != nil {
		r.look.Stop()
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.unwatch != nil {
		r.unwatch()
	}
}

// Wrap is the http.Middleware. It answers what the script asks for.
func (r *Reloader) Wrap(next http.Handler) http.Handler {
	return func(w *http.Response, q *http.Request) error {
		switch string(q.PathBytes()) {
		case "/-/reload.js":
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

// version is what a page has seen when it was told of all that has changed.
func (r *Reloader) version() string { return fmt.Sprintf("%s.%d", r.id, r.told) }

// add has a page be told, in place of others if there are too many.
func (r *Reloader) add(p openPage) {
	r.pages = append(r.pages, p)
	r.open.Add(p.who, 1)
	p.events.OnClose(func() { r.remove(p) })
	conns := r.loop.Limits().Conns
	if r.open.Of(p.who) > max(1, min(pagesMax, int64(conns/4))) {
		r.closeOldest(p.who)
	} else if r.open.Total() > max(1, int64(conns/2)) {
		who, _ := r.open.Most()
		r.closeOldest(who)
	}
}

// remove forgets a page. It may be forgotten already.
func (r *Reloader) remove(p openPage) {
	if i := slices.Index(r.pages, p); i >= 0 {
		r.pages = slices.Delete(r.pages, i, i+1)
		r.open.Add(p.who, -1)
	}
}

// closeOldest closes the page of a client that has been there for longest.
func (r *Reloader) closeOldest(who eventloop.Client) {
	for _, p := range r.pages {
		if p.who == who {
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
	r.tellSoon()
}

func (r *Reloader) tellSoon() {
	if r.timer != nil {
		r.timer.Stop()
	}
	r.timer = r.loop.After(settle, r.tell)
}

// tell lets every page know, whichever loop it is on.
func (r *Reloader) tell() {
	name := "css"
	if r.others {
		name = "page"
	}
	r.styles, r.others = false, false
	r.told++
	told := r.told
	r.tellOwn(name)
	for _, other := range r.siblings {
		if other.loop.Post(func() { other.told = told; other.tellOwn(name) }) == eventloop.ErrFull {
			r.others = true // it is too busy to hear
			r.tellSoon()
		}
	}
}

// tellOwn lets the pages on this loop know. One that does not listen finds another
// version when it comes back.
func (r *Reloader) tellOwn(name string) {
	r.before()
	for _, p := range slices.Clone(r.pages) {
		if p.events.Send(http.Event{Name: name, Data: r.version()}) == http.ErrFull {
			p.events.Close()
		}
	}
}

// walkSoon looks at the whole folder, on a worker, again and again.
func (r *Reloader) walkSoon() {
	r.look = r.loop.After(lookEvery, func() {
		var now map[string]stamp
		r.loop.Offload(func() { now = walk(r.folder) }, func(error) {
			if r.seen != nil {
				r.compare(now)
			}
			r.seen = now
			r.walkSoon()
		})
	})
}

// compare finds what has changed between two walks.
func (r *Reloader) compare(now map[string]stamp) {
	for path, s := range now {
		if before, ok := r.seen[path]; !ok || before != s {
			r.changed(path)
		}
	}
	for path := range r.seen {
		if _, ok := now[path]; !ok {
			r.changed(path)
		}
	}
}

// walk looks at all files below a folder that are not hidden.
func walk(folder string) map[string]stamp {
	all := make(map[string]stamp)
	filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // it is gone, or not ours to see
		case path != folder && d.Name()[0] == '.':
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case len(all) >= walkMax:
			return fs.SkipAll
		case d.Type().IsRegular():
			if info, err := d.Info(); err == nil {
				all[path] = stamp{info.Size(), info.ModTime()}
			}
		}
		return nil
	})
	return all
}
