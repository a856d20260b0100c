package http

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// Limits has a field for each limit and each deadline of a server. A field that is 0
// has its default, which stands beside it with the effect on the client. Sizes are
// bytes. A time or a number too large to be counted with is reduced to the largest
// possible one. Server.SetLimits replaces them while a server runs.
//
// A server that buffers or waits without end can be made to fail by any client: see
// RFC 9112 section 2 and RFC 9110 section 17.
type Limits struct {
	// The head of a request.
	EmptyLines  int // before a request line; 2; 400
	RequestLine int // method, target and version; 8 KiB; 414
	FieldLine   int // one header, name and value; 8 KiB; 431
	FieldBytes  int // all headers, trailers too; 32 KiB; 431
	FieldCount  int // headers, trailers too; 100; 431

	// The body of a request.
	Body           int64 // kept in memory for a handler; 1 MiB; 413
	BodiesTotal    int64 // kept for all handlers of a loop; 64 MiB; from three quarters on 503 for the largest of the client that holds most
	Discard        int64 // read and discarded so that the client sees the answer; 64 KiB; close
	ChunkExtension int   // after one chunk size; 256; 400
	ChunkOverhead  int   // framing beyond the bytes it carries; 16 KiB; 400

	// One connection.
	Requests int           // answered on it; 10,000; "Connection: close" on the last
	Age      time.Duration // since accept; 1 h; "Connection: close" on the next answer
	Pieces   int           // of one Topic, published and not yet sent to all; 256; Publish returns ErrFull
	Turn     int           // requests answered in one turn; 16; the rest waits for the next

	// One connection of HTTP/2.
	Streams          int // requests that are open at once; 100; the stream is refused
	Resets           int // streams that were reset, by either side, ten of which come back in a second, and one with each answer; 200; GOAWAY
	HeaderBlock      int // a field block as it is sent; 16 KiB; GOAWAY
	Continuations    int // frames behind the first of a field block; 8; GOAWAY
	Crumbs           int // pieces of Cookie, which count as one field; 256; 431
	Settings         int // frames in ten seconds, and settings in one; 32; GOAWAY
	ControlQueue     int // answers to SETTINGS and PING, and resets, that the client has not taken; 64; reading stops
	Useless          int // frames that do nothing for a request, beyond those that do, of either side, and one a second; 1,000; GOAWAY
	StreamWindow     int // bytes of a body that may come before its handler reads; 256 KiB; FLOW_CONTROL_ERROR
	StreamWindowMost int // to which that grows for a handler that reads; 4 MiB, or StreamWindow if that is more
	ConnWindow       int // bytes of all bodies, once one comes; 1 MiB; FLOW_CONTROL_ERROR
	ConnWindowMost   int // to which that grows; 8 MiB, or ConnWindow if that is more
	LeastFrame       int // bytes of an answer for which a client has to make room, for a second; 1 KiB
	Ahead            int // bytes in frames that the socket has not taken; 64 KiB; the most urgent stream is next

	// Deadlines.
	HeadTimeout time.Duration // from the first byte of a head to its last, or from accept; 10 s; 408
	IdleTimeout time.Duration // between requests; 60 s; closed without an answer
	BodyTimeout time.Duration // between two pieces of a body; 15 s; 408
	BodyTime    time.Duration // for a body that is kept in memory, in all; 10 min; 408
	DiscardIdle time.Duration // between two pieces of a discarded body; 2 s; close
	DiscardTime time.Duration // for a discarded body in all; 5 s; close
	TunnelIdle  time.Duration // without a byte either way on a tunnel, unless it sets another; 10 min; closed
	MinRate     int64         // bytes a second of a body, over BodyTimeout, or of an answer; 240; 408 or reset
	RateGrace   time.Duration // before MinRate counts; 5 s

	// A client that takes nothing of an answer. Progress comes in jumps, minutes apart
	// where the client has a large buffer and reads it slowly, so bytes that it took
	// before earn it time: see docs/limits.md.
	SendTimeout time.Duration // in which it takes less than MinRate, besides earned time; 20 s; reset
	SendFree    int64         // of an answer, which earn no time; 128 KiB, which a kernel takes for a program that reads nothing
	SendRate    int64         // bytes beyond that which earn a second; 5,000: a client that takes so much a second is never reset
	SendSaved   time.Duration // earned at most; 2 min

	// The fields below are those of eventloop.Limits, for all connections of a loop.
	Conns       int   // open at once; 16,384 or as many as the descriptors allow; the client with most makes room for each newcomer
	PerAddress  int   // of those, from one client's address; no limit; its idlest is closed, else the newcomer is reset
	AcceptBatch int   // accepted in one turn from one listener; 64; the rest waits a turn
	OutputTotal int64 // queued output; 64 MiB; from three quarters on connections with output are not read, above it those with most are reset
	Detached    int   // taken by Hijack and not closed; 4,096, or a quarter of Conns; Hijack returns eventloop.ErrDetachedFull
	Offloads    int   // requests whose work, by Offload, waits for a worker or is being done; 1,024; 503
	Workers     int   // goroutines of a kind for work that waits for a disk; 32; more work waits for its turn
	Posts       int   // functions posted and not yet run; 65,536; Post returns ErrFull
	Handshakes  int   // steps of TLS handshakes in one turn, and on workers at a time; 8; more wait for their turn

	HandshakesTotal int64 // memory of TLS handshakes; 16 MiB; above three quarters the client that holds most loses its oldest, and from a quarter on its ClientHellos wait

	LargeWorkers  int           // goroutines for listings, compression and the like; 4; more work waits for its turn
	WorkerTimeout time.Duration // from the request for work until it is done; 20 s; 503, and the worker is replaced

	Drain     time.Duration // after Stop, for open requests; 10 s; reset
	StopGrace time.Duration // after Stop, for connections that the kernel has begun, and for requests on idle ones; 300 ms; closed

	// One connection.
	HandshakeTimeout time.Duration // of TLS, from accept to the end; 10 s; reset
	Hello            int           // declared length of a TLS ClientHello; 16 KiB; an alert
	Input            int           // read and not yet used; 128 KiB; reset
	HighWater        int           // queued output; 128 KiB; reading stops until half of this is left

	// One connection in one turn; the rest waits for the next, after the others.
	ReadBudget  int // 64 KiB
	WriteBudget int // 1 MiB of a file; bytes of memory go 256 KiB a call

	// A connection that is closed while the client may still be sending: its bytes
	// are read and discarded, so that no reset destroys the answer (RFC 9112 section
	// 9.6).
	LingerIdle  time.Duration // 2 s without a byte, then closed
	LingerGrace time.Duration // 5 s, and a second more for each LingerRate bytes, then closed
	LingerRate  int64         // 64 KiB
	LingerTotal time.Duration // 30 s, then closed
}

