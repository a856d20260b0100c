package websocket

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// deflateFrom is how long a message is that is deflated: below it, the gain is less than
// the cost.
const deflateFrom = 512

// The ends of deflated data: each message ends in an empty block, of which four octets are
// not sent (RFC 7692 section 7.2.1). The end of the whole stream is for the Reader.
const (
	endOfMessage = "\x00\x00\xff\xff"
	endOfStream  = "\x01\x00\x00\xff\xff"
)

// mostStreams is how many streams a message may have, each with a last block: nothing needs
// more than one, and each costs as much as a Reader's beginning.
const mostStreams = 8

// A deflater has the Writer and the Reader of a loop. One of each is enough, because no
// session is called while a message is deflated or inflated.
type deflater struct {
	to     sink
	writer *flate.Writer
	reader io.ReadCloser
}

// A sink takes what a Writer writes.
type sink struct{ p []byte }

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	s.p = append(s.p, p...)
	return len(p), nil
}

// mayDeflate reports whether a message is deflated for a window of so many bits. What lies
// further behind than the window is never referred to, so one that is smaller than the Writer's
// is for messages that fit into it.
func mayDeflate(p []byte, bits uint8) bool {
	return len(p) >= deflateFrom && (bits == largestWindow || bits > 0 && len(p) <= 1<<bits)
}

// deflate appends p, deflated.
func (d *deflater) deflate(dst, p []byte) []byte {
	d.to.p = dst
	if d.writer == nil {
		d.writer, _ = flate.NewWriter(&d.to, flate.BestSpeed) // the level is one
	} else {
		d.writer.Reset(&d.to)
	}
	d.writer.Write(p) // a sink has no errors
	d.writer.Flush()
	dst, d.to.p = d.to.p, nil
	return bytes.TrimSuffix(dst, []byte(endOfMessage))
}

// Why a deflated message ends the session.
var (
	errInflate = &ws.Violation{Code: ws.InvalidData, Reason: "a message cannot be inflated"}
	errStreams = &ws.Violation{Code: ws.InvalidData, Reason: "a message is of too many deflated streams"}
)

// inflate appends the message that p is the deflated form of. It stops when the message is
// larger than it may be.
func (d *deflater) inflate(dst, p []byte, most int64) ([]byte, *ws.Violation) {
	from := bytes.NewReader(p)
	tail := strings.NewReader(endOfMessage + endOfStream)
	source := &joined{from, tail}
	for range mostStreams {
		window := dst[max(0, len(dst)-1<<largestWindow):]
		if d.reader == nil {
			d.reader = flate.NewReaderDict(source, window)
		} else {
			d.reader.(flate.Resetter).Reset(source, window) // it has no errors
		}
		var why *ws.Violation
		if dst, why = d.inflateStream(dst, most); why != nil {
			return dst, why
		}
		if from.Len() == 0 {
			return dst, nil
		}
	}
	return dst, errStreams
}

// inflateStream appends what the Reader reads.
func (d *deflater) inflateStream(dst []byte, most int64) ([]byte, *ws.Violation) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := d.reader.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case int64(len(dst)) > most:
			return dst, ws.ErrTooBig
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, errInflate
		}
	}
}

// joined reads a message and its end, octet by octet where a Reader asks so: it takes no
// more than it needs.
type joined struct {
	first *bytes.Reader
	then  *strings.Reader
}

// Read implements io.Reader.
func (j *joined) Read(p []byte) (int, error) {
	if j.first.Len() > 0 {
		return j.first.Read(p)
	}
	return j.then.Read(p)
}

// ReadByte implements io.ByteReader.
func (j *joined) ReadByte() (byte, error) {
	if j.first.Len() > 0 {
		return j.first.ReadByte()
	}
	return j.then.ReadByte()
}
