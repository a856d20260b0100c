package websocket

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// audience opens sessions that subscribe to a topic.
func (c *client) audience(n int, fields ...string) []*client {
	all := make([]*client, n)
	for i := range all {
		all[i] = c.connect(fields...)
	}
	return all
}

// TestABroadcastIsInMemoryOnce has many clients take nothing of long texts.
func TestABroadcastIsInMemoryOnce(t *testing.T) {
	const clients, texts, size = 300, 12, 16 << 10
	var topic *Topic
	h := accepted(Options{Deflate: true}, func(s *Session) { topic.Subscribe(s, nil) })
	stage(t, h, func(server *http.Server, c *client) {
		server.Loop().Post(func() { topic = NewTopic(server) })
		c.script.Sleep(second)
		all := append(c.audience(clients/2), c.audience(clients/2, offersDeflate)...)
		for i := range texts {
			// What deflates badly, so that it is long for all.
			m := []byte(strings.Repeat(string(rune('a'+i)), size))
			for j := range m {
				m[j] += byte(j * j * 7919 >> 5)
			}
			topic.Post(Prepare(Binary, m))
			c.script.Sleep(second)
		}
		if n := server.Loop().Memory(); n < size || n > 2*texts*(size+100) {
			t.Errorf("%d bytes wait for %d clients", n, clients)
		}
		for _, one := range all {
			for range texts {
				if f := one.next(); len(f) < size {
					t.Fatalf("got %.40q of %d bytes", f, len(f))
				}
			}
			one.wire.Reset()
		}
	})
}

// BenchmarkBroadcast sends texts to 10,000 sessions over the simulated kernel, each of which
// has taken the text before. It counts what the kernel and the clients cost, too.
func BenchmarkBroadcast(b *testing.B) {
	const clients = 10_000
	for _, row := range []struct {
		name string
		size int
	}{{"100 bytes", 100}, {"1 KiB", 1 << 10}} {
		b.Run(row.name, func(b *testing.B) {
			var topic *Topic
			h := accepted(Options{}, func(s *Session) { topic.Subscribe(s, nil) })
			m := Prepare(Text, []byte(strings.Repeat("x", row.size)))
			k := sim.New(1)
			k.Descriptors = 2 * clients
			stageKernel(b, k, http.Config{Handler: h, Limits: http.Limits{Conns: 2 * clients}}, func(server *http.Server, c *client) {
				server.Loop().Post(func() { topic = NewTopic(server) })
				c.script.Sleep(second)
				all := c.audience(clients)
				last, size := all[clients-1].wire, len(m.plain.Bytes())
				buf := make([]byte, 2*size)
				b.ReportAllocs()
				for b.Loop() {
					topic.Post(m)
					c.script.Until(last, c.kernel.Now().Add(time.Minute))
					for _, one := range all {
						if n, err := one.wire.Receive(buf); n != size || err != nil {
							b.Fatalf("%d bytes, %v", n, err)
						}
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/clients, "ns/receiver")
				for _, one := range all {
					one.wire.Reset()
				}
				c.script.Sleep(second)
			})
		})
	}
}