// ofLoop returns the fields that a loop has.
func (l Limits) ofLoop() (loop eventloop.Limits) {
	copyLoopFields(reflect.ValueOf(&loop).Elem(), reflect.ValueOf(l))
	return loop
}

// copyLoopFields copies all fields of eventloop.Limits by name.
func copyLoopFields(to, from reflect.Value) {
	for f := range reflect.TypeFor[eventloop.Limits]().Fields() {
		to.FieldByName(f.Name).Set(from.FieldByName(f.Name))
	}
}

func (l Limits) withDefaults() Limits {
	copyLoopFields(reflect.ValueOf(&l).Elem(), reflect.ValueOf(l.ofLoop().WithDefaults()))
	orDefault(&l.EmptyLines, 2)
	orDefault(&l.RequestLine, 8<<10)
	orDefault(&l.FieldLine, 8<<10)
	orDefault(&l.FieldBytes, 32<<10)
	orDefault(&l.FieldCount, 100)
	orDefault(&l.Body, 1<<20)
	orDefault(&l.BodiesTotal, 64<<20)
	orDefault(&l.Discard, 64<<10)
	orDefault(&l.ChunkExtension, 256)
	orDefault(&l.ChunkOverhead, 16<<10)
	orDefault(&l.Requests, 10_000)
	orDefault(&l.Age, time.Hour)
	orDefault(&l.Turn, 16)
	orDefault(&l.Pieces, 256)
	orDefault(&l.Offloads, 1024)
	orDefault(&l.Streams, 100)
	orDefault(&l.Resets, 200)
	orDefault(&l.HeaderBlock, 16<<10)
	orDefault(&l.Continuations, 8)
	orDefault(&l.Crumbs, 256)
	orDefault(&l.Settings, 32)
	orDefault(&l.ControlQueue, 64)
	orDefault(&l.Useless, 1000)
	orDefault(&l.StreamWindow, 256<<10)
	orDefault(&l.StreamWindowMost, max(4<<20, l.StreamWindow))
	orDefault(&l.ConnWindow, 1<<20)
	orDefault(&l.ConnWindowMost, max(8<<20, l.ConnWindow))
	orDefault(&l.LeastFrame, 1<<10)
	orDefault(&l.Ahead, 64<<10)
	orDefault(&l.HeadTimeout, 10*time.Second)
	orDefault(&l.IdleTimeout, time.Minute)
	orDefault(&l.BodyTimeout, 15*time.Second)
	orDefault(&l.BodyTime, 10*time.Minute)
	orDefault(&l.DiscardIdle, 2*time.Second)
	orDefault(&l.DiscardTime, 5*time.Second)
	orDefault(&l.TunnelIdle, 10*time.Minute)
	orDefault(&l.MinRate, 240)
	orDefault(&l.RateGrace, 5*time.Second)
	orDefault(&l.SendTimeout, 20*time.Second)
	orDefault(&l.SendFree, 128<<10)
	orDefault(&l.SendRate, 5000)
	orDefault(&l.SendSaved, 2*time.Minute)
	saturate(reflect.ValueOf(&l).Elem())
	return l
}

