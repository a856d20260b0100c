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

// handshakes opens TLS connections, asks for one thing over each, and closes
// them, from some goroutines at once, each waiting for its own. All handshakes
// are full ones: nothing is resumed. The key exchange is the one that every
// server has, since some would choose a dearer one for being newer.
func handshakes(ctx context.Context, to netip.AddrPort, request []byte, at int, lasts time.Duration) (Outcome, error) {
	config := &tls.Config{
		InsecureSkipVerify: true, // the certificate was made a minute ago, by us
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519},
	}
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	var mu sync.Mutex
	var o Outcome
	var h histogram
	var first error
	began := time.Now()
	var all sync.WaitGroup
	for range at {
		all.Go(func() {
			for ctx.Err() == nil {
				failed := false
				took, err := handshake(ctx, to, request, config)
				mu.Lock()
				switch {
				case err == nil:
					o.Requests++
					h.add(took)
				case ctx.Err() == nil:
					o.fail("handshakes failed: "+reason(err), 1)
					if first == nil {
						first = err
					}
					failed = true
				}
				mu.Unlock()
				if failed { // such as for want of ports: it will not be better at once
					time.Sleep(10 * time.Millisecond)
				}
			}
		})
	}
	all.Wait()
	o.Seconds = time.Since(began).Seconds()
	h.tell(&o)
	if o.Requests == 0 {
		return o, fmt.Errorf("not one handshake: %w", first)
	}
	return o, nil
}

// handshake is one connection, and how long it took until it could be used.
func handshake(ctx context.Context, to netip.AddrPort, request []byte, config *tls.Config) (time.Duration, error) {
	var d net.Dialer
	began := time.Now()
	socket, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return 0, err
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()
	c := tls.Client(socket, config)
	if err := c.HandshakeContext(ctx); err != nil {
		return 0, err
	}
	took := time.Since(began)
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	var a answer
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		if n > 0 {
			done, wrong := a.feed(buffer[:n])
			if wrong != nil {
				return 0, wrong
			}
			if done {
				break
			}
		}
		if err != nil {
			return 0, err
		}
	}
	if !a.ok {
		return 0, errors.New("the answer has another status")
	}
	// Whoever closes first keeps the port for a minute. The server was asked to
	// be that.
	for err := error(nil); err == nil; {
		_, err = c.Read(buffer)
	}
	return took, nil
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
