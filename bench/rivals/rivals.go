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

// A Job is the task of a rival.
type Job struct {
	Address     string
	Folder      string // files, "" for none
	Certificate string // PEM, "" for no TLS
	Key         string
}

// Asked parses the command line.
func Asked() Job {
	var j Job
	port := flag.Int("port", 0, "port to listen on")
	flag.StringVar(&j.Folder, "folder", "", "folder to serve")
	flag.StringVar(&j.Certificate, "cert", "", "certificate, PEM")
	flag.StringVar(&j.Key, "key", "", "its key, PEM")
	flag.Parse()
	j.Address = fmt.Sprintf("127.0.0.1:%d", *port)
	return j
}
