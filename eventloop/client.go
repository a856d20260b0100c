package eventloop

import (
	"fmt"
	"net/netip"
)

// Every shared resource (connections, output, workers, what protocols add to
// that) is accounted by client, so that the client that uses most pays first and a
// client that asks for little is always served.

// A Client is the party that a connection is accounted to: an IPv4 address or an
// IPv6 /64 network, which a provider gives to one customer. The zero Client is unknown: that of all Unix sockets, and of proxies that have not said more.
type Client [16]byte

// ClientOf returns the client that an address belongs to.
func ClientOf(a netip.Addr) Client {
	if !a.IsValid() {
		return Client{}
	}
	c := Client(a.As16())
	if a.Is6() && !a.Is4In6() {
		clear(c[8:])
	}
	return c
}

// Known reports whether the client has an address.
func (c Client) Known() bool { return c != Client{} }

// String returns the address, or the network, as one would type it.
func (c Client) String() string {
	switch a := netip.AddrFrom16(c); {
	case !c.Known():
		return "unknown"
	case a.Is4In6():
		return a.Unmap().String()
	default:
		return netip.PrefixFrom(a, 64).String()
	}
}

// Clients are what a loop knows of the clients of its connections.
type clients struct {
	proxies func(netip.Addr) bool // Config.Proxies
	named   map[*Conn]Client      // by SetClient; all others are their peers
}

// at returns the client that a peer is, the unknown one for a proxy.
func (s *clients) at(peer netip.Addr) Client {
	if peer = peer.Unmap(); s.proxies != nil && peer.IsValid() && s.proxies(peer) {
		return Client{}
	}
	return ClientOf(peer)
}

// Client returns the client that the connection is accounted to: its peer, or the one
// that SetClient has named.
func (c *Conn) Client() Client {
	if named := c.loop.clients.named; len(named) > 0 {
		if who, ok := named[c]; ok {
			return who
		}
	}
	return c.peerClient()
}

// peerClient is the client at the peer's address.
func (c *Conn) peerClient() Client {
	if !c.hasPeer() {
		return Client{}
	}
	return c.loop.clients.at(netip.AddrFrom16(c.peer))
}

// hasPeer reports whether the other side has an address, which it has not on a Unix socket.
func (c *Conn) hasPeer() bool { return c.peer != [16]byte{} }

// SetPeer says that the other side is at another address than that of the socket: a proxy has
// opened the connection for a client there. Peer returns it from then on, and the connection
// is accounted to that client, whose Limits.PerAddress may close another connection of it, or
// this one: then it reports false. It must be called on the loop's goroutine, before the
// connection carries streams. An address that is not valid, or the unspecified one, is a
// mistake: the client would be taken for one on a Unix socket.
func (c *Conn) SetPeer(a netip.AddrPort) (admitted bool) {
	l := c.loop
	l.owner.check("Conn.SetPeer")
	if !a.Addr().IsValid() || a.Addr().IsUnspecified() {
		panic(fmt.Sprintf("eventloop: SetPeer: no client is at %v", a))
	}
	if c.state == Dead {
		return false
	}
	before := c.Client()
	c.peer, c.peerPort = a.Addr().As16(), a.Port()
	after := c.Client()
	if after == before {
		return true
	}
	admitted = l.eviction.admitAs(after)
	l.eviction.recount(before, after)
	if !admitted {
		c.closeMode = closeReset
		c.markClosed(ErrEvicted)
	}
	return admitted
}

// SetClient has the connection accounted to another client than its peer: the one
// that a trusted proxy speaks for at present. It must be called on the loop's
// goroutine.
func (c *Conn) SetClient(who Client) {
	l := c.loop
	l.owner.check("Conn.SetClient")
	before := c.Client()
	if who == before || c.state == Dead {
		return
	}
	if c.fd != noDescriptor {
		l.eviction.recount(before, who)
	}
	s := &l.clients
	if who == c.peerClient() {
		delete(s.named, c)
		return
	}
	if s.named == nil {
		s.named = make(map[*Conn]Client)
	}
	s.named[c] = who
}
