package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// readHangup is the poll event of a FIN. Unlike read, poll reports it even before the
// bytes ahead of it are read.
const readHangup = unix.POLLRDHUP

// A network is a namespace of its own, reached over a pair of virtual cards with an
// MTU of 1500.
type network struct {
	inside string   // the address inside the namespace
	probe  string   // the probe's address, outside
	enter  []string // starts a program inside
	card   string   // outside
}

var networks atomic.Int32 // made so far

// network makes a network that lasts until the end of the scenario.
func (t *trial) network() (*network, error) {
	if os.Getuid() != 0 {
		return nil, skipped("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return nil, skipped("ip is not installed")
	}
	// Each has a name and a subnet of its own.
	number := (os.Getpid() + int(networks.Add(1))*61) % 250
	name, subnet := fmt.Sprintf("fault%d", number), fmt.Sprintf("10.198.%d.", number)
	n := &network{inside: subnet + "2", probe: subnet + "3", enter: []string{"ip", "netns", "exec", name}, card: name + "a"}
	if err := ip("netns add " + name); err != nil {
		return nil, skipped("cannot make a network namespace: " + err.Error())
	}
	t.atEnd(func() { ip("netns del " + name) })
	for _, command := range []string{
		"link add " + name + "a mtu 1500 type veth peer name " + name + "b mtu 1500 netns " + name,
		"address add " + subnet + "1/24 dev " + name + "a",
		"address add " + subnet + "3/24 dev " + name + "a",
		"link set " + name + "a up",
		"-n " + name + " address add " + subnet + "2/24 dev " + name + "b",
		"-n " + name + " link set lo up",
		"-n " + name + " link set " + name + "b up",
	} {
		if err := ip(command); err != nil {
			return nil, skipped("cannot make a virtual network: " + err.Error())
		}
	}
	// Segments of 1,448 bytes instead of 64 KiB at a time. An old ip lacks this
	// option.
	ip("link set " + name + "a gso_max_segs 1")
	ip("-n " + name + " link set " + name + "b gso_max_segs 1")
	return n, nil
}

// cut disconnects the network.
func (n *network) cut() error { return ip("link set " + n.card + " down") }

func ip(words string) error {
	out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", words, err, strings.TrimSpace(string(out)))
	}
	return nil
}
