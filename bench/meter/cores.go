package meter

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// Cores are those of the server and its client.
type Cores struct {
	Server, Client int    // child.AnyCore if they are not bound to one
	Words          string // the same, for the report
}

// ChooseCores picks two cores that share as little as possible: two threads of one
// core would slow each other down.
func ChooseCores() Cores {
	anywhere := func(why string) Cores {
		return Cores{child.AnyCore, child.AnyCore, "server and client run on any core: " + why}
	}
	if !child.CanPin() {
		return anywhere("taskset is missing")
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return anywhere("/proc is missing")
	}
	_, rest, _ := strings.Cut(string(status), "Cpus_allowed_list:")
	list, _, _ := strings.Cut(rest, "\n")
	allowed, err := parseCores(strings.TrimSpace(list))
	if err != nil || len(allowed) == 0 {
		return anywhere("the list of cores is unknown")
	}
	if len(allowed) == 1 {
		return Cores{allowed[0], allowed[0], fmt.Sprintf("server and client share core %d, the only one: the figures of one contain the other", allowed[0])}
	}
	server := allowed[0]
	siblings := threadsOf(server)
	for _, client := range allowed[1:] {
		if !siblings[client] {
			return Cores{server, client, fmt.Sprintf("server on core %d, client on core %d", server, client)}
		}
	}
	return Cores{server, allowed[1], fmt.Sprintf("server on %d, client on %d, which are two threads of one core and slow each other down", server, allowed[1])}
}

// threadsOf returns the threads that share a core with this one.
func threadsOf(core int) map[int]bool {
	set := make(map[int]bool)
	text, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", core))
	if err != nil {
		return set
	}
	list, _ := parseCores(strings.TrimSpace(string(text)))
	for _, c := range list {
		set[c] = true
	}
	return set
}

// parseCores parses a list of the kernel, such as "0-3,8".
func parseCores(list string) ([]int, error) {
	var cores []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return nil, err
		}
		last := first
		if isRange {
			if last, err = strconv.Atoi(to); err != nil {
				return nil, err
			}
		}
		for c := first; c <= last; c++ {
			cores = append(cores, c)
		}
	}
	return cores, nil
}

// RoundTrip returns the time of a message from one core to the other and back. On a
// virtual machine it may change several-fold from one minute to the next, and all
// times with it, while instructions stay the same. So it is measured before each
// round and reported. It is 0 where it cannot be measured.
func (c Cores) RoundTrip() time.Duration {
	if c.Server == c.Client || c.Server == child.AnyCore {
		return 0
	}
	return roundTrip(c.Server, c.Client)
}
