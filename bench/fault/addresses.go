package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Attacks from one address: do other clients keep their share?

// halfRequests keeps 400 half requests of one address at a server with 256
// descriptors. A closed connection is replaced.
func halfRequests(t *trial) error {
	const halves = 400
	args := []string{"--limit", "HeadTimeout=" + pick(t, "6s", "10s")}
	return t.besiege(plan{order: order{open: 256, args: args}, attack: func(s *siege) error {
		half := []byte("GET / HTTP/1.1\r\nHost: half\r\n")
		var renewed atomic.Int64
		peers := s.crowd.asks(halves, half)
		s.crowd.each(peers, time.Second, func(_ int, p *peer) {
			if p.ended() != alive && s.crowd.renew(p, half) {
				renewed.Add(1)
			}
		})
		s.hold(8*time.Second, 30*time.Second)
		s.log("attackers", "%d reconnects", renewed.Load())
		return nil
	}})
}

// renew replaces a connection that has ended.
func (c *crowd) renew(p *peer, request []byte) bool {
	fresh, err := dialPeer(c.from, c.to, c.room)
	if err != nil {
		return false
	}
	p.close()
	*p = *fresh
	return p.send(request) == nil
}

// crowdOfAll attacks in three ways at once, and checks that each attacker is gone by
// its deadline and leaves nothing behind.
func crowdOfAll(t *trial) error {
	limits := http.Limits{} // the defaults: 10 s for a head, 15 s for a body, 20 s for an answer
	head, body, send := 10*time.Second, 20*time.Second, 30*time.Second
	if t.short {
		limits = http.Limits{HeadTimeout: 2 * time.Second, BodyTimeout: 2 * time.Second, RateGrace: time.Second, SendTimeout: 2 * time.Second}
		head, body, send = 2*time.Second, 3*time.Second, 12*time.Second
	}
	text, err := json.Marshal(limits)
	if err != nil {
		return err
	}
	part := pick(t, 5, 1)
	p := plan{order: order{embedded: true, args: []string{"--limits", string(text)}}, room: smallest, memory: outputMost, back: true}
	p.attack = func(s *siege) error {
		began := time.Now()
		post := fmt.Sprintf("POST /take HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\n\r\n", s.victim.address)
		heads := s.crowd.asks(2000/part, []byte("GET / HTTP/1.1\r\nHost: slow\r\nX: "))
		bodies := s.crowd.asks(500/part, []byte(post))
		unread := s.crowd.asks(500/part, get(s.victim, "/8m.json"))
		s.crowd.each(heads, 5*time.Second, func(_ int, p *peer) { p.send([]byte("x")) })
		s.crowd.each(bodies, time.Second, func(_ int, p *peer) { p.send([]byte("x")) })
		for _, kind := range []struct {
			name  string
			peers []*peer
			most  time.Duration
		}{{"slowloris", heads, head}, {"slow bodies", bodies, body}, {"clients that read nothing", unread, send}} {
			// A few more seconds: the wheel is coarse, and the machine is shared.
			_, gone := s.until(kind.most+5*time.Second-time.Since(began), func() bool { return count(kind.peers) == 0 })
			s.log("attackers", "all %d %s gone after %.1f s", len(kind.peers), kind.name, time.Since(began).Seconds())
			if !gone {
				s.fail("%d of %d %s still connected after %.0f s", count(kind.peers), len(kind.peers), kind.name, time.Since(began).Seconds())
			}
		}
		if left := time.Minute - time.Since(began); !s.short && left > 0 {
			s.wait(left)
		}
		return nil
	}
	return t.besiege(p)
}

// hellos begins 3,000 handshakes and stops: every other ClientHello is complete, so
// that the server has answered it.
func hellos(t *trial) error {
	const begun = 3000
	v, err := t.start(order{args: []string{"--tls", "self"}})
	if err != nil {
		return err
	}
	hello, err := clientHello()
	if err != nil {
		return err
	}
	p := plan{memory: v.resident + 64<<20, attack: func(s *siege) error {
		peers := s.crowd.open(pick(t, 1000, begun), func(i int, p *peer) error {
			return p.send(hello[:len(hello)-i%2])
		})
		s.hold(time.Second, 20*time.Second)
		s.log("attackers", "%d of %d still connected", count(peers), len(peers))
		return nil
	}}
	return t.besiegeVictim(v, p)
}

// clientHello returns the first message of a TLS client.
func clientHello() ([]byte, error) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() {
		tls.Client(ours, &tls.Config{InsecureSkipVerify: true}).Handshake()
		ours.Close()
	}()
	theirs.SetDeadline(time.Now().Add(5 * time.Second))
	hello := make([]byte, 16<<10)
	n, err := theirs.Read(hello)
	return hello[:n], err
}
