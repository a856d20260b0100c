// Package rivals has the common flags of the Go servers in this folder. Each of them
// is written as in its own documentation, without tricks: the comparison is about
// common use.
package rivals

import (
	"flag"
	"fmt"
)

// Hello is the answer to /bench.
const Hello = "Hello, World!"

// The paths of servers for WebSocket.
const (
	EchoPath  = "/echo"  // sends each message back
	TopicPath = "/topic" // sends each message to all clients of this path
)

// A Job is the task of a rival.
type Job struct {
	Address     string
	Folder      string // files, "" for none
	Certificate string // PEM, "" for no TLS
	Key         string
	HTTP2       bool // in plain text, too
}

// Asked parses the command line.
func Asked() Job {
	var j Job
	port := flag.Int("port", 0, "port to listen on")
	flag.StringVar(&j.Folder, "folder", "", "folder to serve")
	flag.StringVar(&j.Certificate, "cert", "", "certificate, PEM")
	flag.StringVar(&j.Key, "key", "", "its key, PEM")
	flag.BoolVar(&j.HTTP2, "http2", false, "speak HTTP/2, also without TLS")
	flag.Parse()
	j.Address = fmt.Sprintf("127.0.0.1:%d", *port)
	return j
}
