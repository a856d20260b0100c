package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// clientTLS is what our own generators encrypt by. The key exchange is the one
// that every server has, since some would choose a dearer one for being newer.
func clientTLS() *tls.Config {
	return &tls.Config{
		ServerName:         "localhost",
		InsecureSkipVerify: true, // the certificate was made a minute ago, by us
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519},
	}
}

// errNotResumed is a server that was shown a ticket of its own, each time, and
// wanted none.
var errNotResumed = errors.New("it resumes nothing: each handshake is a full one, in spite of its ticket")

// handshakes opens TLS connections, asks for one thing over each, and closes
// them, from some clients at once, each waiting for its own. Either all
// handshakes are full ones, or each client resumes by the ticket that its last
// connection was given; then only those count that were resumed.
func handshakes(ctx context.Context, to netip.AddrPort, request []byte, at int, lasts time.Duration, resume bool) (Outcome, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	// A socket knows the deadline, too, and may be the first to notice it.
	over := func() bool { return ctx.Err() != nil || time.Since(began) >= lasts }
	var mu sync.Mutex
	var o Outcome
	var h histogram
	var first error
	full := 0 // although there was a ticket
	var all sync.WaitGroup
	for range at {
		all.Go(func() {
			config := clientTLS()
			if resume {
				config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			for before := 0; !over(); {
				failed := false
				took, resumed, err := handshake(ctx, to, request, config)
				mu.Lock()
				switch {
				case err == nil && resumed == resume:
					o.Requests++
					h.add(took)
				case err == nil:
					if before > 0 { // the first has no ticket yet
						full++
					}
				case !over():
					o.fail("handshakes failed: "+reason(err), 1)
					if first == nil {
						first = err
					}
					failed = true
				}
				mu.Unlock()
				if failed { // such as for want of ports: it will not be better at once
					time.Sleep(10 * time.Millisecond)
				} else {
					before++
				}
			}
		})
	}
	all.Wait()
	o.Seconds = time.Since(began).Seconds()
	h.tell(&o)
	switch {
	case o.Requests == 0 && full > 0:
		return o, errNotResumed
	case o.Requests == 0:
		return o, fmt.Errorf("not one handshake: %w", first)
	}
	o.fail("handshakes were not resumed, and are in the cost of the others", int64(full))
	return o, nil
}

// handshake is one connection: how long it took until it could be used, and
// whether by a ticket.
func handshake(ctx context.Context, to netip.AddrPort, request []byte, config *tls.Config) (took time.Duration, resumed bool, err error) {
	var d net.Dialer
	began := time.Now()
	socket, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return 0, false, err
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	c := tls.Client(socket, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return 0, false, err
	}
	took = time.Since(began)
	if _, err := c.Write(request); err != nil {
		return 0, false, err
	}
	var a answer
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		if n > 0 {
			done, wrong := a.feed(buffer[:n])
			if wrong != nil {
				return 0, false, wrong
			}
			if done {
				break
			}
		}
		if err != nil {
			return 0, false, err
		}
	}
	if !a.ok {
		return 0, false, errors.New("the answer has another status")
	}
	// Whoever closes first keeps the port for a minute. The server was asked to
	// be that. On the way to the end are the tickets.
	for err := error(nil); err == nil; {
		_, err = c.Read(buffer)
	}
	return took, c.ConnectionState().DidResume, nil
}

// reason is an error without addresses, so that those of one kind are counted
// together.
func reason(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}
