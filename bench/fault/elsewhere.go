//go:build !linux

package main

// readHangup is a word that poll has on Linux alone.
const readHangup = 0

// A network is a namespace of its own.
type network struct {
	inside, probe string
	enter         []string
}

func (t *trial) network() (*network, error) {
	return nil, skipped("there are no network namespaces on this system")
}

func (n *network) cut() error { return nil }

func (t *trial) hang(string) error { return skipped("there is no FUSE on this system") }
