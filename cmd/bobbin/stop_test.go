package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	nethttp "net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A crowd is clients of several kinds that ask one after the other until the program
// has ended. What counts is what happens to a client that has connected.
type crowd struct {
	answered atomic.Int64
	ended    atomic.Int64 // in order, an idle connection that had just been used again
	mu       sync.Mutex
	failed   []string
}

func (c *crowd) fail(kind string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, fmt.Sprintf("%s: %v", kind, err))
}

func (c *crowd) failures() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.failed)
}

// visit has clients go to an address, until ctx is over or one cannot connect.
func (c *crowd) visit(ctx context.Context, to string) (wait func()) {
	var all sync.WaitGroup
	client := func(kind string, talk func(conn net.Conn) error) {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := new(net.Dialer).DialContext(ctx, "tcp", to)
				if err != nil {
					return // refused, or dropped until the program had ended
				}
				conn.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
				if err := talk(conn); err != nil {
					c.fail(kind, err)
				}
				conn.Close()
			}
		})
	}
	ask := func(conn net.Conn, r *bufio.Reader, more string) (close bool, err error) {
		if _, err := io.WriteString(conn, "GET /bench HTTP/1.1\r\nHost: localhost\r\n"+more+"\r\n"); err != nil {
			return false, err
		}
		if _, err := r.Peek(1); err != nil {
			return false, err
		}
		a, err := nethttp.ReadResponse(r, nil)
		if err != nil {
			return false, err
		}
		body, err := io.ReadAll(a.Body)
		if err == nil && (a.StatusCode != 200 || len(body) == 0) {
			err = fmt.Errorf("status %d, %d bytes", a.StatusCode, len(body))
		}
		if err == nil {
			c.answered.Add(1)
		}
		return a.Close, err
	}
	for range 12 {
		client("one request", func(conn net.Conn) error {
			_, err := ask(conn, bufio.NewReader(conn), "Connection: close\r\n")
			return err
		})
	}
	for range 4 {
		client("connected before", func(conn net.Conn) error {
			<-time.After(time.Duration(rand.IntN(900)) * time.Millisecond)
			_, err := ask(conn, bufio.NewReader(conn), "Connection: close\r\n")
			return err
		})
		client("again and again", func(conn net.Conn) error {
			r := bufio.NewReader(conn)
			for first := true; ; first = false {
				closes, err := ask(conn, r, "")
				if err == io.EOF && !first {
					c.ended.Add(1)
					return nil
				}
				if err != nil || closes {
					return err
				}
				if rand.IntN(10) == 0 {
					<-time.After(time.Duration(rand.IntN(100)) * time.Millisecond)
				}
			}
		})
	}
	return all.Wait
}

// canRefuse reports whether the kernel can keep new connections from a listener.
// Where it cannot, a stop resets those that come right before the close.
func canRefuse(t *testing.T) bool {
	k, err := bobbin.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Shut()
	fd, _, err := k.Listen(bobbin.Address{IP: netip.MustParseAddrPort("127.0.0.1:0")}, bobbin.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close(fd)
	return k.Refuse(fd)
}

// TestSignalsLoseNothing sends signals under load.
func TestSignalsLoseNothing(t *testing.T) {
	t.Parallel()
	perfect := canRefuse(t)
	for _, loops := range []string{"1", "4"} {
		for _, row := range []struct {
			name    string
			hangups int
		}{{"a stop", 0}, {"a stop after twenty hang-ups", 20}} {
			t.Run(row.name+" with --loops "+loops, func(t *testing.T) {
				p := start(t, "", "--loops", loops)
				ctx, cancel := context.WithCancel(t.Context())
				c := &crowd{}
				wait := c.visit(ctx, p.host())
				for c.answered.Load() < 500 && !t.Failed() {
					<-time.After(time.Millisecond)
				}
				for i := range row.hangups {
					before := c.answered.Load()
					p.signal(syscall.SIGHUP)
					p.waits("SIGHUP", i+1)
					for c.answered.Load() < before+20 {
						<-time.After(time.Millisecond)
					}
				}
				<-time.After(time.Duration(rand.IntN(200)) * time.Millisecond)
				if list := c.failures(); len(list) > 0 {
					t.Errorf("%d have failed before the stop: %.500s", len(list), strings.Join(list, "; "))
				}
				p.signal(syscall.SIGTERM)
				p.ends(exitOK)
				cancel()
				wait()
				t.Logf("%d answered, %d idle connections ended, %d failed", c.answered.Load(), c.ended.Load(), len(c.failed))
				if len(c.failed) > 0 && perfect {
					t.Errorf("%d of %d failed: %.500s", len(c.failed), c.answered.Load(), strings.Join(c.failed, "; "))
				}
			})
		}
	}
}

// TestWhatIsCutOffIsSaid has a second signal cut off downloads, and idle connections
// that do not count.
func TestWhatIsCutOffIsSaid(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"large": large}))
	for range 3 {
		c := p.dial()
		say(t, c, "GET /large?secret HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	idle := p.dial()
	say(t, idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := idle.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.signal(os.Interrupt)
	p.ends(exitCut)
	if said := p.said.String(); !strings.Contains(said, "bobbin: 3 connections were cut off: GET /large, GET /large, GET /large\n") {
		t.Errorf("it says %q", said)
	}
}

// TestTheFirstSignalSaysWhatItWaitsFor has a download, a request that is half sent, and an
// idle connection, which does not count.
func TestTheFirstSignalSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "2"} {
		p := start(t, "", "--loops", loops, "--limit", "Drain=5m", folder(t, map[string][]byte{"large": large}))
		idle := p.dial()
		say(t, idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := idle.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		download, half := p.dial(), p.dial()
		say(t, download, "GET /large?secret HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := io.ReadFull(download, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		say(t, half, "GET /half HTTP/1.1\r\n")
		// Until both are known to the server, a signal would not find them.
		probe := p.dial()
		say(t, probe, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, err := probe.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		p.signal(os.Interrupt)
		p.waits("; a second signal cuts off what is left", 1)
		said := p.said.String()
		if !strings.Contains(said, "bobbin: stopping: finishes ") || !strings.Contains(said, ", within 5m0s; ") || !strings.Contains(said, "GET /large") || strings.Contains(said, "secret") {
			t.Errorf("it says %q", said)
		}
		p.signal(os.Interrupt)
		p.ends(exitCut)
	}
	// One that has nothing to wait for says nothing.
	p := start(t, "")
	p.signal(os.Interrupt)
	p.ends(exitOK)
	if said := p.said.String(); said != "" {
		t.Errorf("it says %q", said)
	}
}
