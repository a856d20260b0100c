package sim_test

import (
	"bytes"
	"flag"
	"io"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

var (
	oneSeed  = flag.Uint64("seed", 0, "run this seed only, and print its trace")
	allSeeds = flag.Int("seeds", 1000, "how many seeds to run")
	fromSeed = flag.Uint64("from", 1, "the first of them")
)

// echo is the echo of cmd/echo, that counts its ends.
type echo struct{ begun, gone *int }

func (e echo) OnData(c *eventloop.Conn, p []byte) int {
	c.Write(p)
	c.SetDeadline(24 * time.Hour)
	return len(p)
}
func (e echo) OnEOF(c *eventloop.Conn)        { c.Close() }
func (e echo) OnTimeout(c *eventloop.Conn)    { c.Close() }
func (e echo) OnShutdown(c *eventloop.Conn)   { c.Close() }
func (e echo) OnClose(*eventloop.Conn, error) { *e.gone++ }

func TestEchoSaysWhatItHears(t *testing.T) {
	seeds(t, func(t *testing.T, seed uint64, trace io.Writer) uint64 {
		return runEcho(t, seed, trace)
	})
}

// seeds runs one test for each seed, or for the one that was asked for.
func seeds(t *testing.T, run func(t *testing.T, seed uint64, trace io.Writer) uint64) {
	someSeeds(t, *allSeeds, run)
}

// someSeeds is seeds for runs that take longer.
func someSeeds(t *testing.T, n int, run func(t *testing.T, seed uint64, trace io.Writer) uint64) {
	if *oneSeed != 0 {
		run(t, *oneSeed, testWriter{t})
		return
	}
	for seed := *fromSeed; seed < *fromSeed+uint64(n); seed++ {
		hash := run(t, seed, nil)
		if !t.Failed() && seed%50 == 0 {
			if again := run(t, seed, nil); again != hash {
				t.Errorf("two runs of the same seed differ")
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d failed; replay it with\n\tgo test ./eventloop/sim -run '%s' -seed %d", seed, t.Name(), seed)
		}
	}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(bytes.TrimRight(p, "\n")))
	return len(p), nil
}

func runEcho(t *testing.T, seed uint64, trace io.Writer) uint64 {
	k := sim.NewUnlucky(seed)
	loop, err := eventloop.New(eventloop.Config{
		Kernel: k, Trace: trace, CheckOwner: seed%20 == 0,
		Limits: eventloop.Limits{HighWater: 4 << 10},
	})
	if err != nil {
		t.Fatal(err)
	}
	begun, gone := 0, 0
	_, err = loop.Listen(bobbin.Address{}, bobbin.ListenOptions{}, func(*eventloop.Conn) eventloop.Protocol {
		begun++
		return echo{&begun, &gone}
	})
	if err != nil {
		t.Fatal(err)
	}
	turns := 0
	k.Every = func() {
		if turns++; turns == 3000 {
			k.Calm()
		}
		if k.Running() == 0 && !loop.Stopping() {
			loop.Stop()
		}
	}
	for range 1 + k.Roll(6) {
		said := make([]byte, k.Roll(20_000))
		for i := range said {
			said[i] = byte(k.Roll(256))
		}
		k.Go(func(s *sim.Script) {
			s.Sleep(k.Between(0, time.Second))
			w, err := k.Dial()
			if err != nil {
				t.Errorf("dial: %v", err)
				return
			}
			var heard []byte
			for rest := said; len(rest) > 0; {
				n, err := w.Send(rest[:min(len(rest), 1+k.Roll(5000))])
				rest = rest[n:]
				s.Sleep(k.Between(0, 10*time.Millisecond))
				if err != nil || k.Roll(2) == 0 && w.Waiting() > 0 {
					heard, err = s.Receive(w, heard, 1+k.Roll(3000))
				}
				if err != nil {
					return
				}
			}
			w.CloseWrite()
			rest, err := s.ReceiveAll(w)
			heard = append(heard, rest...)
			if !bytes.HasPrefix(said, heard) {
				t.Errorf("heard what was not said, after %d of %d bytes", len(heard), len(said))
			}
			if err == nil && len(heard) != len(said) {
				t.Errorf("the end came after %d of %d bytes", len(heard), len(said))
			}
		})
	}
	err = loop.Run()
	k.Abandon()
	report(t, k, loop, err)
	if begun != gone {
		t.Errorf("%d conversations began, %d ended", begun, gone)
	}
	return k.Hash()
}

// report says what every run must keep to.
func report(t *testing.T, k *sim.Kernel, loop *eventloop.Loop, err error) {
	if err != nil {
		t.Errorf("the loop ended with: %v", err)
	}
	for _, f := range k.Faults() {
		t.Error(f)
	}
	if n := k.OpenDescriptors(); n != 0 {
		t.Errorf("%d descriptors were left open", n)
	}
	if n := loop.Memory(); n != 0 {
		t.Errorf("%d bytes of output were not given back", n)
	}
	if t.Failed() {
		t.Logf("luck: %+v, buffer %d", k.Luck, k.Buffer)
	}
}
