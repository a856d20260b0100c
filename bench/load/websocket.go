package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/bench/rivals"
	"github.com/bobbin-http/bobbin/bench/ws"
)

// A talk is a WebSocket whose messages are all the same. What arrives is compared with what
// must arrive, byte for byte, whatever the pieces are.
type talk struct {
	fd      int
	unsent  int // bytes of frames that are due and not sent
	sentTo  int // the offset in a frame at which the next byte is sent
	readTo  int // the same for what comes
	watched bool
	began   time.Duration // when the last message was sent
}

// A talkers is a set of them, with the bytes of all their frames.
type talkers struct {
	poller *poller
	all    []talk
	there  int    // bytes of a frame to the server
	out    []byte // such frames, one after the other
	back   int    // bytes of a frame from the server
	want   []byte // such frames, at least as long as in
	in     []byte

	began     time.Time
	latencies histogram
	outcome   Outcome
}

// openTalkers opens WebSockets. Their frames have messages of so many bytes, of which
// atOnce are sent together.
func openTalkers(ctx context.Context, to netip.AddrPort, path string, n, size, atOnce int) (t *talkers, err error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	message := ws.Message(size)
	there, back := ws.FromClient(message), ws.FromServer(message)
	in := make([]byte, 256<<10)
	t = &talkers{
		poller: p, in: in,
		there: len(there), out: bytes.Repeat(there, atOnce+1),
		back: len(back), want: bytes.Repeat(back, len(in)/len(back)+2),
	}
	for i := range n {
		err := ctx.Err()
		if err == nil {
			err = t.open(to, path)
		}
		if err != nil {
			t.close()
			return nil, fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return t, nil
}

// open adds a connection.
func (t *talkers) open(to netip.AddrPort, path string) error {
	fd, err := dial(to)
	if err != nil {
		return err
	}
	t.all = append(t.all, talk{fd: fd})
	if err := ws.Open(socket{fd: fd}, to.String(), path, nil); err != nil {
		return err
	}
	unix.SetNonblock(fd, true)
	return t.poller.add(fd, len(t.all)-1)
}

func (t *talkers) close() {
	for i := range t.all {
		unix.Close(t.all[i].fd)
	}
	t.poller.close()
}

// send sends so many further messages of a connection, now or when there is room.
func (t *talkers) send(i, messages int) error {
	c := &t.all[i]
	c.unsent += messages * t.there
	for c.unsent > 0 {
		p := t.out[c.sentTo:]
		n, err := unix.Write(c.fd, p[:min(len(p), c.unsent)])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return t.watch(i, true)
		case err != nil:
			return fmt.Errorf("write: %w", err)
		}
		c.unsent -= n
		c.sentTo = (c.sentTo + n) % t.there
	}
	return t.watch(i, false)
}

func (t *talkers) watch(i int, writing bool) error {
	c := &t.all[i]
	if c.watched == writing {
		return nil
	}
	c.watched = writing
	return t.poller.watch(c.fd, i, writing)
}

var errOtherBytes = errors.New("what arrives differs from what must arrive")

// receive reads what is there, and returns how many messages have ended with it.
func (t *talkers) receive(i int) (messages int, err error) {
	c := &t.all[i]
	n, err := socket{fd: c.fd}.Read(t.in)
	switch {
	case err == errNotNow:
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read: %w", err)
	case !bytes.Equal(t.in[:n], t.want[c.readTo:c.readTo+n]):
		return 0, errOtherBytes
	}
	at := c.readTo + n
	c.readTo = at % t.back
	return at / t.back, nil
}

// start reports on out that all connections are open, and reports whether a byte of in has
// told it to go on.
func (t *talkers) start(in io.Reader, out io.Writer) bool {
	fmt.Fprintln(out, holding)
	_, err := io.ReadFull(in, make([]byte, 1))
	t.began = time.Now()
	return err == nil
}

// echo opens connections, and when it is told to start has them send messages, each of them
// atOnce together, and a further one for each that has come back, until the time is over.
func echo(ctx context.Context, to netip.AddrPort, n, size, atOnce int, lasts time.Duration, in io.Reader, out io.Writer) (Outcome, error) {
	t, err := openTalkers(ctx, to, rivals.EchoPath, n, size, atOnce)
	if err != nil {
		return Outcome{}, err
	}
	defer t.close()
	if !t.start(in, out) {
		return t.outcome, nil
	}
	for i := range t.all {
		if err := t.send(i, atOnce); err != nil {
			return t.outcome, err
		}
	}
	for now := time.Duration(0); now < lasts && ctx.Err() == nil; {
		ready, err := t.poller.wait(100)
		if err != nil {
			return t.outcome, err
		}
		now = time.Since(t.began)
		for _, e := range ready {
			if err := t.again(int(e.Fd), e.Events, atOnce == 1); err != nil {
				return t.outcome, err
			}
		}
	}
	t.outcome.Seconds = time.Since(t.began).Seconds()
	t.latencies.tell(&t.outcome)
	return t.outcome, ctx.Err()
}

// again sends a message for each that has come back. Latencies are those of connections
// with one message.
func (t *talkers) again(i int, events uint32, timed bool) error {
	messages := 0
	if events&^unix.EPOLLOUT != 0 {
		var err error
		if messages, err = t.receive(i); err != nil {
			return err
		}
		t.outcome.Requests += int64(messages)
	}
	if timed && messages > 0 {
		now := time.Since(t.began)
		t.latencies.add(now - t.all[i].began)
		t.all[i].began = now
	}
	if messages == 0 && events&unix.EPOLLOUT == 0 {
		return nil
	}
	return t.send(i, messages)
}