// Check returns an error if the limits cannot work, as NewServer does.
func (l Limits) Check() error {
	l = l.withDefaults()
	return l.check()
}

// The largest values. Larger ones are reduced to them, so that no sum of two, or of a
// time and now, overflows.
const (
	longest  = 50 * 365 * 24 * time.Hour
	largest  = math.MaxInt64 / 2
	largestN = math.MaxInt / 2
)

// saturate reduces values that are too large.
func saturate(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[time.Duration]():
			f.SetInt(min(f.Int(), int64(longest)))
		case f.Kind() == reflect.Int64:
			f.SetInt(min(f.Int(), largest))
		case f.Kind() == reflect.Int:
			f.SetInt(min(f.Int(), largestN))
		}
	}
}

// negative returns the name of a negative limit, or "".
func negative(v reflect.Value) string {
	for i := range v.NumField() {
		if v.Field(i).Int() < 0 {
			return v.Type().Field(i).Name
		}
	}
	return ""
}

// The largest values of limits with narrow counters, and of the read buffer.
const (
	mostRequests   = math.MaxInt32
	mostStreams    = math.MaxInt32
	mostExtension  = math.MaxInt32
	mostReadBudget = 1 << 29
)

// check refuses limits that cannot work.
func (l *Limits) check() error {
	if name := negative(reflect.ValueOf(*l)); name != "" {
		return fmt.Errorf("http: %s is below 0: a limit is a number from 1 on, or 0 for its default", name)
	}
	if err := tooShort(reflect.ValueOf(*l)); err != nil {
		return err
	}
	switch {
	case l.Requests > mostRequests:
		return fmt.Errorf("http: Requests can be from 1 to %d, and not %d", mostRequests, l.Requests)
	case l.ChunkExtension > mostExtension:
		return fmt.Errorf("http: ChunkExtension can be from 1 to %d, and not %d", mostExtension, l.ChunkExtension)
	case l.ReadBudget > mostReadBudget:
		return fmt.Errorf("http: ReadBudget, which a loop keeps room for, can be from 1 to %d, and not %d", mostReadBudget, l.ReadBudget)
	case max(l.RequestLine, l.FieldBytes, l.EmptyLines) > h1.MaxHead, l.RequestLine+l.FieldBytes+2*l.EmptyLines+4 > h1.MaxHead:
		return fmt.Errorf("http: a head of %d and %d bytes is more than the %d that can be parsed", l.RequestLine, l.FieldBytes, h1.MaxHead)
	case l.RequestLine+l.FieldBytes > l.Input:
		return fmt.Errorf("http: a head of %d and %d bytes is more than Input, %d, lets a connection hold", l.RequestLine, l.FieldBytes, l.Input)
	case l.FieldCount > h1.MaxFields:
		return fmt.Errorf("http: %d fields are more than the %d that can be parsed", l.FieldCount, h1.MaxFields)
	}
	return l.checkH2()
}

// checkH2 refuses limits that HTTP/2 has no room for: RFC 9113 sections 6.5.2 and 6.9.
func (l *Limits) checkH2() error {
	for _, one := range [...]struct {
		name           string
		n, least, most int
	}{
		{"Streams", l.Streams, 1, mostStreams},
		{"StreamWindow", l.StreamWindow, 1, h2.MaxWindow},
		{"StreamWindowMost", l.StreamWindowMost, l.StreamWindow, h2.MaxWindow},
		{"ConnWindow", l.ConnWindow, h2.DefaultWindow, h2.MaxWindow},
		{"ConnWindowMost", l.ConnWindowMost, l.ConnWindow, h2.MaxWindow},
		{"LeastFrame", l.LeastFrame, 1, h2.MinFrameSize},
	} {
		if one.n < one.least || one.n > one.most {
			return fmt.Errorf("http: %s can be from %d to %d, and not %d", one.name, one.least, one.most, one.n)
		}
	}
	return nil
}

// orDefault replaces 0 by the default.
func orDefault[T int | int64 | time.Duration](n *T, otherwise T) {
	if *n == 0 {
		*n = otherwise
	}
}

// parsing returns those of the limits that the parser keeps.
func (l *Limits) parsing() h1.Limits {
	return h1.Limits{
		EmptyLines:     l.EmptyLines,
		RequestLine:    l.RequestLine,
		FieldLine:      l.FieldLine,
		FieldBytes:     l.FieldBytes,
		FieldCount:     l.FieldCount,
		ChunkExtension: l.ChunkExtension,
		ChunkOverhead:  l.ChunkOverhead,
	}
}
