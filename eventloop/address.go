package eventloop

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin"
)

// ParseAddress reads an address to listen at, in one of the forms
//
//	:8080              every interface, IPv4 and IPv6
//	localhost:8080     this machine only, IPv4 and IPv6
//	192.0.2.1:8080     one interface
//	[2001:db8::1]:8080 one interface
//	unix:/run/site     a Unix socket
//	unix:/run/site?mode=0660
//	                   one whose file has these permissions, in octal
//	fd:3               a socket that listens already, as a service manager passes it
//
// Port 0 lets the kernel choose; http is 80, and https 443. The result has one address
// for each socket that is needed. Names other than localhost are not looked up here.
func ParseAddress(s string) ([]bobbin.Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		return parsePath(s, path)
	}
	if number, ok := strings.CutPrefix(s, "fd:"); ok {
		fd, err := strconv.ParseUint(number, 10, 31)
		if err != nil || fd < 3 {
			return nil, fmt.Errorf("%q: write fd: and the number of a descriptor, from 3 on", s)
		}
		return []bobbin.Address{{FD: int(fd)}}, nil
	}
	at := strings.LastIndexByte(s, ':')
	if at < 0 || at < strings.LastIndexByte(s, ']') {
		return nil, withoutPort(s)
	}
	if rest, ok := strings.CutPrefix(s, "http://"); ok {
		return nil, fmt.Errorf("%q is a URL: write %s", s, strings.TrimSuffix(rest, "/"))
	}
	port, err := parsePort(s[at+1:])
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s, err)
	}
	internet := func(ips ...string) (list []bobbin.Address) {
		for _, ip := range ips {
			list = append(list, bobbin.Address{IP: netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(port))})
		}
		return list
	}
	switch host := s[:at]; host {
	case "", "*":
		return internet("::"), nil
	case "localhost":
		return internet("127.0.0.1", "::1"), nil
	default:
		ip, err := parseHost(host, port)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", s, err)
		}
		return internet(ip.String()), nil
	}
}

// parsePort reads a port, or the name of one that a web server has.
func parsePort(text string) (uint64, error) {
	switch text {
	case "http":
		return 80, nil
	case "https":
		return 443, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errors.New("the port must be a number from 0 to 65535, http or https")
	}
	return port, nil
}

// parseHost reads an IPv4 address, or an IPv6 address in brackets. The port is for what an
// error proposes.
func parseHost(host string, port uint64) (netip.Addr, error) {
	bare, opens := strings.CutPrefix(host, "[")
	bare, closes := strings.CutSuffix(bare, "]")
	ip, err := netip.ParseAddr(bare)
	switch {
	case err != nil:
		return ip, fmt.Errorf("%s is not an IP address", host)
	case ip.Is6() && !(opens && closes):
		return ip, fmt.Errorf("write the IPv6 address in brackets: [%s]:%d", bare, port)
	case ip.Is4() && (opens || closes):
		return ip, fmt.Errorf("only IPv6 addresses stand in brackets: write %s:%d", bare, port)
	}
	return ip, nil
}

// withoutPort proposes what may be meant by an address without a port.
func withoutPort(s string) error {
	switch _, err := strconv.ParseUint(s, 10, 16); {
	case err == nil:
		return fmt.Errorf("%q is only a port: write :%s, or localhost:%[2]s for this machine only", s, s)
	case strings.Contains(s, "/"):
		return fmt.Errorf("%q has no port; for a Unix socket, write unix:%s", s, s)
	}
	return fmt.Errorf("%q has no port: write %s:8080", s, s)
}

// parsePath reads the path of a Unix socket, and its mode.
func parsePath(s, text string) ([]bobbin.Address, error) {
	path, options, _ := strings.Cut(text, "?")
	if path == "" {
		return nil, fmt.Errorf("%q names no path: write unix:/path/to/socket", s)
	}
	at := bobbin.Address{Path: path}
	if options == "" {
		return []bobbin.Address{at}, nil
	}
	digits, ok := strings.CutPrefix(options, "mode=")
	mode, err := strconv.ParseUint(digits, 8, 32)
	switch {
	case !ok:
		return nil, fmt.Errorf("%q: %q is unknown behind the path: write %s?mode=0660", s, options, "unix:"+path)
	case err != nil || mode == 0 || mode > 0o777:
		return nil, fmt.Errorf("%q: the mode %q is not an octal number up to 0777, such as 0660", s, digits)
	case path[0] == '@':
		return nil, fmt.Errorf("%q: an abstract socket has no file, and so no mode", s)
	}
	at.Mode = fs.FileMode(mode)
	return []bobbin.Address{at}, nil
}

// ListenAt opens a listening socket for each address that s means, see
// ParseAddress: all of them at the port that the first one got.
func (l *Loop) ListenAt(s string, how bobbin.ListenOptions, begin func(*Conn) Protocol) ([]*Listener, error) {
	list, err := ParseAddress(s)
	if err != nil {
		return nil, err
	}
	var opened []*Listener
	for i, at := range list {
		if i > 0 {
			at.IP = netip.AddrPortFrom(at.IP.Addr(), opened[0].Addr().IP.Port())
		}
		more, err := l.listenOne(at, how, begin)
		if err != nil && i > 0 && !errors.Is(err, bobbin.ErrInUse) {
			continue // a machine without IPv6 still has a localhost
		}
		if err != nil {
			for _, ln := range opened {
				ln.Close()
			}
			return nil, fmt.Errorf("cannot listen on %s: %w", at, err)
		}
		opened = append(opened, more...)
	}
	return opened, nil
}

// listenOne opens one socket, or one for each family where a wildcard cannot
// mean both.
func (l *Loop) listenOne(at bobbin.Address, how bobbin.ListenOptions, begin func(*Conn) Protocol) ([]*Listener, error) {
	wildcard := at.Path == "" && at.FD == 0 && at.IP.Addr() == netip.IPv6Unspecified()
	how.BothFamilies = wildcard
	ln, err := l.Listen(at, how, begin)
	if err == nil {
		return []*Listener{ln}, nil
	}
	if !wildcard || errors.Is(err, bobbin.ErrInUse) {
		return nil, err
	}
	// No socket for both families, or no IPv6 at all: IPv4 must work, and IPv6
	// is welcome.
	how.BothFamilies = false
	four, err := l.Listen(bobbin.Address{IP: netip.AddrPortFrom(netip.IPv4Unspecified(), at.IP.Port())}, how, begin)
	if err != nil {
		return nil, err
	}
	six, err := l.Listen(bobbin.Address{IP: netip.AddrPortFrom(at.IP.Addr(), four.Addr().IP.Port())}, how, begin)
	if err != nil {
		return []*Listener{four}, nil
	}
	return []*Listener{four, six}, nil
}
