package eventloop_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
)

// shout is a protocol without a state: it answers in capital letters.
type shout struct{}

func (shout) OnData(c *eventloop.Conn, p []byte) int {
	c.Write([]byte(strings.ToUpper(string(p))))
	return len(p)
}

func (shout) OnEOF(c *eventloop.Conn)            { c.Close() } // once the output is written
func (shout) OnTimeout(c *eventloop.Conn)        { c.Abort(nil) }
func (shout) OnShutdown(c *eventloop.Conn)       { c.Close() }
func (shout) OnClose(c *eventloop.Conn, _ error) {}

// A server for a protocol of one's own: the loop reads, writes and closes, and the
// protocol sees bytes.
func ExampleNew() {
	loop, err := eventloop.New(eventloop.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	at := bobbin.Address{IP: netip.MustParseAddrPort("127.0.0.1:0")}
	listener, err := loop.Listen(at, bobbin.ListenOptions{}, func(c *eventloop.Conn) eventloop.Protocol {
		c.SetDeadline(time.Minute) // every wait has a deadline
		return shout{}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		defer loop.Stop() // any goroutine may call it
		conn, err := net.Dial("tcp", listener.Addr().IP.String())
		if err != nil {
			fmt.Println(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "hello, loop")
		conn.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(conn)
		fmt.Println(string(answer), err)
	}()
	if err := loop.Run(); err != nil {
		fmt.Println(err)
	}
	// Output: HELLO, LOOP <nil>
}

// Other goroutines hand functions to the loop. Post calls them there, in order.
func ExampleLoop_Post() {
	loop, err := eventloop.New(eventloop.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	visits := 0 // belongs to the loop, and needs no lock
	go func() {
		for range 3 {
			loop.Post(func() { visits++ })
		}
		loop.Post(func() {
			fmt.Println(visits, "visits")
			loop.Stop()
		})
	}()
	if err := loop.Run(); err != nil {
		fmt.Println(err)
	}
	// Output: 3 visits
}
