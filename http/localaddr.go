package http

import "net/netip"

// LocalAddr returns the address at which the request has reached this machine, which tells
// one of several addresses, or ports, of the server; on a Unix socket, one that is not
// valid. A handler made by Blocking may call it where it runs, and all others on the loop.
func (r *Request) LocalAddr() netip.AddrPort {
	r.use("LocalAddr")
	if t := r.x.task; t != nil && (t.runs == stateOffLoop || t.local.IsValid()) {
		return t.local
	}
	return r.x.whole().localAddr()
}

// localAddr asks the kernel once for each connection: a handler off the loop may want the
// address, and cannot ask for it there. The two calls that it takes (on Linux, getsockname and,
// by package unix, getsockopt) were a sixth of such a request.
func (c *conn) localAddr() netip.AddrPort {
	known := c.server.localAddrs
	a, ok := known[c]
	if !ok && c.conn.State() != deadConn { // else its descriptor may be another's
		a = c.conn.LocalAddr()
		known[c] = a
	}
	return a
}
