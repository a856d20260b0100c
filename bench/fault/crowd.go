package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Attackers are bare sockets without a poller, so that one that reads nothing costs
// this process nothing, whatever the server sends.

// A peer is one connection of an attacker.
type peer struct {
	fd     int
	opened time.Time
}

// dialPeer connects from an address of the loopback. room is the size of the receive
// buffer, or 0 for the kernel's default.
func dialPeer(from, to netip.AddrPort, room int) (*peer, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(fd)
	if room > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	// No call may hold a thread for long.
	patience := unix.NsecToTimeval(int64(10 * time.Second))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &patience)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if from.IsValid() {
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.Addr().As4()}); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("bind %v: %w", from.Addr(), err)
		}
	}
	for {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
		if err != unix.EINTR {
			break
		}
	}
	if err != nil && err != unix.EISCONN {
		unix.Close(fd)
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &peer{fd: fd, opened: time.Now()}, nil
}

// send sends all of b.
func (p *peer) send(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(p.fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// errNotNow means that no byte has arrived.
var errNotNow = errors.New("not now")

// take reads the bytes that have arrived, without waiting. At the end it returns 0.
func (p *peer) take(b []byte) (int, error) {
	for {
		n, _, err := unix.Recvfrom(p.fd, b, unix.MSG_DONTWAIT)
		switch err {
		case nil:
			return n, nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, errNotNow
		default:
			return 0, err
		}
	}
}

// end is how a connection has ended.
type end int

const (
	alive end = iota
	closed
	reset
)

// ended returns how the server has ended the connection, if it has. Unread bytes hide
// a FIN from read, but not from poll.
func (p *peer) ended() end {
	watched := []unix.PollFd{{Fd: int32(p.fd), Events: readHangup}}
	if n, err := unix.Poll(watched, 0); err != nil || n == 0 {
		return alive
	}
	switch {
	case watched[0].Revents&unix.POLLERR != 0:
		return reset
	case watched[0].Revents&(unix.POLLHUP|readHangup) != 0:
		return closed
	}
	return alive
}

func (p *peer) close() { unix.Close(p.fd) }

// A crowd is the attackers of one victim, from one address.
type crowd struct {
	trial  *trial
	victim *victim
	ctx    context.Context
	from   netip.AddrPort
	to     netip.AddrPort
	room   int // of receive buffers

	cancel context.CancelFunc
	tasks  sync.WaitGroup
	mu     sync.Mutex
	peers  []*peer
	failed atomic.Int64 // attackers that could not connect or send
}

// smallest makes the kernel choose its smallest receive buffer, so that an unread
// answer stays with the server.
const smallest = 1

func (t *trial) crowd(v *victim, room int) (*crowd, error) {
	address, err := net.ResolveTCPAddr("tcp", v.address)
	if err != nil {
		return nil, err
	}
	c := &crowd{trial: t, victim: v, room: room, to: address.AddrPort()}
	c.ctx, c.cancel = context.WithCancel(t.ctx)
	return c, nil
}

// open connects n attackers, a few at a time, and calls begin for each. It takes a
// second for 1,600: on a machine with two cores, opening them all at once would cost
// the probe more than the attack.
func (c *crowd) open(n int, begin func(i int, p *peer) error) []*peer {
	const atOnce, pause = 16, 10 * time.Millisecond
	opened := make([]*peer, n)
	next := atomic.Int64{}
	var done sync.WaitGroup
	for range min(atOnce, n) {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && c.ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				opened[i] = c.one(i, begin)
				time.Sleep(pause)
			}
		})
	}
	done.Wait()
	var all []*peer
	for _, p := range opened {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

// one connects one attacker, or returns nil.
func (c *crowd) one(i int, begin func(i int, p *peer) error) *peer {
	p, err := dialPeer(c.from, c.to, c.room)
	if err != nil {
		c.failed.Add(1)
		return nil
	}
	c.mu.Lock()
	c.peers = append(c.peers, p)
	c.mu.Unlock()
	if begin != nil && begin(i, p) != nil {
		c.failed.Add(1)
	}
	return p
}

// asks connects n attackers that all send the same request and read nothing.
func (c *crowd) asks(n int, request []byte) []*peer {
	return c.open(n, func(_ int, p *peer) error { return p.send(request) })
}

// each calls f for one attacker after the other until the crowd leaves, once per
// round for each.
func (c *crowd) each(peers []*peer, round time.Duration, f func(i int, p *peer)) {
	if len(peers) == 0 {
		return
	}
	const tick = 10 * time.Millisecond
	c.tasks.Go(func() {
		began, turns := time.Now(), 0
		for c.ctx.Err() == nil {
			due := int(float64(time.Since(began)) / float64(round) * float64(len(peers)))
			for ; turns < due; turns++ {
				f(turns%len(peers), peers[turns%len(peers)])
			}
			time.Sleep(tick)
		}
	})
}

// count returns the number of peers that the server has not ended.
func count(peers []*peer) (n int) {
	for _, p := range peers {
		if p.ended() == alive {
			n++
		}
	}
	return n
}

// answered waits until peers receive the beginning of an answer, at most for d, and
// returns their number.
func (c *crowd) answered(peers []*peer, d time.Duration) (n int) {
	c.trial.until(d, func() bool {
		n = 0
		for _, p := range peers {
			watched := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
			if ready, err := unix.Poll(watched, 0); err == nil && ready > 0 {
				n++
			}
		}
		return n == len(peers)
	})
	c.trial.log("attackers", "%d of %d have received the beginning of an answer", n, len(peers))
	return n
}

// leave closes all connections.
func (c *crowd) leave() {
	c.cancel()
	c.tasks.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.peers {
		p.close()
	}
	c.peers = nil
	if n := c.failed.Swap(0); n > 0 {
		c.trial.log("attackers", "%d could not connect or send", n)
	}
}
