package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/h2"
	"github.com/bobbin-http/bobbin/bench/ws"
)

// An Answer is a received answer.
type Answer struct {
	Status int
	Body   []byte
	Length int    // bytes in all, with the head
	Closes bool   // the server ends the connection with it
	Cipher string // of the connection, "" without TLS
}

// Ask makes one request and reads all answers.
func Ask(ctx context.Context, address string, r Request, patience time.Duration) ([]Answer, error) {
	c, cipher, err := connect(ctx, address, r, patience)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	switch r.Protocol {
	case HTTP2:
		return askHTTP2(c, address, r, cipher)
	case WebSocket:
		return askWebSocket(c, address, r)
	}
	return askHTTP1(c, address, r, cipher)
}

func askHTTP1(c net.Conn, address string, r Request, cipher string) ([]Answer, error) {
	if _, err := io.WriteString(c, strings.Repeat(r.Text(address), r.Count())); err != nil {
		return nil, err
	}
	count := &counting{r: c}
	in := bufio.NewReader(count)
	var answers []Answer
	for i := range r.Count() {
		before := count.n - in.Buffered()
		a, err := read(in)
		if err != nil {
			return nil, fmt.Errorf("answer %d of %d: %w", i+1, r.Count(), err)
		}
		a.Length = count.n - in.Buffered() - before
		a.Cipher = cipher
		answers = append(answers, a)
	}
	if n := in.Buffered(); n > 0 {
		return nil, fmt.Errorf("%d bytes after the last answer", n)
	}
	last := &answers[len(answers)-1]
	if r.Close {
		if _, err := in.ReadByte(); err != io.EOF {
			return nil, fmt.Errorf("the connection stays open in spite of Connection: close: %v", err)
		}
		last.Closes = true
	}
	return answers, nil
}

// askHTTP2 makes as many requests at the same time as the scenario has streams.
func askHTTP2(c net.Conn, address string, r Request, cipher string) ([]Answer, error) {
	client, err := h2.Open(c)
	if err != nil {
		return nil, err
	}
	requests := make([]h2.Request, r.Count())
	for i := range requests {
		requests[i] = r.HTTP2(address, i)
	}
	got, err := client.Ask(requests...)
	if err != nil {
		return nil, err
	}
	answers := make([]Answer, len(got))
	for i, a := range got {
		answers[i] = Answer{Status: a.Status, Body: a.Body, Length: a.Length, Cipher: cipher}
	}
	return answers, nil
}

// askWebSocket sends as many messages at the same time as the scenario does, and waits for
// them to come back.
func askWebSocket(c net.Conn, address string, r Request) ([]Answer, error) {
	if err := ws.Open(c, address, r.Path, r.Fields); err != nil {
		return nil, err
	}
	message := ws.Message(r.Message)
	if _, err := c.Write(bytes.Repeat(ws.FromClient(message), r.Count())); err != nil {
		return nil, err
	}
	in := bufio.NewReader(c)
	answers := make([]Answer, r.Count())
	for i := range answers {
		p, length, err := ws.Read(in)
		if err != nil {
			return nil, fmt.Errorf("message %d of %d: %w", i+1, r.Count(), err)
		}
		answers[i] = Answer{Status: http.StatusSwitchingProtocols, Body: p, Length: length}
	}
	return answers, nil
}

func connect(ctx context.Context, address string, r Request, patience time.Duration) (net.Conn, string, error) {
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, "", err
	}
	c.SetDeadline(time.Now().Add(patience))
	if !r.TLS {
		return c, "", nil
	}
	config := &tls.Config{InsecureSkipVerify: true} // the certificate is bench's
	if r.Protocol == HTTP2 {
		config.NextProtos = []string{h2.Protocol}
	}
	t := tls.Client(c, config)
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, "", err
	}
	s := t.ConnectionState()
	if r.Protocol == HTTP2 && s.NegotiatedProtocol != h2.Protocol {
		c.Close()
		return nil, "", errors.New("it does not choose HTTP/2 in the handshake")
	}
	return t, tls.VersionName(s.Version) + " " + tls.CipherSuiteName(s.CipherSuite), nil
}

func read(in *bufio.Reader) (Answer, error) {
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return Answer{}, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: response.StatusCode, Body: body, Closes: response.Close}, nil
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// Same returns an error if answers differ from the expected one in status or body.
// Headers may differ, and the report shows them.
func Same(want Answer, got []Answer) error {
	for i, a := range got {
		which := "the answer"
		if len(got) > 1 {
			which = fmt.Sprintf("answer %d of %d", i+1, len(got))
		}
		switch {
		case a.Status != want.Status:
			return fmt.Errorf("%s has status %d instead of %d", which, a.Status, want.Status)
		case len(a.Body) != len(want.Body):
			return fmt.Errorf("%s has a body of %d bytes instead of %d", which, len(a.Body), len(want.Body))
		case !bytes.Equal(a.Body, want.Body):
			at := 0
			for a.Body[at] == want.Body[at] {
				at++
			}
			return fmt.Errorf("%s differs from byte %d on", which, at)
		}
	}
	return nil
}

// Check makes the request of a scenario, and compares the answers. It returns one of
// them.
func (r *Running) Check(ctx context.Context, request Request, want Answer) (Answer, error) {
	got, err := Ask(ctx, r.Address, request, 10*time.Second)
	if err != nil {
		return Answer{}, err
	}
	if err := Same(want, got); err != nil {
		return Answer{}, err
	}
	return got[0], nil
}
