package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/bench/h2"
	"github.com/bobbin-http/bobbin/bench/rivals"
	"github.com/bobbin-http/bobbin/bench/ws"
)

// hold opens connections, asks once over each, and then leaves them idle, like most
// connections of a server. It reports on out when all are open, keeps them until in ends,
// and returns how many the server kept.
// With a configuration for TLS they are encrypted.
func hold(ctx context.Context, to netip.AddrPort, config *tls.Config, ask asking, connections int, in io.Reader, out io.Writer) (o Outcome, err error) {
	held := make([]int, 0, connections)
	defer func() {
		for _, fd := range held {
			unix.Close(fd)
		}
	}()
	buffer := make([]byte, 64<<10)
	for range connections {
		if ctx.Err() != nil {
			return o, ctx.Err()
		}
		fd, err := dial(to)
		if err != nil {
			return o, fmt.Errorf("connection %d: %w", len(held)+1, err)
		}
		held = append(held, fd)
		n := line{fd: fd}
		if config != nil {
			n.tls = tls.Client(socket{fd: fd}, config)
		}
		if err := ask(&n, buffer); err != nil {
			return o, fmt.Errorf("connection %d: %w", len(held), err)
		}
		o.Requests++
	}
	fmt.Fprintln(out, holding)
	io.Copy(io.Discard, in)
	for _, fd := range held {
		if open(fd, buffer) {
			o.Open++
		}
	}
	return o, nil
}

// open reports whether the server has kept a connection. Over HTTP/2 some frames may have
// come since the answer.
func open(fd int, buffer []byte) bool {
	for {
		n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_DONTWAIT)
		if err != nil || n == 0 {
			return err == unix.EAGAIN
		}
	}
}

// holding is the line that reports that all are open.
const holding = "holding"

// An asking asks a server once, over a socket that waits, and waits for the answer. Over
// TLS it makes the handshake first. The buffer is for what comes.
type asking func(n *line, buffer []byte) error

// asking returns how a job asks.
func (j Job) asking() asking {
	switch {
	case j.HTTP2 != nil:
		return func(n *line, _ []byte) error { return n.askHTTP2(*j.HTTP2) }
	case j.WebSocket != nil:
		return func(n *line, _ []byte) error { return n.say(j.To, j.WebSocket.Size) }
	}
	return func(n *line, buffer []byte) error { return n.ask([]byte(j.Request), buffer) }
}

// A wire is a line as a Reader and Writer.
type wire struct{ *line }

func (w wire) Read(p []byte) (int, error)  { return w.read(p) }
func (w wire) Write(p []byte) (int, error) { return len(p), w.write(p) }

// askHTTP2 makes one request over HTTP/2.
func (n *line) askHTTP2(r h2.Request) error {
	c, err := h2.Open(wire{n})
	if err != nil {
		return err
	}
	answers, err := c.Ask(r)
	if err == nil && answers[0].Status != 200 {
		err = fmt.Errorf("the answer has the status %d", answers[0].Status)
	}
	return err
}

// say opens a WebSocket, and waits for one message to come back.
func (n *line) say(address string, size int) error {
	if err := ws.Open(wire{n}, address, rivals.EchoPath, nil); err != nil {
		return err
	}
	if err := n.write(ws.FromClient(ws.Message(size))); err != nil {
		return err
	}
	_, _, err := ws.Read(wire{n})
	return err
}

// ask makes one request of HTTP/1.1.
func (n *line) ask(request, buffer []byte) error {
	if err := n.write(request); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	for {
		got, err := n.read(buffer)
		if err == io.EOF {
			return errGone
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		done, err := n.answer.feed(buffer[:got])
		if err != nil || done {
			return err
		}
	}
}
