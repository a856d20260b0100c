package bobbin

import "strconv"

// A socket that listens already comes from a service manager (systemd's socket
// activation, by its number), from a parent process, or from another part of the program.
// Kernel.Listen makes a descriptor of its own for it, and leaves the given one to its owner.

// text is the address as a user would type it.
func (a Address) text() string {
	switch {
	case a.FD != 0:
		return "fd:" + strconv.Itoa(a.FD)
	case a.Path != "":
		return "unix:" + a.Path
	}
	return a.IP.String()
}
