package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// An openLoop sends requests at a fixed rate, whether or not the answers come: the
// k-th is due k/rate seconds after the start. Each connection has every n-th of them.
// If its last answer is missing when the next request is due, that one is sent later,
// but its latency counts from when it was due. A client that stopped the clock
// meanwhile would omit exactly those requests that a stalled server delays
// (coordinated omission).
//
// It polls its sockets all the time instead of sleeping, because a sleeper is woken
// late; so it needs a core to itself.
type openLoop struct {
	to      netip.AddrPort
	request []byte
	rate    float64
	lasts   time.Duration
	grace   time.Duration // for answers, after the last request is due
	tls     *tls.Config   // nil without TLS

	began     time.Time
	total     int // all requests of the run
	next      int // the next request
	lines     []line
	watched   []unix.PollFd // the same connections, for poll
	waiting   int           // number of waiting lines
	in        []byte
	latencies histogram
	lateness  histogram
	outcome   Outcome
}

// A line is a connection with its requests.
type line struct {
	fd      int
	tls     *tls.Conn // over fd, or nil
	k       int       // the current request, or the next one
	waiting bool      // for an answer
	answer  answer
}

var errGone = errors.New("the server closes connections instead of answering")

// run sends all requests and reads all answers that come in time.
func (l *openLoop) run(ctx context.Context, connections int) (Outcome, error) {
	l.total = int(l.rate * l.lasts.Seconds())
	l.in = make([]byte, 64<<10)
	l.lines = make([]line, connections)
	l.watched = make([]unix.PollFd, connections)
	defer func() {
		for i := range l.lines {
			if l.lines[i].fd > 0 {
				unix.Close(l.lines[i].fd)
			}
		}
	}()
	for i := range l.lines {
		l.lines[i].k = i
		if err := l.open(i); err != nil {
			return l.outcome, err
		}
	}
	l.began = time.Now()
	last := l.due(l.total)
	for l.next < l.total || l.waiting > 0 {
		now := time.Since(l.began)
		if now > last+l.grace || ctx.Err() != nil {
			break
		}
		if err := l.sendDue(now); err != nil {
			return l.outcome, err
		}
		if err := l.receive(l.idle(now)); err != nil {
			return l.outcome, err
		}
	}
	l.outcome.Seconds = min(time.Since(l.began), last).Seconds()
	l.missing()
	l.latencies.tell(&l.outcome)
	l.outcome.Late = l.lateness.quantile(0.99)
	return l.outcome, ctx.Err()
}

// due returns when the k-th request is due, from the start.
func (l *openLoop) due(k int) time.Duration {
	return time.Duration(float64(k) / l.rate * float64(time.Second))
}

// idle returns the milliseconds until the next request is due, less one because the
// kernel is late. At any rate worth measuring it is 0.
func (l *openLoop) idle(now time.Duration) int {
	if l.next >= l.total {
		return 1
	}
	return max(0, int((l.due(l.next)-now)/time.Millisecond)-1)
}

// sendDue sends the requests that are due on free lines.
func (l *openLoop) sendDue(now time.Duration) error {
	for ; l.next < l.total && l.due(l.next) <= now; l.next++ {
		i := l.next % len(l.lines)
		if n := &l.lines[i]; n.waiting || n.k != l.next {
			continue // the line is busy; see receive
		}
		l.lateness.add(now - l.due(l.next))
		if err := l.send(i); err != nil {
			return err
		}
	}
	return nil
}

func (l *openLoop) send(i int) error {
	n := &l.lines[i]
	for range 3 {
		if err := n.write(l.request); err == nil {
			n.waiting = true
			l.waiting++
			return nil
		}
		// It was closed while it was idle. That happens, but never three times in a
		// row.
		if err := l.open(i); err != nil {
			return err
		}
	}
	return errGone
}

func (n *line) write(p []byte) (err error) {
	if n.tls != nil {
		_, err = n.tls.Write(p)
	} else {
		_, err = unix.Write(n.fd, p)
	}
	return err
}

// read reads available bytes, and returns errNotNow if there are none.
func (n *line) read(p []byte) (int, error) {
	if n.tls != nil {
		return n.tls.Read(p)
	}
	return socket{fd: n.fd}.Read(p)
}

// open gives a line a new connection.
func (l *openLoop) open(i int) error {
	n := &l.lines[i]
	if n.fd > 0 {
		unix.Close(n.fd)
	}
	fd, err := dial(l.to)
	if err != nil {
		n.fd = 0
		return err
	}
	n.fd, n.tls, n.answer = fd, nil, answer{head: n.answer.head[:0]}
	if l.tls != nil {
		n.tls = tls.Client(socket{fd: fd}, l.tls)
		if err := n.tls.Handshake(); err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
	}
	unix.SetNonblock(fd, true)
	l.watched[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	return nil
}

// receive reads answers, and sends requests that became due meanwhile.
func (l *openLoop) receive(milliseconds int) error {
	ready, err := unix.Poll(l.watched, milliseconds)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("poll: %w", err)
	}
	for i := 0; i < len(l.watched) && ready > 0; i++ {
		if l.watched[i].Revents == 0 {
			continue
		}
		ready--
		done, err := l.read(i)
		if err != nil {
			return err
		}
		n := &l.lines[i]
		if !done {
			continue
		}
		now := time.Since(l.began)
		l.latencies.add(now - l.due(n.k))
		l.outcome.Requests++
		n.waiting = false
		l.waiting--
		n.k += len(l.lines)
		if !n.answer.ok {
			l.outcome.fail(OtherStatus, 1)
		}
		if n.answer.close {
			if err := l.open(i); err != nil {
				return err
			}
		}
		if n.k < l.next { // it became due while the line was busy
			if err := l.send(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads available bytes of a line, and reports whether its answer is complete.
func (l *openLoop) read(i int) (done bool, err error) {
	n := &l.lines[i]
	for {
		got, err := n.read(l.in)
		if err == errNotNow {
			return false, nil
		}
		if err != nil || got == 0 {
			break
		}
		done, err := n.answer.feed(l.in[:got])
		if done || err != nil || n.tls == nil {
			return done, err
		}
		// crypto/tls may hold more bytes, which poll does not see.
	}
	// Closed. If an answer is missing, the request is sent once more.
	if l.outcome.Failed[lost] > l.outcome.Requests/2+100 {
		return false, errGone
	}
	if err := l.open(i); err != nil {
		return false, err
	}
	if n.waiting {
		l.outcome.fail(lost, 1)
		n.waiting = false
		l.waiting--
		return false, l.send(i)
	}
	return false, nil
}

const lost = "connections closed without an answer"

// missing counts the requests without an answer. Their latency is unknown, but at
// least the time until now.
func (l *openLoop) missing() {
	now := time.Since(l.began)
	for i := range l.lines {
		for k := l.lines[i].k; k < l.next; k += len(l.lines) {
			l.latencies.add(now - l.due(k))
			l.outcome.fail("requests not answered in time", 1)
		}
	}
	if left := l.total - l.next; left > 0 {
		l.outcome.fail("requests not sent", int64(left))
	}
}
