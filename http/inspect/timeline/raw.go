package timeline

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The raw form, in which records come from a server: a line with a Hello in JSON, then
// blocks. A block has the number of its loop, the number of records that are lost before
// it, and its size in bytes, each as an unsigned varint, and then its records. A record is
// a byte with its kind, the nanoseconds since the record before it in the block (the first:
// since loop 0 was made) as a signed varint, its connection and its request as unsigned
// varints, and its Arg as a signed one. A gauge has no connection and no request. A block
// needs no other block, so a server may leave some out.

// Kinds of records that no loop makes: gauges of a loop, in Arg.
const (
	Open eventloop.Kind = 0xfe // connections
	Owed eventloop.Kind = 0xff // bytes that are queued for peers
)

// Limits of the raw form. A reader refuses what is larger.
const (
	mostHello = 1 << 20
	mostBlock = 1 << 20 // bytes
	mostLoops = 1 << 10
)

// A Hello is what a timeline needs of the object that a server sends first.
type Hello struct {
	Schema  int      `json:"schema"` // 1
	Version string   `json:"version"`
	Loops   int      `json:"loops"`
	You     []uint32 `json:"you"`    // loop and connection of the one that records
	Phases  []string `json:"phases"` // of a turn, in their order
	Kinds   []string `json:"kinds"`  // names of records, by number; "" where there is none
	Routes  []string `json:"routes"` // from 1; the first is ""
}

// A Block is some records of one loop, in their order. Their times are since loop 0 was
// made.
type Block struct {
	Loop    int
	Lost    uint64 // records before these
	Records []eventloop.Record
}

// An Encoder makes blocks of the records of one loop.
type Encoder struct {
	Loop   int
	Offset time.Duration // from the moment loop 0 was made to that of this loop

	lost    uint64
	records uint64
	last    time.Duration
	body    []byte
}

// Add adds records, before which some are lost. In front of what is lost a block ends, so
// Add may be called for more than one block only with lost 0.
func (e *Encoder) Add(records []eventloop.Record, lost uint64) {
	if lost > 0 && e.records > 0 {
		e.Drop() // what is there would be in the wrong place; it is rare
	}
	e.lost += lost
	for i := range records {
		r := &records[i]
		e.head(r.Kind, r.At)
		e.body = binary.AppendUvarint(e.body, uint64(r.Conn))
		e.body = binary.AppendUvarint(e.body, uint64(r.Request))
		e.body = binary.AppendVarint(e.body, r.Arg)
	}
	e.records += uint64(len(records))
}

// Gauge adds the value of Open or Owed.
func (e *Encoder) Gauge(kind eventloop.Kind, at time.Duration, value int64) {
	e.head(kind, at)
	e.body = binary.AppendVarint(e.body, value)
}

func (e *Encoder) head(kind eventloop.Kind, at time.Duration) {
	at += e.Offset
	e.body = append(e.body, byte(kind))
	e.body = binary.AppendVarint(e.body, int64(at-e.last))
	e.last = at
}

// Len returns how many bytes of records there are.
func (e *Encoder) Len() int { return len(e.body) }

// Append appends the block to dst, and begins the next one.
func (e *Encoder) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.Loop))
	dst = binary.AppendUvarint(dst, e.lost)
	dst = binary.AppendUvarint(dst, uint64(len(e.body)))
	dst = append(dst, e.body...)
	e.lost = 0
	e.clear()
	return dst
}

// Drop gives up the block: its records are lost, which the next one tells.
func (e *Encoder) Drop() {
	e.lost += e.records
	e.clear()
}

// Lose counts the records of blocks that were made and not sent.
func (e *Encoder) Lose(records uint64) { e.lost += records }

// Records returns how many records are in the block.
func (e *Encoder) Records() uint64 { return e.records }

func (e *Encoder) clear() {
	e.body, e.records, e.last = e.body[:0], 0, 0
}

