package http

import (
	"errors"
	"fmt"
	"net"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Serve accepts connections from a listener of package net until Stop was called and all
// connections have ended, and closes it: ListenOn, and then Run.
func (s *Server) Serve(l net.Listener) error {
	if _, err := s.ListenOn(l); err != nil {
		return err
	}
	return s.Run()
}

// ListenOn takes over a listener that the program has: one of TCP or of a Unix socket, or
// any with a method File as those have. It must not be used any more; the server closes
// it. A socket by its number, as a service manager passes it, is an address for Listen:
// "fd:3".
func (s *Server) ListenOn(l net.Listener) (*eventloop.Listener, error) {
	from, err := socketOf(l)
	if err != nil {
		return nil, err
	}
	return s.loop.ListenOn(from, s.how, s.accepting(l.Addr().String(), s.begin))
}

// ListenTLSOn is ListenOn for HTTPS, with the certificates of Config.TLS.
func (s *Server) ListenTLSOn(l net.Listener) (*eventloop.Listener, error) {
	from, err := socketOf(l)
	if err = errors.Join(err, s.checkTLS()); err != nil {
		return nil, err
	}
	return s.loop.ListenOn(from, s.how, s.accepting(l.Addr().String(), s.tls.Wrap(s.begin)))
}

// ListenOn is Server.ListenOn for all of them.
func (s Servers) ListenOn(l net.Listener) (*eventloop.Listener, error) {
	from, err := socketOf(l)
	if err != nil {
		return nil, err
	}
	return s.loops().ListenOn(from, s[0].how, func(loop int) func(*eventloop.Conn) eventloop.Protocol {
		return s[loop].accepting(l.Addr().String(), s[loop].begin)
	})
}

// ListenTLSOn is Server.ListenTLSOn for all of them.
func (s Servers) ListenTLSOn(l net.Listener) (*eventloop.Listener, error) {
	from, err := socketOf(l)
	for _, one := range s {
		err = errors.Join(err, one.checkTLS())
	}
	if err != nil {
		return nil, err
	}
	return s.loops().ListenOn(from, s[0].how, func(loop int) func(*eventloop.Conn) eventloop.Protocol {
		return s[loop].accepting(l.Addr().String(), s[loop].tls.Wrap(s[loop].begin))
	})
}

// socketOf returns the socket of a listener.
func socketOf(l net.Listener) (eventloop.Socket, error) {
	if from, ok := l.(eventloop.Socket); ok {
		return from, nil
	}
	return nil, fmt.Errorf("http: a %T has no socket to take over: give ListenOn the listener below it, or ListenTLSOn for HTTPS", l)
}
