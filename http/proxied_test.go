package http

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// The bytes of PROXY headers and their answers are in testdata/proxy.md. Here is what is
// around them: who sends one, what comes behind it, and who pays for the connection.

const (
	proxyLine   = "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\n"
	proxyBinary = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x07\xc3\x50\x01\xbb"
)

// fromAll expects a header of each peer.
func fromAll(string, netip.Addr) bool { return true }

// TestAHeaderComesBeforeEverything: behind either version, a client speaks HTTP/1.1 or HTTP/2,
// over TLS or in plain text, on good days and on bad ones, and has its own address.
func TestAHeaderComesBeforeEverything(t *testing.T) {
	for version, header := range map[string]string{"version 1": proxyLine, "version 2": proxyBinary} {
		for _, is := range fourWays {
			for seed := range uint64(20) {
				k := sim.New(1)
				if seed > 0 {
					k = sim.NewUnlucky(seed)
					k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend, k.Luck.Exhausted = 0, 0, 0, 0
				}
				config := Config{Handler: site, ProxyProtocol: fromAll}
				if is.secure {
					config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now}
				}
				var said string
				err := stage(t, k, config, func(_ *Server, s *sim.Script, w *sim.Wire) {
					s.Send(w, []byte(header))
					c := dialWay(t, is, k, s, w)
					for range 2 {
						sayAll(c, &asking{target: "/client"})
						said += string(c.hear().body) + " "
					}
					w.Close()
				})
				if err != nil || said != "192.0.2.1:50000 192.0.2.1:50000 " {
					t.Fatalf("%s, %v, seed %d: the client is at %q: %v", version, is, seed, said, err)
				}
			}
		}
	}
}

// TestWhoSendsAHeader: it is expected of the peers, and at the listeners, that are configured,
// and of no other: there, what looks like one is a request that is none.
func TestWhoSendsAHeader(t *testing.T) {
	const request = "GET /client HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, row := range []struct {
		name, from string
		port       uint16
		say        string
		want       string // is in the answer
	}{
		{"a proxy names its client", "10.0.0.7", 80, proxyLine + request, "\r\n\r\n192.0.2.1:50000"},
		{"a proxy that names none is told", "10.0.0.7", 80, request, "a PROXY header, and none came"},
		{"another peer asks at once", "10.0.0.8", 80, request, "\r\n\r\n10.0.0.8:"},
		{"and chooses no address", "10.0.0.8", 80, proxyLine + request, " 400 Bad Request"},
		{"nor by bytes", "10.0.0.8", 80, proxyBinary + request, " 400 Bad Request"},
		{"the proxy asks another listener at once", "10.0.0.7", 81, request, "\r\n\r\n10.0.0.7:"},
		{"where it chooses no address", "10.0.0.7", 81, proxyLine + request, " 400 Bad Request"},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			proxy := netip.MustParseAddr("10.0.0.7")
			s, err := NewServer(Config{
				Handler:       site,
				Log:           slog.New(slog.DiscardHandler),
				ProxyProtocol: func(listener string, peer netip.Addr) bool { return listener == ":80" && peer == proxy },
				Loop:          eventloop.Config{Kernel: k},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, address := range []string{":80", ":81"} {
				if _, err := s.Listen(address); err != nil {
					t.Fatal(err)
				}
			}
			var heard []byte
			k.Go(func(c *sim.Script) {
				w, err := k.DialFrom(netip.MustParseAddr(row.from), row.port)
				if err != nil {
					t.Error(err)
					return
				}
				c.Send(w, []byte(row.say))
				heard, _ = c.ReceiveAll(w)
			})
			if err := k.Stage(t, s, s.loop.Stopping); err != nil {
				t.Error(err)
			}
			if !strings.Contains(string(heard), row.want) {
				t.Errorf("it hears %q, and not %q", heard, row.want)
			}
		})
	}
}

