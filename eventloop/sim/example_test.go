package sim_test

import (
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// patient closes a connection that is silent for an hour.
type patient struct{}

func (patient) OnData(c *eventloop.Conn, p []byte) int { return len(p) }
func (patient) OnEOF(c *eventloop.Conn)                { c.Close() }
func (patient) OnTimeout(c *eventloop.Conn)            { c.Write([]byte("goodbye")); c.Close() }
func (patient) OnShutdown(c *eventloop.Conn)           { c.Close() }
func (patient) OnClose(c *eventloop.Conn, _ error)     {}

// A test of a deadline: the hour passes at once.
func ExampleNew() {
	kernel := sim.New(1) // the seed decides the whole run
	loop, err := eventloop.New(eventloop.Config{Kernel: kernel})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := loop.Listen(bobbin.Address{}, bobbin.ListenOptions{}, func(c *eventloop.Conn) eventloop.Protocol {
		c.SetDeadline(time.Hour)
		return patient{}
	}); err != nil {
		fmt.Println(err)
		return
	}
	kernel.Go(func(s *sim.Script) {
		defer loop.Stop()
		wire, err := kernel.Dial()
		if err != nil {
			fmt.Println(err)
			return
		}
		before := kernel.Now()
		answer, err := s.ReceiveAll(wire)
		fmt.Println(string(answer), err, kernel.Now().Sub(before).Round(time.Minute))
	})
	if err := loop.Run(); err != nil {
		fmt.Println(err)
	}
	// Output: goodbye <nil> 1h0m0s
}