// A Reader reads the raw form.
type Reader struct {
	Hello Hello
	Line  []byte // the Hello as it came, without the end of its line

	r     *bufio.Reader
	block Block
	body  []byte
}

// NewReader reads the first line.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	for more := true; more; {
		part, isPrefix, err := d.r.ReadLine()
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", errNoHello, err)
		}
		if d.Line = append(d.Line, part...); len(d.Line) > mostHello {
			return nil, errNoHello
		}
		more = isPrefix
	}
	if err := json.Unmarshal(d.Line, &d.Hello); err != nil {
		return nil, errNoHello
	}
	if d.Hello.Schema != 1 {
		return nil, fmt.Errorf("the records have schema %d, and this program reads 1: use the bobbin of the server's version", d.Hello.Schema)
	}
	if d.Hello.Loops < 1 || d.Hello.Loops > mostLoops {
		return nil, fmt.Errorf("the records are of %d loops", d.Hello.Loops)
	}
	return d, nil
}

var (
	errNoHello  = errors.New("these are no records of bobbin: the first line does not say so")
	errBadBlock = errors.New("the records are malformed")
)

// Next returns the next block, which is valid until the next call, and io.EOF behind the
// last. Records that end in the middle of a block are io.ErrUnexpectedEOF.
func (d *Reader) Next() (*Block, error) {
	loop, err := binary.ReadUvarint(d.r)
	if err != nil {
		return nil, err
	}
	lost, err := binary.ReadUvarint(d.r)
	size := uint64(0)
	if err == nil {
		size, err = binary.ReadUvarint(d.r)
	}
	if err != nil {
		return nil, unexpected(err)
	}
	if loop >= uint64(d.Hello.Loops) || size > mostBlock {
		return nil, errBadBlock
	}
	if uint64(cap(d.body)) < size {
		d.body = make([]byte, size)
	}
	d.body = d.body[:size]
	if _, err := io.ReadFull(d.r, d.body); err != nil {
		return nil, unexpected(err)
	}
	d.block.Loop, d.block.Lost = int(loop), lost
	d.block.Records, err = appendRecords(d.block.Records[:0], d.body)
	return &d.block, err
}

// AddRaw adds a block in the raw form, as an Encoder has appended it.
func (b *Builder) AddRaw(p []byte) error {
	f := fields{p: p}
	loop, lost, size := f.unsigned(), f.unsigned(), f.unsigned()
	if f.bad || size != uint64(len(f.p)) || loop >= uint64(len(b.loops)) {
		return errBadBlock
	}
	var err error
	b.block.Loop, b.block.Lost = int(loop), lost
	if b.block.Records, err = appendRecords(b.block.Records[:0], f.p); err == nil {
		b.Add(&b.block)
	}
	return err
}

// unexpected is the error for an end within a block.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendRecords appends the records of a block.
func appendRecords(dst []eventloop.Record, p []byte) ([]eventloop.Record, error) {
	at := int64(0)
	for len(p) > 0 {
		r := eventloop.Record{Kind: eventloop.Kind(p[0])}
		f := fields{p: p[1:]}
		at += f.signed()
		r.At = time.Duration(at)
		if r.Kind < Open {
			r.Conn, r.Request = f.number(), f.number()
		}
		r.Arg = f.signed()
		if f.bad {
			return dst, errBadBlock
		}
		dst, p = append(dst, r), f.p
	}
	return dst, nil
}

// fields reads varints.
type fields struct {
	p   []byte
	bad bool
}

func (f *fields) signed() int64 {
	v, n := binary.Varint(f.p)
	f.skip(n)
	return v
}

func (f *fields) unsigned() uint64 {
	v, n := binary.Uvarint(f.p)
	f.skip(n)
	return v
}

func (f *fields) number() uint32 {
	v := f.unsigned()
	if v > 1<<32-1 {
		f.bad = true
	}
	return uint32(v)
}

func (f *fields) skip(n int) {
	if n <= 0 {
		f.bad, f.p = true, nil
		return
	}
	f.p = f.p[n:]
}
