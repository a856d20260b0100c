package main

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"

	"github.com/bobbin-http/bobbin"
)

// A service manager may open the sockets and pass them on: descriptors from 3 on, as many
// as LISTEN_FDS says, for the process that LISTEN_PID names (sd_listen_fds(3)).

// activated returns the addresses of the sockets that were passed to a process.
func activated(env func(string) string, pid int) (at []string, err error) {
	count := env("LISTEN_FDS")
	if count == "" || env("LISTEN_PID") != strconv.Itoa(pid) {
		return nil, nil
	}
	n, err := strconv.ParseUint(count, 10, 10)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_FDS is %q, and has to be the number of sockets that were passed", count)
	}
	for fd := range int(n) {
		at = append(at, fmt.Sprintf("fd:%d", 3+fd))
	}
	return at, nil
}

// takeActivation has the sockets that were passed go before --listen, --port and --public,
// unless one of them was typed.
func (o *options) takeActivation(env func(string) string) error {
	at, err := activated(env, os.Getpid())
	if err != nil || len(at) == 0 {
		return err
	}
	for _, name := range []string{"listen", "port", "public"} {
		if o.origin[name].rank == byCommandLine {
			o.warn("the sockets of LISTEN_FDS are not used, because --%s was given", name)
			return nil
		}
	}
	o.at = at
	return nil
}

// boundTo returns the address of a socket that was passed. One that is no socket is
// refused when it is listened on.
func boundTo(fd int) bobbin.Address {
	name, _ := syscall.Getsockname(fd)
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return bobbin.Address{IP: netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port))}
	case *syscall.SockaddrInet6:
		return bobbin.Address{IP: netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), uint16(name.Port))}
	}
	return bobbin.Address{Path: fmt.Sprintf("fd:%d", fd)}
}