// TestAClientBehindAProxyHasItsOwnShare: connections are accounted to the client that a header
// names, so that one client of a proxy pays for itself.
func TestAClientBehindAProxyHasItsOwnShare(t *testing.T) {
	var said []string
	k := sim.New(1)
	err := stage(t, k, Config{Handler: site, ProxyProtocol: fromAll, Limits: Limits{PerAddress: 2}, Loop: eventloop.Config{
		Proxies: func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.1") },
	}}, func(_ *Server, s *sim.Script, first *sim.Wire) {
		open := []*sim.Wire{first}
		for i, client := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"} {
			w := first
			if i > 0 {
				var err error
				if w, err = k.Dial(); err != nil {
					t.Error(err)
					return
				}
				open = append(open, w)
			}
			s.Send(w, []byte("PROXY TCP4 "+client+" 198.51.100.7 50000 443\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"))
			answer, _ := s.Receive(w, nil, 4096)
			said = append(said, fmt.Sprint(i, " ", bytes.HasPrefix(answer, []byte("HTTP/1.1 200"))))
			s.Sleep(100 * time.Millisecond)
		}
		for i, w := range open {
			s.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
			answer, _ := s.ReceiveAll(w)
			said = append(said, fmt.Sprint(i, " ", bytes.HasPrefix(answer, []byte("HTTP/1.1 200"))))
			w.Close()
		}
	})
	want := "[0 true 1 true 2 true 3 true 4 true 0 false 1 true 2 true 3 true 4 true]"
	if got := fmt.Sprint(said); err != nil || got != want {
		t.Errorf("by connection, they are answered: %s, and not %s: %v", got, want, err)
	}
}

// TestAHeaderDuringAStop: a connection on which the header has come, or is on its way, when the
// server is stopped is served as any other new one.
func TestAHeaderDuringAStop(t *testing.T) {
	for _, row := range []struct{ name, before, behind string }{
		{"nothing has come", "", proxyLine + "GET /client HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"half of the header has come", proxyLine[:20], proxyLine[20:] + "GET /client HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"all of the header has come", proxyLine, "GET /client HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"half of the request has come", proxyLine + "GET /client HTTP/1.1\r\n", "Host: a\r\n\r\n"},
	} {
		var heard []byte
		err := stage(t, sim.New(1), Config{Handler: site, EagerAccept: true, ProxyProtocol: fromAll}, func(server *Server, s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte(row.before))
			s.Sleep(time.Second)
			server.Stop()
			s.Sleep(100 * time.Millisecond)
			s.Send(w, []byte(row.behind))
			heard, _ = s.ReceiveAll(w)
			w.Close()
		})
		if err != nil || !strings.Contains(string(heard), "\r\n\r\n192.0.2.1:50000") || !strings.Contains(string(heard), "Connection: close") {
			t.Errorf("%s: it hears %q: %v", row.name, heard, err)
		}
	}
}

// TestTheProgramIsToldOfTheClient: Config.OnConn sees a connection when its header is here, with
// the client's address, and none that has no header.
func TestTheProgramIsToldOfTheClient(t *testing.T) {
	for _, row := range []struct{ name, say, want string }{
		{"a header makes a connection", proxyLine + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			"192.0.2.1:50000 new, 192.0.2.1:50000 active, 192.0.2.1:50000 closed"},
		{"a wrong one makes none", "PROXY TCP5\r\n", ""},
		{"nor does a request without one", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
	} {
		var told []string
		config := Config{Handler: site, ProxyProtocol: fromAll, OnConn: func(c *Conn, is ConnState) {
			told = append(told, fmt.Sprint(c.RemoteAddr(), " ", is))
		}}
		err := stage(t, sim.New(1), config, func(_ *Server, s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte(row.say))
			s.ReceiveAll(w)
			w.Close()
		})
		if got := strings.Join(told, ", "); err != nil || got != row.want {
			t.Errorf("%s: it is told %q, and not %q: %v", row.name, got, row.want, err)
		}
	}
}

// TestAHeaderThatIsRefusedIsLogged: once a second, with the peer and what is wrong.
func TestAHeaderThatIsRefusedIsLogged(t *testing.T) {
	for _, row := range []struct {
		name, say string
		want      []string
	}{
		{"a malformed line", "PROXY TCP4 a b 1 2\r\n", []string{"a PROXY header is refused", "10.0.0.1", "an address of a PROXY line"}},
		{"none", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", []string{"no PROXY header from a peer that is to send one", "10.0.0.1"}},
		{"half of one", "PROXY TCP4 ", []string{"has not come as a whole"}},
	} {
		var log bytes.Buffer
		k := sim.New(1)
		err := stage(t, k, Config{Handler: site, ProxyProtocol: fromAll, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(_ *Server, s *sim.Script, w *sim.Wire) {
			for range 5 {
				s.Send(w, []byte(row.say))
				w.CloseWrite()
				s.ReceiveAll(w)
				w.Close()
				w, _ = k.Dial()
			}
			w.Close()
		})
		if n := strings.Count(log.String(), "level=WARN"); err != nil || n != 1 {
			t.Errorf("%s: %d lines are logged, and not 1: %v\n%s", row.name, n, err, &log)
		}
		for _, want := range row.want {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: the log lacks %q: %s", row.name, want, &log)
			}
		}
	}
}
