package std

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	nethttp "net/http"

	"github.com/bobbin-http/bobbin/http"
)

// Hijack implements net/http's Hijacker. The connection is a *net.TCPConn or a
// *net.UnixConn, and over TLS a *tls.Conn. The reader has what was read and not used, the
// body of the request included. An answer that has begun is sent before; one with status
// 101, which is no answer of a server's by itself, with all of its fields.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.turns.Lock()
	defer a.turns.Unlock()
	if err := a.gone(); err != nil {
		return nil, nil, err
	}
	switches := a.began && a.to.Status() == http.StatusSwitchingProtocols
	if a.began && !switches {
		if err := a.flush(); err != nil {
			return nil, nil, err
		}
	}
	d, err := a.to.Hijack()
	if err != nil {
		return nil, nil, err
	}
	a.hijacked = true
	if switches {
		if err := writeSwitch(d.Conn, a.fields); err != nil {
			return nil, nil, errors.Join(err, d.Conn.Close())
		}
	}
	from := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(d.Rest), d.Conn), max(len(d.Rest), 4096))
	if len(d.Rest) > 0 {
		_, _ = from.Peek(len(d.Rest)) // so that they are in Buffered
	}
	return d.Conn, bufio.NewReadWriter(from, bufio.NewWriter(d.Conn)), nil
}

// writeSwitch writes the head of a 101.
func writeSwitch(to io.Writer, fields nethttp.Header) error {
	var head bytes.Buffer
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := fields.Write(&head); err != nil {
		return err
	}
	head.WriteString("\r\n")
	_, err := head.WriteTo(to)
	return err
}

var _ nethttp.Hijacker = (*answer)(nil)
