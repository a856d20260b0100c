// Package h2 is a small client of HTTP/2. It makes some requests at the same time and
// reads their answers: for the checks of the servers, and for connections that are held
// idle. Load comes from h2load.
package h2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Protocol is the name of HTTP/2 in a TLS handshake.
const Protocol = http2.NextProtoTLS

// A Request is a GET.
type Request struct {
	Scheme    string
	Authority string
	Path      string
	Fields    []string // "Name: value"
}

// An Answer is a complete answer.
type Answer struct {
	Status int
	Body   []byte
	Length int // bytes of its frames, with their heads
}

// window is the largest window, for streams and for the connection, so that no answer
// waits for credit.
const window = 1<<31 - 1

// A Conn is a connection on which requests are made. It belongs to one goroutine.
type Conn struct {
	framer *http2.Framer
	out    io.Writer
	staged bytes.Buffer // frames that are not yet written
	block  bytes.Buffer
	encode *hpack.Encoder
	next   uint32 // stream
}

// Open sends the preface and the settings, and does not wait for the server's.
func Open(over io.ReadWriter) (*Conn, error) {
	c := &Conn{out: over, next: 1}
	c.framer = http2.NewFramer(&c.staged, over)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encode = hpack.NewEncoder(&c.block)
	c.staged.WriteString(http2.ClientPreface)
	err := errors.Join(
		c.framer.WriteSettings(
			http2.Setting{ID: http2.SettingEnablePush, Val: 0},
			http2.Setting{ID: http2.SettingInitialWindowSize, Val: window},
		),
		c.framer.WriteWindowUpdate(0, window-65_535), // beyond what each connection begins with
		c.flush(),
	)
	return c, err
}

// flush writes the staged frames at once.
func (c *Conn) flush() error {
	_, err := c.out.Write(c.staged.Bytes())
	c.staged.Reset()
	return err
}

// Ask makes requests in one write and returns their answers, in the order of the requests.
func (c *Conn) Ask(all ...Request) ([]Answer, error) {
	first := c.next
	for _, r := range all {
		if err := c.request(r); err != nil {
			return nil, err
		}
	}
	if err := c.flush(); err != nil {
		return nil, err
	}
	answers := make([]Answer, len(all))
	for open := len(all); open > 0; {
		f, err := c.framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		h := f.Header()
		stream := int(h.StreamID) - int(first)
		if stream < 0 || stream/2 >= len(all) { // the connection, or an earlier request
			stream = 0
		}
		ended, err := c.take(f, &answers[stream/2])
		if err != nil {
			return nil, err
		}
		if ended {
			open--
		}
	}
	return answers, nil
}

// request stages the HEADERS frame of a request.
func (c *Conn) request(r Request) error {
	c.block.Reset()
	field := func(name, value string) error {
		return c.encode.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	err := errors.Join(field(":method", "GET"), field(":scheme", r.Scheme), field(":authority", r.Authority), field(":path", r.Path))
	for _, f := range r.Fields {
		name, value, _ := strings.Cut(f, ": ")
		err = errors.Join(err, field(strings.ToLower(name), value))
	}
	err = errors.Join(err, c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: c.next, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true,
	}))
	c.next += 2
	return err
}

// take adds a frame to an answer, and reports whether it is the last one of it.
func (c *Conn) take(f http2.Frame, a *Answer) (ended bool, err error) {
	const frameHead = 9
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return false, errors.Join(c.framer.WriteSettingsAck(), c.flush())
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return false, errors.Join(c.framer.WritePing(true, f.Data), c.flush())
		}
	case *http2.MetaHeadersFrame:
		a.Length += frameHead + int(f.Length)
		if status := f.PseudoValue("status"); status != "" {
			if a.Status, err = strconv.Atoi(status); err != nil {
				return false, fmt.Errorf("status: %w", err)
			}
		}
		return f.StreamEnded(), nil
	case *http2.DataFrame:
		a.Length += frameHead + int(f.Length)
		a.Body = append(a.Body, f.Data()...)
		return f.StreamEnded(), nil
	case *http2.RSTStreamFrame:
		return false, fmt.Errorf("the server resets stream %d: %v", f.StreamID, f.ErrCode)
	case *http2.GoAwayFrame:
		return false, fmt.Errorf("the server ends the connection: %v %s", f.ErrCode, f.DebugData())
	}
	return false, nil
}
