package http

import "net/netip"

// LocalAddr returns the address at which the request has reached this machine, which tells
// one of several addresses, or ports, of the server; on a Unix socket, one that is not
// valid. A handler made by Blocking may call it where it runs, and all others on the loop.
func (r *Request) LocalAddr() netip.AddrPort {
	r.use("LocalAddr")
	if r.x.isOffLoop() {
		return r.x.task.local
	}
	return r.x.conn.localAddr()
}

// localAddr asks the kernel once for each connection: a handler off the loop may want the
// address, and cannot ask for it there. The two calls that it takes (on Linux, getsockname and,
// by package unix, getsockopt) were a sixth of such a request.
func (c *conn) localAddr() netip.AddrPort {
	known := c.server.localAddrs
	a, ok := known[c]
	if !ok {
		a = c.conn.LocalAddr()
		if c.conn.State() != deadConn { // else nothing would take it out
			known[c] = a
		}
	}
	return a
}
