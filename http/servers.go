package http

import (
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Servers are several servers in one process that listen at the same addresses, each on
// a loop of its own, for who has more cores than one. They share nothing but what their
// handlers do: see NewServers, which makes them.
type Servers []*Server

// NewServers makes n servers. Config is called for each, by its number from 0 on, so
// that each has a handler of its own, with middleware of its own: what belongs to one
// loop needs no lock then. Anything that handlers do share is used by all loops at once, and
// has to be made for that.
//
// Limits are those of each server. If all have the same Config.TLS, a client that
// comes back may resume on any of them.
func NewServers(n int, config func(loop int) (Config, error)) (Servers, error) {
	if n < 1 {
		return nil, fmt.Errorf("http: %d servers serve nobody", n)
	}
	var s Servers
	var given *tls.Config // to the one before
	for i := range n {
		c, err := config(i)
		if err != nil {
			return nil, s.giveBack(err)
		}
		c.Loop.Loops = n
		asked := c.TLS
		if i > 0 && asked == given {
			c.TLS = s[i-1].tls.Config // it may be a clone, whose keys of tickets are its own
		}
		given = asked
		one, err := NewServer(c)
		if err != nil {
			return nil, s.giveBack(err)
		}
		s = append(s, one)
	}
	return s, nil
}

// giveBack ends the loops that were made before there was an error.
func (s Servers) giveBack(err error) error {
	s.Stop()
	return errors.Join(err, s.Run())
}

// loops are those of the servers.
func (s Servers) loops() eventloop.Loops {
	list := make(eventloop.Loops, len(s))
	for i, one := range s {
		list[i] = one.loop
	}
	return list
}

// Listen is Server.Listen for all of them. It returns the listeners of the first.
func (s Servers) Listen(address string) ([]*eventloop.Listener, error) {
	return s.listen(address, func(one *Server) func(*eventloop.Conn) eventloop.Protocol { return one.begin })
}

// ListenTLS is Server.ListenTLS for all of them. It returns the listeners of the first.
func (s Servers) ListenTLS(address string) ([]*eventloop.Listener, error) {
	for _, one := range s {
		if err := one.checkTLS(); err != nil {
			return nil, err
		}
	}
	return s.listen(address, func(one *Server) func(*eventloop.Conn) eventloop.Protocol { return one.tls.Wrap(one.begin) })
}

func (s Servers) listen(address string, begin func(*Server) func(*eventloop.Conn) eventloop.Protocol) ([]*eventloop.Listener, error) {
	return s.loops().ListenAt(address, s[0].how, func(loop int) func(*eventloop.Conn) eventloop.Protocol { return begin(s[loop]) })
}

// Run serves until Stop was called and everything has ended. It returns nil when all
// that had begun was finished. If one server fails, the others are stopped.
func (s Servers) Run() error { return s.loops().Run() }

// Stop has all servers end: what has begun is finished, within Limits.Drain. A second
// call cuts everything off. Any goroutine may call it.
func (s Servers) Stop() { s.loops().Stop() }

// Cut is Server.Cut for all of them together.
func (s Servers) Cut() (connections int, requests []string) {
	for _, one := range s {
		n, some := one.Cut()
		connections += n
		requests = append(requests, some[:min(len(some), cutMax-len(requests))]...)
	}
	return connections, requests
}
