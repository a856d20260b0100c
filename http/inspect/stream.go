package inspect

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// The stream of server-sent events: one that greets, with the words and the limits, then a
// frame ten times a second, and one at the end when the server stops. Its format is
// numbered, and feed reads it.

// schema is the number of the format. A client that knows another one says so.
const schema = 1

// watchersMost is how many may watch at a time, on all loops together: watching is work.
const watchersMost = 4

// stream begins to watch.
func (v *visit) stream() error {
	i, s := v.inspector, v.station
	if len(i.servers) == 0 || v.r.Loop().Stopping() {
		return http.StatusServiceUnavailable.Because("the server stops, or has not begun")
	}
	v.w.Add("Content-Type", "text/event-stream")
	if v.r.Method() == http.MethodHead {
		return v.w.Text("")
	}
	if i.watchers.Add(1) > watchersMost {
		i.watchers.Add(-1)
		return http.StatusServiceUnavailable.Because(fmt.Sprintf("%d watch already: close a page that shows the loop, and load this one again", watchersMost))
	}
	held, err := v.w.Hold()
	if err != nil {
		i.watchers.Add(-1)
		return err
	}
	held.OnStop(func() {
		_, _ = held.Write(event("bye", []byte("The server stops."))) // a client that has left needs none
		held.Done()
	})
	s.loop = v.r.Loop()
	s.add(&watcher{held: held, loop: v.loop, conn: v.r.ConnID()})
	if _, err := held.Write(event("hello", v.hello())); err != nil {
		held.Done() // the client has not taken what it asked for before
	}
	return nil
}

// event returns a server-sent event with one line of data.
func event(name string, data []byte) []byte {
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data)
}

// A hello is the first event of a stream.
type hello struct {
	Schema     int     `json:"schema"`
	Version    string  `json:"version"`
	Token      string  `json:"token"` // for pressing; empty if this client may not
	Started    int64   `json:"started"`
	Now        int64   `json:"now"`
	Loops      int     `json:"loops"`
	You        []int64 `json:"you"` // loop and connection; null on the operator's address
	Watchers   int     `json:"watchers"`
	Stall      int64   `json:"stall"`
	HighWater  int     `json:"highWater"`
	Conns      int     `json:"conns"`
	FrameEvery int64   `json:"frameEvery"`
	Kernel     string  `json:"kernel"`

	Phases     []string       `json:"phases"`
	Activities []activityText `json:"activities"`
	Kinds      []string       `json:"kinds"`
	States     []string       `json:"states"`
	Troubles   []troubleText  `json:"troubles"`
	Routes     []string       `json:"routes"`
	Try        []tryText      `json:"try"`
}

type activityText struct {
	ID     string `json:"id"`
	Letter string `json:"letter"`
	Text   string `json:"text"`
}

type troubleText struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
	Href string `json:"href"`
}

type tryText struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"text"`
}

// hello returns the greeting for a visitor.
func (v *visit) hello() []byte {
	var you []int64
	if v.loop >= 0 {
		you = []int64{int64(v.loop), int64(v.r.ConnID())}
	}
	return v.inspector.hello(v.r.Loop().WallTime(), you, v.isNear())
}

// hello returns a greeting in JSON. Trace and top take their words from it, as the page does.
// Near says that the client is on this machine, and so may press.
func (i *Inspector) hello(now time.Time, you []int64, near bool) []byte {
	first := i.servers[0].Loop()
	limits := first.Limits()
	h := hello{
		Schema: schema, Version: i.config.Version, Started: first.WallTimeAt(0).UnixMilli(), Now: now.UnixMilli(), You: you,
		Loops: min(len(i.servers), loopsShown), Watchers: int(i.watchers.Load()), Stall: i.config.Stall.Milliseconds(),
		HighWater: limits.HighWater, Conns: limits.Conns, FrameEvery: frameEvery.Milliseconds(), Kernel: kernelName(),
		Kinds: KindNames(first), States: StateNames(), Routes: append([]string{""}, i.config.Routes...), Try: []tryText{},
	}
	for _, word := range Phases {
		h.Phases = append(h.Phases, word.ID)
	}
	for _, word := range Activities {
		h.Activities = append(h.Activities, activityText{word.ID, string(word.Letter), word.Text})
	}
	for _, t := range Troubles {
		h.Troubles = append(h.Troubles, troubleText{t.ID, t.Name, t.Text, t.Href})
	}
	if near {
		h.Token = i.token
		for _, t := range i.config.Try {
			h.Try = append(h.Try, tryText{t.ID, t.Name, t.Text})
		}
	}
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // a bug: all of it is strings and numbers
	}
	return text
}

// kernelName is the name of the interface through which the kernel reports readiness.
func kernelName() string {
	if runtime.GOOS == "linux" {
		return "epoll"
	}
	return "kqueue"
}
