package server

import (
	"fmt"
	"strings"

	"github.com/bobbin-http/bobbin/bench/h2"
)

// A Request is the repeated request of a scenario, or the repeated message.
type Request struct {
	Protocol Protocol
	Path     string
	Paths    int      // so many different queries after the path, in turn; 0 for none
	Fields   []string // beside Host: "Name: value"
	Pipeline int      // requests in one write, streams or messages at the same time; 0 is 1
	Message  int      // bytes of a message over WebSocket
	Close    bool     // the connection must end with the answer
	TLS      bool
}

// A Protocol is what a server is asked by.
type Protocol string

const (
	HTTP1     Protocol = ""
	HTTP2     Protocol = "HTTP/2"
	WebSocket Protocol = "WebSocket"
)

// String returns the name of the protocol.
func (p Protocol) String() string {
	if p == HTTP1 {
		return "HTTP/1.1"
	}
	return string(p)
}

// Count returns the number of answers.
func (r Request) Count() int { return max(1, r.Pipeline) }

// Target returns the path of the i-th request, with its query.
func (r Request) Target(i int) string {
	if r.Paths == 0 {
		return r.Path
	}
	return fmt.Sprintf("%s?page=%04d", r.Path, i%r.Paths)
}

// Targets returns all different ones, or nil if there is only one.
func (r Request) Targets() []string {
	var all []string
	for i := range r.Paths {
		all = append(all, r.Target(i))
	}
	return all
}

// HTTP2 returns the i-th request for HTTP/2.
func (r Request) HTTP2(address string, i int) h2.Request {
	scheme := "http"
	if r.TLS {
		scheme = "https"
	}
	return h2.Request{Scheme: scheme, Authority: address, Path: r.Target(i), Fields: r.Fields}
}

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
