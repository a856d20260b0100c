// Package rivals is what the Go servers of this folder are told, and that they
// are told it in the same way. Each of them is written as its own documentation
// has it, without tricks: what is compared is what people run.
package rivals

import (
	"flag"
	"fmt"
)

// Hello is what /bench answers.
const Hello = "Hello, World!"

// A Job is what a rival is to serve, and where.
type Job struct {
	Address     string
	Folder      string // files, "" for none
	Certificate string // PEM, "" for no TLS
	Key         string
}

// Asked reads the command line.
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
