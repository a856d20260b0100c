package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// Slow readers: does an honest one survive, and is a peer that takes nothing reset?

// rates are those of slow readers, in bytes a second.
var rates = []int{5_000, 20_000, 60_000, 120_000}

// brief makes a victim cut downloads soon after a stop, in the short form.
func (t *trial) brief() []string { return []string{"--limit", "Drain=" + pick(t, "1s", "10s")} }

func readersOnLoopback(t *trial) error {
	v, err := t.start(order{args: t.brief()})
	if err != nil {
		return err
	}
	return t.readSlowly(v, v)
}

func readersAtMTU1500(t *trial) error {
	n, err := t.network()
	if err != nil {
		return err
	}
	v, err := t.start(order{at: n, args: t.brief()})
	if err != nil {
		return err
	}
	return t.readSlowly(v, v)
}

func readersThroughHAProxy(t *trial) error {
	v, err := t.start(order{args: t.brief()})
	if err != nil {
		return err
	}
	proxy, err := t.haproxy(v)
	if err != nil {
		return err
	}
	return t.readSlowly(v, proxy)
}

// A slowReader takes a large file at a rate. It counts as alive while bytes arrive.
type slowReader struct {
	name  string
	rate  int
	taken atomic.Int64
	moved atomic.Int64 // nanoseconds from the start, of the last byte
	ended func() string
}

// silence is the longest time without bytes for a reader: curl --limit-rate takes all
// available bytes in one gulp, and is then silent for up to 101 s at 5 and 20 kB/s.
const silence = 150 * time.Second

// readSlowly lets readers request a large file from a victim, or from the proxy
// before it, for ten minutes.
func (t *trial) readSlowly(v, front *victim) error {
	c, err := t.crowd(front, 0)
	if err != nil {
		return err
	}
	defer c.leave()
	began := time.Now()
	var readers []*slowReader
	for _, rate := range rates {
		even, err := t.evenReader(c, began, rate)
		if err != nil {
			return err
		}
		curl, err := t.curlReader(front, began, rate)
		if err != nil {
			return err
		}
		readers = append(readers, even, curl)
	}
	t.wait(pick(t, 4*time.Second, 10*time.Minute))
	lasted := time.Since(began)
	for _, r := range readers {
		still := lasted - time.Duration(r.moved.Load())
		t.log("reader", "%-20s took %8d bytes of %8d, the last %5.1f s ago", r.name, r.taken.Load(), int(float64(r.rate)*lasted.Seconds()), still.Seconds())
		if how := r.ended(); how != "" {
			t.fail("%s: %s after %d bytes, %.0f s", r.name, how, r.taken.Load(), time.Duration(r.moved.Load()).Seconds())
		} else if r.taken.Load() == 0 || still > silence {
			t.fail("%s: no bytes for %.0f s", r.name, still.Seconds())
		}
	}
	c.leave()
	v.settle()
	v.stop(0, 3) // Drain cuts off the running downloads
	v.reportLog(false)
	return nil
}

// evenReader starts a reader that takes a little ten times a second.
func (t *trial) evenReader(c *crowd, began time.Time, rate int) (*slowReader, error) {
	peers := c.asks(1, get(c.victim, "/huge.bin"))
	if len(peers) == 0 {
		return nil, errors.New("a reader cannot connect")
	}
	r := &slowReader{name: fmt.Sprintf("even %d B/s", rate), rate: rate}
	var how atomic.Value
	r.ended = func() string { s, _ := how.Load().(string); return s }
	p := pace{rate: rate}
	buffer := make([]byte, rate)
	c.each(peers, 100*time.Millisecond, func(_ int, peer *peer) {
		n := p.allow(time.Since(began))
		if n == 0 || how.Load() != nil {
			return
		}
		n, err := peer.take(buffer[:n])
		switch {
		case err == errNotNow:
		case err != nil:
			how.Store(err.Error())
		case n == 0:
			how.Store("end of the answer")
		default:
			p.took(n)
			r.taken.Add(int64(n))
			r.moved.Store(int64(time.Since(began)))
		}
	})
	return r, nil
}

