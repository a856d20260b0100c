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

// clientTLS returns the TLS configuration of the generators. It fixes the key
// exchange to one that every server has, since some would choose a more expensive
// newer one.
func clientTLS() *tls.Config {
	return &tls.Config{
		ServerName:         "localhost",
		InsecureSkipVerify: true, // the certificate is self-signed, by bench
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519},
	}
}

// errNotResumed means that a server accepts none of its own tickets.
var errNotResumed = errors.New("the server resumes no sessions: each handshake with a ticket is a full one")

// handshakes opens TLS connections, makes one request over each, and closes them,
// from some concurrent clients. Either all handshakes are full ones, or each client
// resumes with the ticket of its last connection; then only resumed ones count.
func handshakes(ctx context.Context, to netip.AddrPort, request []byte, at int, lasts time.Duration, resume bool) (Outcome, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	// A socket has the deadline, too, and may notice it first.
	over := func() bool { return ctx.Err() != nil || time.Since(began) >= lasts }
	var mu sync.Mutex
	var o Outcome
	var h histogram
	var first error
	full := 0 // in spite of a ticket
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
				if failed { // such as no free ports: it will not recover at once
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
		return o, fmt.Errorf("no handshake succeeded: %w", first)
	}
	o.fail("handshakes were not resumed, and are part of the cost of the others", int64(full))
	return o, nil
}

// handshake makes one connection. It returns the time until it could be used, and
// whether it was resumed.
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
	// The end that closes first keeps the port for a minute. The server was asked to
	// close first. Reading to the end also receives the tickets.
	for err := error(nil); err == nil; {
		_, err = c.Read(buffer)
	}
	return took, c.ConnectionState().DidResume, nil
}

// reason returns an error without addresses, for counting.
func reason(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}
