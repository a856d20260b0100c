// Ticks sends the time to all open pages once a second, by server-sent events. All
// pages share one timer, and there is no goroutine.
package main

import (
	"log"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

const page = `<!doctype html><title>Ticks</title><h1 id=time>...</h1>
<script>new EventSource("/ticks").onmessage = e => time.textContent = e.data</script>
`

// A clock belongs to the loop, like its handlers, and needs no lock.
type clock struct {
	pages   map[*http.Events]bool
	ticking bool
}

func main() { log.Fatal(http.ListenAndServe("localhost:8080", site().Serve)) }

func site() *http.Router {
	c := &clock{pages: make(map[*http.Events]bool)}
	router := new(http.Router)
	router.Handle("GET /{$}", func(w *http.Response, r *http.Request) error { return w.HTML(page) })
	router.Handle("GET /ticks", c.events)
	return router
}

func (c *clock) events(w *http.Response, r *http.Request) error {
	p, err := w.Events()
	if err != nil {
		return err
	}
	c.pages[p] = true
	p.OnClose(func() { delete(c.pages, p) })
	if !c.ticking {
		c.tick(r.Loop())
	}
	return nil
}

// tick runs once a second while a page is open. A client that has not taken the
// events before, such as a browser on a train, misses a second.
func (c *clock) tick(loop *eventloop.Loop) {
	for p := range c.pages {
		p.Send(http.Event{Data: loop.WallTime().Format(time.TimeOnly)})
	}
	if c.ticking = len(c.pages) > 0; c.ticking {
		loop.After(time.Second, func() { c.tick(loop) })
	}
}
