// Echo is the smallest protocol there is: it says what it hears. It shows what
// an event loop asks of a protocol, and what it does by itself: a client that
// sends without reading is heard no further until it reads.
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
	listener, err := loop.Listen(at, bobbin.ListenOptions{}, func(*eventloop.Conn) eventloop.Protocol { return echo{} })
	if err != nil {
		log.Fatal(err)
	}
	loop.OnSignal(func(os.Signal) { loop.Stop() }, os.Interrupt)
	fmt.Printf("say something: nc 127.0.0.1 %d\n", listener.Addr().IP.Port())
	if err := loop.Run(); err != nil {
		log.Fatal(err)
	}
}

// echo has no state: what it is told is all there is to say.
type echo struct{}

const patience = time.Minute

func (echo) OnData(c *eventloop.Conn, p []byte) int {
	c.Write(p)
	c.SetDeadline(patience)
	return len(p)
}

func (echo) OnEOF(c *eventloop.Conn)            { c.Close() }
func (echo) OnTimeout(c *eventloop.Conn)        { c.Close() }
func (echo) OnShutdown(c *eventloop.Conn)       { c.Close() }
func (echo) OnClose(c *eventloop.Conn, _ error) {}
