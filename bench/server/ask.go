package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A Request is the repeated request of a scenario.
type Request struct {
	Path     string
	Fields   []string // beside Host: "Name: value"
	Pipeline int      // requests in one write; 0 is 1
	Close    bool     // the connection must end with the answer
	TLS      bool
}

// Count returns the number of answers.
func (r Request) Count() int { return max(1, r.Pipeline) }

// AllFields returns the headers, including that of Close.
func (r Request) AllFields() []string {
	if r.Close {
		return append(r.Fields[:len(r.Fields):len(r.Fields)], "Connection: close")
	}
	return r.Fields
}

// Text returns one request, as wrk sends it.
func (r Request) Text(address string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", r.Path, address)
	for _, f := range r.AllFields() {
		b.WriteString(f + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// URL returns the URL for wrk.
func (r Request) URL(address string) string {
	if r.TLS {
		return "https://" + address + r.Path
	}
	return "http://" + address + r.Path
}

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
	c, cipher, err := connect(ctx, address, r.TLS, patience)
	if err != nil {
		return nil, err
	}
	defer c.Close()
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

func connect(ctx context.Context, address string, encrypted bool, patience time.Duration) (net.Conn, string, error) {
	d := net.Dialer{Timeout: patience}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, "", err
	}
	c.SetDeadline(time.Now().Add(patience))
	if !encrypted {
		return c, "", nil
	}
	t := tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // the certificate is bench's
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, "", err
	}
	s := t.ConnectionState()
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
