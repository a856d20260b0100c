package http

// Unsent returns how many bytes on the way to the client it has not acknowledged: those
// in the queue and, as far as the kernel tells, those in the kernel. It asks the kernel
// each time. A program that has something newer to send each time waits until it is 0, so
// that a slow client gets fewer answers and not older ones.
func (h *Held) Unsent() int64 {
	if !h.Live() {
		return 0
	}
	return h.x.conn.conn.Unsent()
}
