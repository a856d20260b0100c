package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/inspect/timeline"
)

// What the program records of itself: with --trace FILE the whole run, and with --trace
// FOLDER what was before each stall. Making a timeline is work for a goroutine of its own;
// the loops only hand on blocks, or their ring.

// selfTraceOptions are the flags.
type selfTraceOptions struct {
	name   string
	events int
}

func (o *selfTraceOptions) define(f *pflag.FlagSet) {
	f.StringVar(&o.name, "trace", "", "write a timeline of the whole run to this `file` at its end, or one of each stall into this folder; bobbin trace records a server that runs")
	f.IntVar(&o.events, "events", timeline.DefaultEvents, "most events of a timeline; beyond, one connection in so many is there")
	takesFile(f, "trace")
	inGroup(f, groupWatch, "trace", "events")
}

// isFolder reports whether the name is that of a folder.
func (o *selfTraceOptions) isFolder() bool {
	info, err := os.Stat(o.name)
	return err == nil && info.IsDir()
}

// check refuses a place that there is not.
func (o *selfTraceOptions) check() error {
	if err := checkEvents(o.events); err != nil || o.name == "" {
		return err
	}
	if strings.HasSuffix(o.name, string(filepath.Separator)) && !o.isFolder() {
		return fmt.Errorf("--trace %s: there is no such folder: make it first", o.name)
	}
	if info, err := os.Stat(filepath.Dir(o.name)); err != nil || !info.IsDir() {
		return fmt.Errorf("--trace %s: there is no folder %s: make it first", o.name, filepath.Dir(o.name))
	}
	return nil
}

// Limits of what is written into a folder.
const (
	mostStallFiles = 20 // in one run
	ringsWaiting   = 4
	blocksWaiting  = 256 // of the whole run: 8 MiB
)

// A selfTrace writes timelines of the servers of this program.
type selfTrace struct {
	options selfTraceOptions
	log     *slog.Logger
	servers http.Servers
	hello   timeline.Hello
	packers []*inspect.Packer // of the whole run; none for a folder
	stops   []func()          // those that end following, for a folder

	blocks chan []byte
	rings  chan ring
	stalls atomic.Int32 // that have a file
	over   chan struct{}
	end    sync.Once
	done   chan struct{} // closed when all is written
}

// A ring is what a loop had recorded when it was held.
type ring struct {
	loop    int
	at      time.Time
	records []eventloop.Record
}

// newSelfTrace is nil without the flag, and all methods do nothing then.
func newSelfTrace(o selfTraceOptions, log *slog.Logger) *selfTrace {
	if o.name == "" {
		return nil
	}
	return &selfTrace{
		options: o, log: log,
		blocks: make(chan []byte, blocksWaiting), rings: make(chan ring, ringsWaiting), over: make(chan struct{}), done: make(chan struct{}),
	}
}

// start begins to record, before the servers run.
func (t *selfTrace) start(servers http.Servers, hello timeline.Hello) {
	if t == nil {
		return
	}
	t.servers, t.hello = servers, hello
	t.hello.Loops = len(servers)
	if t.options.isFolder() {
		for _, s := range servers {
			t.stops = append(t.stops, s.Loop().Follow(func([]eventloop.Record, uint64) {})) // for its finer times in the ring
		}
		go t.writeRings()
		return
	}
	for number := range servers {
		p := inspect.NewPacker(servers, number, t.take)
		p.Follow()
		t.packers = append(t.packers, p)
	}
	go t.writeRun()
}

// take takes a block, on its loop.
func (t *selfTrace) take(block []byte, records uint64) (lost uint64) {
	select {
	case t.blocks <- block:
		return 0
	default:
		return records
	}
}

// finish ends recording when the servers have ended, and waits until all is written.
func (t *selfTrace) finish() {
	if t == nil || t.servers == nil {
		return
	}
	for _, p := range t.packers {
		p.Stop()
	}
	for _, stop := range t.stops {
		stop()
	}
	t.close()
}

