package inspect

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/timeline"
)

// Limits of packing.
const (
	packSize   = 32 << 10 // bytes of a block that is sent
	gaugeEvery = time.Millisecond
)

// A Packer packs the records of one loop into blocks, in the raw form of package timeline.
// Its methods belong to the loop's goroutine.
type Packer struct {
	encoder timeline.Encoder
	loop    *eventloop.Loop
	send    func(block []byte, records uint64) (lost uint64)
	stop    func() // ends following, nil if it does not follow

	gauged bool // once
	at     time.Duration
	open   int64
	owed   int64
}

// NewPacker makes a packer for one of some servers, by its number. Blocks are given to
// send, which belongs to the loop, must not wait, and may keep the block. It returns how many
// records are lost: those of this block, or of blocks that it could not hand on.
func NewPacker(servers http.Servers, number int, send func(block []byte, records uint64) (lost uint64)) *Packer {
	p := &Packer{loop: servers[number].Loop(), send: send}
	p.encoder.Loop = number
	p.encoder.Offset = p.loop.WallTimeAt(0).Sub(servers[0].Loop().WallTimeAt(0))
	return p
}

// Follow packs all records from now on, until Stop is called.
func (p *Packer) Follow() { p.stop = p.loop.Follow(p.add) }

// AddRing packs the records that the loop has in its ring.
func (p *Packer) AddRing() {
	records, _, _ := p.loop.ReadSince(0, nil)
	p.encoder.Add(records, 0)
}

// Stop ends Follow, and sends what is left.
func (p *Packer) Stop() {
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
	p.Ship()
}

// add packs records, as a follower of the loop.
func (p *Packer) add(records []eventloop.Record, lost uint64) {
	if lost > 0 {
		p.Ship() // what is lost is between the blocks
	}
	p.encoder.Add(records, lost)
	if len(records) > 0 {
		p.gauge(records[len(records)-1].At)
	}
	if p.encoder.Len() >= packSize {
		p.Ship()
	}
}

// gauge packs the gauges that have changed.
func (p *Packer) gauge(at time.Duration) {
	if p.gauged && at < p.at+gaugeEvery {
		return
	}
	g := p.loop.Gauges()
	open, owed := int64(g.Open), g.Owed
	if !p.gauged || open != p.open {
		p.encoder.Gauge(timeline.Open, at, open)
	}
	if !p.gauged || owed != p.owed {
		p.encoder.Gauge(timeline.Owed, at, owed)
	}
	p.gauged, p.at, p.open, p.owed = true, at, open, owed
}

// Ship sends what there is, before the block is full.
func (p *Packer) Ship() {
	if p.encoder.Len() == 0 {
		return
	}
	records := p.encoder.Records()
	p.encoder.Lose(p.send(p.encoder.Append(nil), records))
}

// Hello returns the words for a timeline of the loops that are shown.
func (i *Inspector) Hello() timeline.Hello {
	h := timeline.Hello{
		Schema: schema, Version: i.config.Version, Loops: min(len(i.servers), loopsShown),
		Kinds: KindNames(i.servers[0].Loop()), Routes: append([]string{""}, i.config.Routes...),
	}
	for _, word := range Phases {
		h.Phases = append(h.Phases, word.ID)
	}
	return h
}
