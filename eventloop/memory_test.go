package eventloop

// What the loop keeps in its free lists must not grow with what one greedy or slow
// peer made of it.

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestASlowPeerHoldsNoChunk has more slow peers than there are chunks. What is left of
// an answer is copied into memory of its size, and the chunk is free for others.
func TestASlowPeerHoldsNoChunk(t *testing.T) {
	const clients, answer = 2 * chunksKept, 12 << 10
	h := build(t, Limits{OutputTotal: 1 << 30}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.Write(make([]byte, answer))
			return len(p)
		}}
	})
	h.k.Buffer = 1000
	for i := range clients {
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Sleep(time.Duration(i) * time.Millisecond)
			s.Send(w, []byte("a"))
			if i == 0 {
				s.Sleep(time.Second)
				// All of them have got a part of their answer.
				if h.Memory() < clients*(answer-2000) {
					t.Errorf("only %d bytes wait", h.Memory())
				}
				if h.pools.made == 0 || len(h.pools.chunks) != h.pools.made {
					t.Errorf("slow peers hold %d of %d chunks", h.pools.made-len(h.pools.chunks), h.pools.made)
				}
			} else {
				s.Sleep(2 * time.Second)
			}
			for got := 0; got < answer; {
				p, err := s.Receive(w, nil, 1000)
				if got += len(p); err != nil {
					t.Errorf("%v after %d bytes", err, got)
					break
				}
			}
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
}

func TestFreeListsKeepLittle(t *testing.T) {
	inputs := func(l *Loop) (list []int) {
		for _, i := range l.pools.inputs {
			list = append(list, cap(i.p))
		}
		return list
	}
	chunks := func(l *Loop) (list []int) {
		for _, p := range l.pools.chunks {
			list = append(list, cap(p))
		}
		return list
	}
	outputs := func(l *Loop) (list []int) {
		for _, o := range l.pools.outputs {
			list = append(list, cap(o.pieces))
		}
		return list
	}
	leave := func(*Conn, []byte) int { return 0 }
	write := func(n int) func(*Conn, []byte) int {
		return func(c *Conn, p []byte) int {
			c.Write(make([]byte, n))
			return len(p)
		}
	}
	share := func(n int) func(*Conn, []byte) int {
		return func(c *Conn, p []byte) int {
			for range n {
				c.WriteNoCopy(make([]byte, 10))
			}
			return len(p)
		}
	}
	for _, row := range []struct {
		name    string
		clients int
		say     int // bytes
		speak   func(*Conn, []byte) int
		kept    func(*Loop) []int // the size of each in the list
		least   int               // how many of them there are
		most    int
		largest int // of them
	}{
		{"a small input is kept for the next", 1, 1000, leave, inputs, 1, 1, chunkSize},
		{"a large input is not kept", 1, 100_000, leave, inputs, 0, 0, 0},
		{"of many inputs, 64 are kept", 100, 1000, leave, inputs, chunksKept, chunksKept, chunkSize},
		{"a chunk is kept for the next", 1, 1, write(40_000), chunks, 1, 1, chunkSize},
		{"memory for a large answer is not kept", 1, 1, write(300_000), chunks, 0, 0, 0},
		{"of the memory of many answers, 64 chunks are kept", 100, 1, write(60_000), chunks, 1, chunksKept, chunkSize},
		{"a short queue is kept for the next", 1, 1, share(10), outputs, 1, 1, 64},
		{"a long queue is not kept", 1, 1, share(1000), outputs, 0, 0, 0},
		{"of many queues, 64 are kept", 100, 1, write(60_000), outputs, 1, chunksKept, 64},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := build(t, Limits{OutputTotal: 1 << 30}, func(*Conn) Protocol { return &script{speak: row.speak} })
			h.k.Buffer = 10_000
			for range row.clients {
				h.visit(func(s *sim.Script, w *sim.Wire) {
					s.Send(w, make([]byte, row.say))
					s.Sleep(time.Second)
					w.CloseWrite()
					s.ReceiveAll(w)
				})
			}
			if err := h.live(); err != nil {
				t.Error(err)
			}
			kept := row.kept(h.Loop)
			if len(kept) < row.least || len(kept) > row.most {
				t.Errorf("%d are kept", len(kept))
			}
			for _, size := range kept {
				if size > row.largest {
					t.Errorf("one of size %d is kept", size)
				}
			}
		})
	}
}
