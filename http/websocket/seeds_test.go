package websocket

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// A talker is a client that sends messages of all kinds in frames of all sizes, and expects
// them back in order, with answers to its pings.
type talker struct {
	*client
	random  *rand.Rand
	deflate bool
	expects []string // frames that are to come, in order
}

// word makes one more message, or a ping, and sends it.
func (c *talker) word(number int) {
	r := c.random
	if r.IntN(4) == 0 {
		p := fmt.Sprint("ping ", number)
		c.expects = append(c.expects, "pong "+p)
		c.say(frame(0x89, p))
		return
	}
	first, kind := byte(0x01), "text "
	p := strings.Repeat(fmt.Sprint("€ number ", number, " "), r.IntN(1+r.IntN(200)))
	if r.IntN(2) == 0 {
		first, kind = 0x02, "binary "
	}
	want := strings.TrimRight(kind+p, " ")
	if c.deflate && len(p) >= deflateFrom {
		want = "deflated " + want
	}
	c.expects = append(c.expects, want)
	say := p
	if c.deflate && r.IntN(2) == 0 {
		first, say = first|0x40, deflated(p)
	}
	for {
		n := min(len(say), r.IntN(1+r.IntN(4000)))
		if n == len(say) {
			c.say(frame(first|0x80, say))
			return
		}
		c.say(frame(first, say[:n]))
		say, first = say[n:], 0
		if r.IntN(5) == 0 {
			c.say(frame(0x8a, "a pong that is not asked for"))
		}
	}
}

// hear compares what has come with what is to come.
func (c *talker) hear() error {
	for len(c.expects) > 0 {
		switch got := strings.TrimRight(c.next(), " "); {
		case strings.Contains(got, " behind "):
			return fmt.Errorf("%s", got)
		case got == "ping":
			c.say(frame(0x8a, ""))
		case got == c.expects[0]:
			c.expects = c.expects[1:]
		default:
			return fmt.Errorf("got %.80q of %d bytes, want %.80q of %d", got, len(got), c.expects[0], len(c.expects[0]))
		}
	}
	return nil
}

// TestEchoesOfSeeds has clients talk to echoes of both styles over kernels with misfortunes of
// all kinds, but for those that end connections.
func TestEchoesOfSeeds(t *testing.T) {
	o := Options{Deflate: true}
	styles := []http.Handler{echo(o), Streaming(o, func(s *Session) error {
		for {
			kind, p, err := s.Read()
			if err != nil {
				return err
			}
			if err := s.Send(kind, p); err != nil {
				return err
			}
		}
	})}
	for seed := range uint64(40) {
		k := sim.NewUnlucky(seed)
		k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend, k.Luck.Exhausted = 0, 0, 0, 0
		stageKernel(t, k, http.Config{Handler: styles[seed%2]}, func(_ *http.Server, main *client) {
			random := rand.New(rand.NewPCG(seed, 1))
			var all []*talker
			for i := range 4 {
				fields := []string{"", offersDeflate}[i%2]
				all = append(all, &talker{client: main.connect(fields), random: random, deflate: i%2 > 0})
			}
			for n := range 20 {
				c := all[random.IntN(len(all))]
				for range 1 + random.IntN(5) {
					c.word(n)
				}
				if err := c.hear(); err != nil {
					t.Errorf("seed %d: %v", seed, err)
					break
				}
			}
			for _, c := range all {
				c.leave()
			}
		})
	}
}
