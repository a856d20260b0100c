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
	return r.x.conn.conn.LocalAddr()
}
