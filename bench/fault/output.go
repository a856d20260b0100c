package main

import (
	"bytes"
	"fmt"
	"time"
)

// Attacks with unread answers: what do they cost? Each peer has the smallest receive
// buffer, and the victim is reached at MTU 1500 where possible: on the loopback the
// kernel takes 4 MB of an unread answer, so that little stays with the server.

// outputTotal is the limit OutputTotal, and outputMost the largest allowed memory of
// a victim.
const (
	outputTotal = 64 << 20
	outputMost  = outputTotal + 64<<20
)

// afar orders a victim in a network of its own, or on the loopback.
func (t *trial) afar() order {
	n, err := t.network()
	if err != nil {
		t.log("network", "the loopback: %v", err)
		return order{}
	}
	return order{at: n, args: []string{"--listing", "on"}}
}

// unreadJSON makes its requests before any compressed version exists: for the plain
// file, or for one that all wait for.
func unreadJSON(t *trial) error {
	return t.besiege(plan{order: t.afar(), room: smallest, memory: outputMost, attack: func(s *siege) error {
		peers := s.crowd.asks(80, get(s.victim, "/8m.json", "Accept-Encoding: gzip"))
		s.crowd.answered(peers, 5*time.Second)
		s.hold(2*time.Second, 15*time.Second)
		return nil
	}})
}

// unreadCached makes the same requests with the file in the cache.
func unreadCached(t *trial) error {
	v, err := t.start(t.afar())
	if err != nil {
		return err
	}
	packed := ask{path: "/8m.json", fields: "Accept-Encoding: gzip\r\n", status: 200}
	for range 2 {
		if err := newClient(v, v.probe).once(t.ctx, packed); err != nil {
			return fmt.Errorf("the first request: %w", err)
		}
	}
	return t.besiegeVictim(v, plan{room: smallest, memory: outputMost, attack: func(s *siege) error {
		peers := s.crowd.asks(80, get(s.victim, "/8m.json", "Accept-Encoding: gzip"))
		s.crowd.answered(peers, 5*time.Second)
		s.hold(2*time.Second, 15*time.Second)
		return nil
	}})
}

func unread200K(t *trial) error {
	return t.besiege(plan{order: t.afar(), room: smallest, memory: outputMost, attack: func(s *siege) error {
		peers := s.crowd.asks(400, get(s.victim, "/200k.bin"))
		s.crowd.answered(peers, 2*time.Second)
		s.hold(2*time.Second, 15*time.Second)
		return nil
	}})
}

// unreadOwn requests a handler that makes 250 kB for each request. None of it can be
// shared, so that it exceeds OutputTotal, and the log must report it. Reset output is
// garbage until the runtime collects it, by default when as much has been allocated
// as was left the last time: so memory may be twice the queued output.
func unreadOwn(t *trial) error {
	o := t.afar()
	o.embedded, o.args = true, nil
	return t.besiege(plan{order: o, room: smallest, memory: outputTotal + outputMost, logs: true, attack: func(s *siege) error {
		peers := s.crowd.asks(500, get(s.victim, "/own"))
		s.crowd.answered(peers, 2*time.Second)
		s.hold(2*time.Second, 15*time.Second)
		s.log("attackers", "%d of %d still connected", count(peers), len(peers))
		return nil
	}})
}

// slowPipelines reads 400 bytes a second on each of 500 connections, which is above
// MinRate.
func slowPipelines(t *trial) error {
	return t.besiege(plan{order: t.afar(), room: smallest, memory: outputMost, attack: func(s *siege) error {
		peers := s.crowd.asks(500, bytes.Repeat(get(s.victim, "/250k.bin"), 8))
		buffer := make([]byte, 400)
		s.crowd.each(peers, time.Second, func(_ int, p *peer) { p.take(buffer) })
		s.hold(3*time.Second, 30*time.Second)
		s.log("attackers", "%d of %d still connected", count(peers), len(peers))
		return nil
	}})
}

// unreadListings requests a listing in its six orders.
func unreadListings(t *trial) error {
	return t.besiege(plan{order: t.afar(), room: smallest, memory: outputMost, attack: func(s *siege) error {
		peers := s.crowd.open(300, func(i int, p *peer) error {
			key := []string{"name", "size", "date"}[i%3]
			order := []string{"asc", "desc"}[i/3%2]
			return p.send(get(s.victim, fmt.Sprintf("/many/?sort=%s&order=%s", key, order)))
		})
		s.crowd.answered(peers, 5*time.Second)
		s.hold(3*time.Second, 15*time.Second)
		return nil
	}})
}

func unreadRanges(t *trial) error {
	return t.besiege(plan{order: t.afar(), room: smallest, memory: outputMost, attack: func(s *siege) error {
		peers := s.crowd.asks(400, get(s.victim, "/8m.json", "Range: bytes=0-999999,2000000-3999999"))
		s.crowd.answered(peers, 2*time.Second)
		s.hold(2*time.Second, 15*time.Second)
		return nil
	}})
}
