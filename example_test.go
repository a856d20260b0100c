package bobbin_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/bobbin-http/bobbin"
)

// The smallest loop: it takes one connection, and sends back what comes first.
func ExampleOpen() {
	kernel, err := bobbin.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Shut()
	at := bobbin.Address{IP: netip.MustParseAddrPort("127.0.0.1:0")}
	listener, bound, err := kernel.Listen(at, bobbin.ListenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer kernel.Close(listener)
	if err := kernel.Watch(listener); err != nil {
		fmt.Println(err)
		return
	}
	answer := make(chan string)
	go sayHello(bound.IP.String(), answer)

	conn, buffer := -1, make([]byte, 100)
	for events := make([]bobbin.Event, 8); ; {
		n, err := kernel.Wait(events, bobbin.Forever)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, e := range events[:n] {
			switch e.FD {
			case listener:
				fd, _, err := kernel.Accept(listener)
				if errors.Is(err, bobbin.ErrNotNow) { // readiness is a hint, and the call has the truth
					continue
				}
				if err != nil || kernel.Watch(fd) != nil {
					fmt.Println("no connection:", err)
					return
				}
				conn = fd
			case conn:
				n, _ := kernel.Read(conn, buffer)
				if n == 0 {
					continue
				}
				kernel.Write(conn, buffer[:n], false)
				kernel.Close(conn)
				fmt.Println(<-answer)
				return
			}
		}
	}
	// Output: hello
}

// sayHello says hello, and passes on what it is answered.
func sayHello(address string, answer chan<- string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		answer <- err.Error()
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "hello")
	p := make([]byte, 100)
	n, _ := conn.Read(p)
	answer <- string(p[:n])
}
