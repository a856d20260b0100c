//go:build !linux

package main

// readHangup is POLLRDHUP, which only Linux has.
const readHangup = 0

// A network is a namespace of its own.
type network struct {
	inside, probe string
	enter         []string
}

func (t *trial) network() (*network, error) {
	return nil, skipped("network namespaces need Linux")
}

func (n *network) cut() error { return nil }

func (t *trial) hang(string) error { return skipped("FUSE needs Linux") }
