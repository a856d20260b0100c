package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"

	"golang.org/x/sys/unix"
)

// hold opens connections, makes one request over each, and then leaves them idle,
// like most connections of a server. It reports on out when all are open, keeps them
// until in ends, and returns how many the server kept.
// With a configuration for TLS they are encrypted.
func hold(ctx context.Context, to netip.AddrPort, config *tls.Config, request []byte, connections int, in io.Reader, out io.Writer) (o Outcome, err error) {
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
		if err := n.ask(request, buffer); err != nil {
			return o, fmt.Errorf("connection %d: %w", len(held), err)
		}
		o.Requests++
	}
	fmt.Fprintln(out, holding)
	io.Copy(io.Discard, in)
	for _, fd := range held {
		_, _, err := unix.Recvfrom(fd, buffer[:1], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if err == unix.EAGAIN {
			o.Open++
		}
	}
	return o, nil
}

// holding is the line that reports that all are open.
const holding = "holding"

// ask sends one request over a socket that waits, and waits for its answer. Over TLS
// it makes the handshake first.
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