// curlReader starts curl --limit-rate.
func (t *trial) curlReader(v *victim, began time.Time, rate int) (*slowReader, error) {
	if _, err := exec.LookPath("curl"); err != nil {
		return nil, skipped("curl is not installed")
	}
	r := &slowReader{name: fmt.Sprintf("curl %d B/s", rate), rate: rate}
	c, err := child.Start(t.ctx, child.Command{
		Args: []string{"curl", "-sS", "-o", "-", "--limit-rate", strconv.Itoa(rate), "http://" + v.address + "/huge.bin"},
		Core: child.AnyCore,
		Stdout: writerFunc(func(p []byte) (int, error) {
			r.taken.Add(int64(len(p)))
			r.moved.Store(int64(time.Since(began)))
			return len(p), nil
		}),
	})
	if err != nil {
		return nil, err
	}
	t.atEnd(c.End)
	r.ended = func() string {
		if err := c.Died(); err != nil {
			return err.Error()
		}
		return ""
	}
	return r, nil
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// haproxy starts HAProxy before a victim.
func (t *trial) haproxy(v *victim) (*victim, error) {
	if _, err := exec.LookPath("haproxy"); err != nil {
		return nil, skipped("haproxy is not installed")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	config := filepath.Join(t.folder, "haproxy.cfg")
	err = os.WriteFile(config, fmt.Appendf(nil, `global
	maxconn 100
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 20m
	timeout server 20m
frontend front
	bind %s
	default_backend back
backend back
	server bobbin %s
`, address, v.address), 0o644)
	if err != nil {
		return nil, err
	}
	c, err := child.Start(t.ctx, child.Command{Args: []string{"haproxy", "-db", "-f", config}, Core: child.AnyCore})
	if err != nil {
		return nil, err
	}
	t.atEnd(c.End)
	front := &victim{trial: t, child: c, network: "tcp", address: address, probe: v.probe}
	good := newClient(front, front.probe)
	var last error
	_, ok := t.until(starting, func() bool {
		last = good.once(t.ctx, goodAsks(0))
		return last == nil || c.Died() != nil
	})
	if !ok || last != nil {
		return nil, fmt.Errorf("haproxy does not answer: %v %v", last, c.Died())
	}
	return front, nil
}

// takesNothing has peers request a large file and read none of it, with receive
// buffers of several sizes.
func takesNothing(t *trial) error {
	send := pick(t, 2*time.Second, 20*time.Second)
	v, err := t.start(order{args: []string{"--limit", "SendTimeout=" + send.String()}})
	if err != nil {
		return err
	}
	c, err := t.crowd(v, 0)
	if err != nil {
		return err
	}
	defer c.leave()
	// A large buffer takes more than the 128 KiB that earn nothing, and so its peer
	// may stay for two more minutes.
	rooms := []int{smallest, 0, 4 << 20}
	most := []time.Duration{send + 10*time.Second, send + 10*time.Second, send + 130*time.Second}
	if t.short {
		rooms = rooms[:2]
	}
	began := time.Now()
	for i, room := range rooms {
		c.room = room
		for _, p := range c.asks(1, get(v, "/huge.bin")) {
			var how end
			_, gone := t.until(most[i]+5*time.Second, func() bool { how = p.ended(); return how != alive })
			took := time.Since(began)
			t.log("peer", "with a buffer of %d: ended after %.1f s", room, took.Seconds())
			switch {
			case !gone:
				t.fail("a peer that takes nothing, with a buffer of %d, is still connected after %.0f s", room, took.Seconds())
			case how != reset:
				t.fail("a peer that takes nothing, with a buffer of %d, was closed and not reset", room)
			case took > most[i] && !t.short:
				t.fail("a peer that takes nothing, with a buffer of %d, was reset after %.1f s", room, took.Seconds())
			}
		}
		began = time.Now()
	}
	c.leave()
	v.settle()
	v.stop(0)
	v.reportLog(false)
	return nil
}

// freePort returns a port without a listener.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// vanished lets a peer that took a part of a file, and so earned time, vanish: its
// network is cut.
func vanished(t *trial) error {
	if t.short {
		return skipped("takes two minutes")
	}
	n, err := t.network()
	if err != nil {
		return err
	}
	v, err := t.start(order{at: n})
	if err != nil {
		return err
	}
	c, err := t.crowd(v, 0)
	if err != nil {
		return err
	}
	defer c.leave()
	const enough = 1 << 20 // for all the time that can be earned
	taken, buffer := 0, make([]byte, 64<<10)
	for _, p := range c.asks(1, get(v, "/huge.bin")) {
		t.until(10*time.Second, func() bool {
			k, _ := p.take(buffer)
			taken += k
			return taken >= enough
		})
	}
	if err := n.cut(); err != nil {
		return err
	}
	const most = 150 * time.Second                                                                  // SendTimeout, ten seconds, and two earned minutes
	took, gone := t.until(most+5*time.Second, func() bool { return v.descriptors() <= v.before+1 }) // one for the file
	t.log("peer", "took %d bytes, and was closed %.0f s after it had vanished", taken, took.Seconds())
	if !gone {
		t.fail("a vanished peer is still connected after %.0f s", took.Seconds())
	}
	v.stop(0)
	v.reportLog(false)
	return nil
}
