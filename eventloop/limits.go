package eventloop

import "time"

// Limits bound what one connection, or all of them, may hold of a loop. A
// field that is 0 means its default, which stands beside it with what happens
// when it is reached. Sizes are bytes.
type Limits struct {
	// All connections together.
	Conns       int   // open at once; 16,384 or what the descriptors allow; the client with most makes room for each newcomer
	PerAddress  int   // of those, from one client's address; no limit; its idlest goes, else the newcomer is reset
	AcceptBatch int   // accepted in one turn from one listener; 64; the rest waits a turn
	OutputTotal int64 // queued output; 64 MiB; from three quarters on connections with output are not read, above it those with most are reset
	Detached    int   // given to other owners and not closed; 4,096, or a quarter of Conns; Detach returns ErrDetachedFull
	Workers     int   // goroutines of a lane, for work that waits for a disk; 32; more wait for their turn
	Posts       int   // functions posted and not yet run; 65,536; Post returns ErrFull
	Handshakes  int   // steps of TLS handshakes in one turn, and with workers at a time; 8; more wait for their turn

	HandshakesTotal int64 // held by TLS handshakes under way; 16 MiB; above three quarters the client that holds most loses its oldest; see handshakes.go

	// For work that waits for a disk, or takes long.
	LargeWorkers  int           // goroutines for listings, compression and the like; 4; more wait for their turn
	WorkerTimeout time.Duration // from when work is wanted until it is done; 20 s; 503, and the worker is replaced

	Drain     time.Duration // after Stop, for what has begun; 10 s; reset
	StopGrace time.Duration // after Stop, for what is on its way: connections that the kernel has begun, and requests on idle ones; 300 ms; closed

	// One connection.
	HandshakeTimeout time.Duration // of TLS, from accept to the end; 10 s; reset
	Hello            int           // the first message of TLS, as it declares; 16 KiB; an alert

	Input     int // read and not yet used by its protocol; 128 KiB; aborted with one ReadBudget more
	HighWater int // written and not yet taken by the socket; 128 KiB; reading stops until half of this is left

	// One connection in one turn; what is left waits for the next, the others go first.
	ReadBudget  int // 64 KiB
	WriteBudget int // 1 MiB of a file; bytes of memory go 256 KiB a call

	// A connection that is closed while the peer may still be sending: its bytes are read
	// and thrown away, so that no reset destroys the answer (RFC 9112 section 9.6).
	LingerIdle  time.Duration // 2 s without a byte, then closed
	LingerGrace time.Duration // 5 s, and a second more for each LingerRate bytes, then closed
	LingerRate  int64         // 64 KiB
	LingerTotal time.Duration // 30 s, then closed
}

// WithDefaults returns l with each field that is 0 set to its default.
func (l Limits) WithDefaults() Limits {
	orDefault(&l.Conns, 16_384)
	orDefault(&l.Detached, max(1, min(4096, l.Conns/4)))
	orDefault(&l.AcceptBatch, 64)
	orDefault(&l.OutputTotal, 64<<20)
	orDefault(&l.Workers, 32)
	orDefault(&l.LargeWorkers, 4)
	orDefault(&l.WorkerTimeout, 20*time.Second)
	orDefault(&l.Posts, 65_536)
	orDefault(&l.Handshakes, 8)
	orDefault(&l.HandshakesTotal, 16<<20)
	orDefault(&l.Drain, 10*time.Second)
	orDefault(&l.StopGrace, 300*time.Millisecond)
	orDefault(&l.HandshakeTimeout, 10*time.Second)
	orDefault(&l.Hello, 16<<10)
	orDefault(&l.Input, 128<<10)
	orDefault(&l.HighWater, 128<<10)
	orDefault(&l.ReadBudget, 64<<10)
	orDefault(&l.WriteBudget, 1<<20)
	orDefault(&l.LingerIdle, 2*time.Second)
	orDefault(&l.LingerGrace, 5*time.Second)
	orDefault(&l.LingerRate, 64<<10)
	orDefault(&l.LingerTotal, 30*time.Second)
	return l
}

// orDefault puts the default where nothing was said.
func orDefault[T int | int64 | time.Duration](n *T, otherwise T) {
	if *n == 0 {
		*n = otherwise
	}
}
