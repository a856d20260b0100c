package http

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// An addressKernel counts how often it is asked for the address of a connection.
type addressKernel struct {
	*sim.Kernel
	asked int
}

func (k *addressKernel) LocalAddr(fd int) netip.AddrPort {
	k.asked++
	return k.Kernel.LocalAddr(fd)
}

// TestTheKernelIsAskedOnceForAnAddress has handlers of all kinds ask for the address at which
// their requests have come, on one connection.
func TestTheKernelIsAskedOnceForAnAddress(t *testing.T) {
	tells := func(w *Response, r *Request) error { return w.Text(r.LocalAddr().String()) }
	blocks := Blocking(1, tells)
	k := sim.New(1)
	counts := &addressKernel{Kernel: k}
	heard := map[string]int{}
	handler := func(w *Response, r *Request) error {
		if r.Path() == "/blocking" {
			return blocks(w, r)
		}
		return tells(w, r)
	}
	err := stage(t, k, Config{Handler: handler, Loop: eventloop.Config{Kernel: counts}}, func(_ *Server, c *sim.Script, w *sim.Wire) {
		for _, path := range []string{"/blocking", "/", "/blocking", "/blocking"} {
			c.Send(w, []byte("GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"))
			c.Sleep(time.Second)
			p, _ := c.Receive(w, nil, 10_000)
			_, body, _ := strings.Cut(string(p), "\r\n\r\n")
			heard[body]++
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
	if len(heard) != 1 || counts.asked != 1 {
		t.Errorf("the kernel was asked %d times, and said %v", counts.asked, heard)
	}
}

// TestAHijackedConnectionKeepsItsAddress has handlers ask for it when the connection has left.
func TestAHijackedConnectionKeepsItsAddress(t *testing.T) {
	handler := func(w *Response, r *Request) error {
		before := r.LocalAddr()
		taken, err := w.Hijack()
		if err != nil {
			return err
		}
		if after := r.LocalAddr(); after != before || !after.IsValid() {
			t.Errorf("it was %v, and is %v", before, after)
		}
		return taken.Conn.Close()
	}
	for name, h := range map[string]Handler{"streaming": Streaming(handler), "blocking": Blocking(1, handler)} {
		t.Run(name, func(t *testing.T) {
			if err := stage(t, sim.New(1), Config{Handler: h}, func(_ *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
				c.ReceiveAll(w)
				w.Close()
				c.Sleep(time.Minute)
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
