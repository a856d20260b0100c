package http

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
)

// served is one of the ways to listen on a listener of the program's.
type served struct {
	name   string
	listen func(t *testing.T) net.Listener
	on     func(s Servers, l net.Listener) error
	loops  int
	https  bool
	file   bool // the socket's file is removed at the end
}

func tcp(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func unixSocket(t *testing.T) net.Listener {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestServersListenOnTheProgramsListeners asks through each, and has connections in the queue
// of a server that is stopped be answered.
func TestServersListenOnTheProgramsListeners(t *testing.T) {
	one := func(f func(*Server, net.Listener) (*eventloop.Listener, error)) func(Servers, net.Listener) error {
		return func(s Servers, l net.Listener) error { _, err := f(s[0], l); return err }
	}
	byNumber := func(s Servers, l net.Listener) error {
		file, err := l.(eventloop.Socket).File()
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = s.Listen(fmt.Sprint("fd:", file.Fd()))
		return err
	}
	for _, row := range []served{
		{"a listener of TCP", tcp, one((*Server).ListenOn), 1, false, false},
		{"a listener of a Unix socket", unixSocket, one((*Server).ListenOn), 1, false, true},
		{"HTTPS on a listener", tcp, one((*Server).ListenTLSOn), 1, true, false},
		{"several loops on one listener", tcp, func(s Servers, l net.Listener) error { _, err := s.ListenOn(l); return err }, 3, false, false},
		{"several loops on one Unix socket, over TLS", unixSocket, func(s Servers, l net.Listener) error { _, err := s.ListenTLSOn(l); return err }, 2, true, true},
		{"a descriptor by its number", tcp, byNumber, 1, false, false},
		{"several loops on one descriptor", tcp, byNumber, 2, false, false},
		{"a Unix socket by its number", unixSocket, byNumber, 1, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := NewServers(row.loops, func(int) (Config, error) {
				return Config{Handler: site, TLS: &tls.Config{Certificates: []tls.Certificate{certificate()}}}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			l := row.listen(t)
			if err := row.on(s, l); err != nil {
				t.Fatal(err)
			}
			over := make(chan error)
			go func() { over <- s.Run() }()
			network, at := l.Addr().Network(), l.Addr().String()
			dial := func() net.Conn {
				conn, err := net.Dial(network, at)
				if err != nil {
					t.Fatal(err)
				}
				return conn
			}
			scheme := "http"
			if row.https {
				scheme = "https"
			}
			transport := &nethttp.Transport{
				DialContext:       func(context.Context, string, string) (net.Conn, error) { return dial(), nil },
				TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
				DisableKeepAlives: true,
			}
			for range 4 {
				answer, err := (&nethttp.Client{Transport: transport}).Get(scheme + "://a/")
				if err != nil {
					t.Fatal(err)
				}
				if text, _ := io.ReadAll(answer.Body); answer.StatusCode != 200 {
					t.Errorf("%d %s", answer.StatusCode, text)
				}
				answer.Body.Close()
			}
			s.Stop()
			if err := <-over; err != nil {
				t.Error(err)
			}
			if row.file {
				if _, err := os.Stat(at); !os.IsNotExist(err) {
					t.Errorf("the socket is left: %v", err)
				}
			}
			if strings.Contains(row.name, "number") || strings.Contains(row.name, "descriptor") {
				dial().Close() // it is still its owner's
				l.Close()
			} else if conn, err := net.Dial(network, at); err == nil {
				conn.Close()
				t.Error("something listens still")
			}
		})
	}
}

// TestServeIsListenOnAndRun has a stop close the listener.
func TestServeIsListenOnAndRun(t *testing.T) {
	s, err := NewServer(Config{Handler: site})
	if err != nil {
		t.Fatal(err)
	}
	l := tcp(t)
	over := make(chan error)
	go func() { over <- s.Serve(l) }()
	answer, err := nethttp.Get("http://" + l.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	nethttp.DefaultClient.CloseIdleConnections()
	s.Stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener is open")
	}
}

// TestAListenerThatCannotBeTakenOverIsNamed has a sentence for each.
func TestAListenerThatCannotBeTakenOverIsNamed(t *testing.T) {
	s, err := NewServer(Config{Handler: site, TLS: &tls.Config{Certificates: []tls.Certificate{certificate()}}})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	udp, err := packets.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	l := tcp(t)
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := conn.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	fd := func(f *os.File) error { _, err := s.Listen(fmt.Sprint("fd:", f.Fd())); return err }
	closed := tcp(t)
	closed.Close()
	on := func(l net.Listener) error { _, err := s.ListenOn(l); return err }
	address := func(at string) error { _, err := s.Listen(at); return err }
	for want, err := range map[string]error{
		"is no stream socket":              fd(file),
		"no stream socket":                 fd(udp),
		"is a socket that does not listen": fd(client),
		"descriptor 1000000 is not open":   address("fd:1000000"),
		"from 3 on":                        address("fd:1"),
		"write fd: and the number":         address("fd:x"),
		"has no socket to take over":       on(tls.NewListener(l, &tls.Config{})),
		"use of closed":                    on(closed),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not: %s", err, want)
		}
	}
	s.Stop()
	if err := s.Run(); err != nil {
		t.Error(err)
	}
}
