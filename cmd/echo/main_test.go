package main

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

func TestEcho(t *testing.T) {
	tests := []struct {
		name   string
		client func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire)
	}{
		{"bytes come back, also behind the end of the client's half", func(t *testing.T, _ *sim.Kernel, s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("abc"))
			w.CloseWrite()
			if got, err := s.ReceiveAll(w); string(got) != "abc" || err != nil {
				t.Errorf("received %q, %v", got, err)
			}
		}},
		{"a client that sends nothing is closed after a minute", func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire) {
			since := k.Now()
			s.ReceiveAll(w)
			if took := k.Now().Sub(since); took < idle || took > idle+time.Second {
				t.Errorf("it was closed after %v", took)
			}
		}},
		{"a client that does not take its echo is reset after a minute", func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire) {
			for sent := 0; sent < 64<<20; {
				n, err := w.Send(make([]byte, 64<<10))
				if err != nil {
					break
				}
				sent += n
				s.Sleep(time.Millisecond)
			}
			s.Sleep(2 * idle)
			if n := k.OpenDescriptors(); n != 1 { // of the listener
				t.Errorf("%d descriptors are open", n)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := sim.New(1)
			loop, err := eventloop.New(eventloop.Config{Kernel: k, CheckOwner: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := loop.Listen(bobbin.Address{}, bobbin.ListenOptions{}, begin); err != nil {
				t.Fatal(err)
			}
			k.Go(func(s *sim.Script) {
				w, err := k.Dial()
				if err != nil {
					t.Error(err)
					return
				}
				test.client(t, k, s, w)
				w.Close()
			})
			if err := k.Stage(t, loop, loop.Stopping); err != nil {
				t.Error(err)
			}
		})
	}
}
