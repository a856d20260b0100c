// Echo sends back what it receives. It shows the five calls that a protocol
// gets from its loop, and what the loop does by itself: it stops reading from a
// client that sends without reading, until the client reads.
package main

import (
	"fmt"
	"log"
	"net/netip"
	"os"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
)

func main() {
	loop, err := eventloop.New(eventloop.Config{})
	if err != nil {
		log.Fatal(err)
	}
	at := bobbin.Address{IP: netip.MustParseAddrPort("127.0.0.1:7007")}
	listener, err := loop.Listen(at, bobbin.ListenOptions{}, begin)
	if err != nil {
		log.Fatal(err)
	}
	loop.OnSignal(func(os.Signal) { loop.Stop() }, os.Interrupt)
	fmt.Printf("say something: nc 127.0.0.1 %d\n", listener.Addr().IP.Port())
	if err := loop.Run(); err != nil {
		log.Fatal(err)
	}
}

// idle is how long a client stays connected that neither sends nor takes its echo.
const idle = time.Minute

func begin(c *eventloop.Conn) eventloop.Protocol {
	c.SetDeadline(idle)
	return echo{}
}

// An echo needs no state: it sends the bytes that it is shown.
type echo struct{}

func (echo) OnData(c *eventloop.Conn, p []byte) int {
	c.Write(p)
	c.SetDeadline(idle)
	return len(p)
}

func (echo) OnEOF(c *eventloop.Conn)            { c.Close() }
func (echo) OnTimeout(c *eventloop.Conn)        { c.Abort(nil) }
func (echo) OnShutdown(c *eventloop.Conn)       { c.Close() }
func (echo) OnClose(c *eventloop.Conn, _ error) {}
