package sidebars

import (
	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// loops is how many wait for clients.
const loops = 8

// Herd has one client connect, and counts the loops that are told.
func Herd() (careless, careful int, err error) {
	if careless, err = woken(false); err != nil {
		return 0, 0, err
	}
	careful, err = woken(true)
	return careless, careful, err
}

// #region herd

func woken(careful bool) (n int, err error) {
	listener, address, err := listen(careful, nil)
	if err != nil {
		return 0, err
	}
	var pollers [loops]*ready.Poller
	for i := range pollers {
		if i > 0 && careful { // each has a socket of its own
			if listener, _, err = listen(careful, address); err != nil {
				return 0, err
			}
		}
		if pollers[i], err = ready.Open(); err != nil {
			return 0, err
		}
		if err = pollers[i].Watch(listener, ready.Level); err != nil {
			return 0, err
		}
	}
	if err := connect(address); err != nil {
		return 0, err
	}
	for _, poller := range pollers {
		events, err := poller.Wait(make([]ready.Event, 8), 0)
		if err != nil {
			return 0, err
		}
		n += events
	}
	return n, nil
}

// #endregion

// listen makes a listening socket, at a free port if there is no address. Shared lets
// others listen at the same port.
func listen(shared bool, at *unix.SockaddrInet4) (listener int, address *unix.SockaddrInet4, err error) {
	if listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err != nil {
		return 0, nil, err
	}
	if shared {
		err = unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}
	if at == nil {
		at = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	}
	if err == nil {
		err = unix.Bind(listener, at)
	}
	if err == nil {
		err = unix.Listen(listener, 16)
	}
	if err != nil {
		return 0, nil, err
	}
	unix.SetNonblock(listener, true)
	name, err := unix.Getsockname(listener)
	if err != nil {
		return 0, nil, err
	}
	return listener, name.(*unix.SockaddrInet4), nil
}

// connect makes a client, which stays.
func connect(address *unix.SockaddrInet4) error {
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return unix.Connect(client, address)
}