// close has what there is be written, and waits for that.
func (t *selfTrace) close() {
	t.end.Do(func() { close(t.over) })
	<-t.done
}

// writeRun makes the timeline of the whole run.
func (t *selfTrace) writeRun() {
	defer close(t.done)
	b := timeline.New(t.hello, timeline.Options{Events: t.options.events})
	add := func(block []byte) {
		if err := b.AddRaw(block); err != nil {
			t.log.Error("--trace", "error", err) // a mistake of ours
		}
	}
	for over := false; !over; {
		select {
		case block := <-t.blocks:
			add(block)
		case <-t.over:
			over = true
		}
	}
	for more := true; more; {
		select {
		case block := <-t.blocks:
			add(block)
		default:
			more = false
		}
	}
	t.write(t.options.name, b, "the timeline of this run is written")
}

// write writes a timeline, and tells of it.
func (t *selfTrace) write(name string, b *timeline.Builder, text string, more ...any) {
	file, err := createTrace(name, nil)
	if err == nil {
		defer file.discard()
		err = file.write(b)
	}
	if err != nil {
		t.log.Error("--trace", "error", err)
		return
	}
	s := b.Summary()
	more = append([]any{"file", name, "events", s.Events}, more...)
	if s.Lost > 0 {
		more = append(more, "lost", s.Lost)
	}
	if s.OneIn > 1 {
		more = append(more, "connections", fmt.Sprint("one in ", s.OneIn))
	}
	t.log.Info(text, more...)
}

// stalled is called on a loop when a callback has held it. The ring is taken in the next
// turn: then the one of the stall is whole in it.
func (t *selfTrace) stalled(loop int) {
	if t == nil || t.servers == nil || !t.options.isFolder() || t.stalls.Load() >= mostStallFiles {
		return
	}
	l := t.servers[loop].Loop()
	_ = l.Post(func() { // a loop that ends needs none
		if t.stalls.Load() >= mostStallFiles {
			return
		}
		records, _, _ := l.ReadSince(0, nil)
		select {
		case t.rings <- ring{loop, l.WallTime(), records}:
			if t.stalls.Add(1) == mostStallFiles {
				t.log.Warn("stalls have no more files in this run", "files", mostStallFiles, "folder", t.options.name)
			}
		default: // the disk is slower than the stalls
		}
	})
}

// writeRings writes a file for each stall.
func (t *selfTrace) writeRings() {
	defer close(t.done)
	for {
		select {
		case r := <-t.rings:
			t.writeRing("stall", []ring{r})
		case <-t.over:
			for len(t.rings) > 0 {
				t.writeRing("stall", []ring{<-t.rings})
			}
			return
		}
	}
}

// writeRing writes what loops have in their rings, all at the same time.
func (t *selfTrace) writeRing(why string, rings []ring) {
	if len(rings) == 0 {
		return
	}
	b := timeline.New(t.hello, timeline.Options{Events: t.options.events})
	for _, r := range rings {
		first, l := t.servers[0].Loop(), t.servers[r.loop].Loop()
		offset := l.WallTimeAt(0).Sub(first.WallTimeAt(0))
		for i := range r.records {
			r.records[i].At += offset
		}
		b.Add(&timeline.Block{Loop: r.loop, Records: r.records})
	}
	name := fmt.Sprintf("%s-%s-loop%d.json", why, rings[0].at.Format("20060102-150405.000"), rings[0].loop)
	t.write(filepath.Join(t.options.name, name), b, "what the loop did before is in a file", "why", why)
}

// ship has the loops hand on what they have, if they get to it before what is posted behind.
func (t *selfTrace) ship() {
	if t == nil || t.servers == nil {
		return
	}
	for number, p := range t.packers {
		_ = t.servers[number].Loop().Post(p.Ship) // a loop that has ended has handed on all
	}
}

// dumped writes what a dump has found, and what was recorded up to now. The program ends
// after that.
func (t *selfTrace) dumped(rings []ring) {
	if t == nil || t.servers == nil {
		return
	}
	if t.options.isFolder() {
		t.writeRing("quit", rings)
	}
	t.close()
}
