package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
)

// banner prints the addresses once they are open. The one-line form, for programs, is
// stable.
func banner(w io.Writer, o options, at []string, terminal bool) {
	root := o.path
	if root == "" {
		root = "(default site)"
	}
	if !terminal {
		more := ""
		if f := o.https.fingerprint(); f != "" {
			more = " fingerprint=" + f
		}
		if o.loops > 1 {
			more += fmt.Sprintf(" loops=%d", o.loops)
		}
		if o.watch.url != "" {
			more += " admin=" + o.watch.url
		}
		fmt.Fprintf(w, "bobbin %s listening %s root=%q poller=%s pid=%d%s\n", version, strings.Join(at, ","), root, poller(), os.Getpid(), more)
		return
	}
	fmt.Fprintf(w, "bobbin %s serves %s\n", version, root)
	for i, u := range at {
		fmt.Fprintf(w, "  %s\n", u)
		if i < len(o.at) {
			for _, other := range onNetwork(o.at[i], u) {
				fmt.Fprintf(w, "  %s\n", other)
			}
		}
	}
	if f := o.https.fingerprint(); f != "" {
		fmt.Fprintf(w, "  self-signed certificate, browsers will warn; its SHA-256 is\n  %s\n", f)
	}
	if o.local() {
		fmt.Fprintln(w, "  on this machine only; --public opens it to the network")
	}
	if o.watch.url != "" {
		fmt.Fprintf(w, "  %s for the operator\n", o.watch.url)
	}
	fmt.Fprintln(w, "  Ctrl-C stops")
}

// onNetwork returns the URLs of this machine at a wildcard address, for other machines.
// Shown is its URL for this machine.
func onNetwork(asked, shown string) (urls []string) {
	list, err := eventloop.ParseAddress(asked)
	if err != nil || len(list) != 1 || !list[0].IP.Addr().IsUnspecified() {
		return nil
	}
	before, port, _ := strings.Cut(shown, "localhost")
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil // the URL above is right all the same
	}
	for _, a := range own {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(network.IP)
		if ip = ip.Unmap(); !ok || !ip.IsGlobalUnicast() || list[0].IP.Addr().Is4() && !ip.Is4() {
			continue
		}
		host := ip.String()
		if ip.Is6() {
			host = "[" + host + "]"
		}
		urls = append(urls, before+host+port)
		if len(urls) == networkMax {
			break
		}
	}
	return urls
}

// networkMax is the most URLs that are shown for one address: a machine with containers
// has hundreds.
const networkMax = 6

func poller() string {
	if runtime.GOOS == "linux" {
		return "epoll"
	}
	return "kqueue"
}

// url returns the URL of a listener, for a browser.
func url(scheme, asked string, bound bobbin.Address) string {
	if bound.Path != "" {
		return bound.String()
	}
	host := bound.IP.Addr().String()
	switch {
	case strings.HasPrefix(asked, "localhost:"), bound.IP.Addr().IsUnspecified():
		host = "localhost"
	case bound.IP.Addr().Is6():
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s://%s:%d/", scheme, host, bound.IP.Port())
}

// explainPath turns an error about the folder into one that says what to do.
func explainPath(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) && commands[path] != nil:
		return fmt.Errorf("%s: no such folder or file; the command comes first: write bobbin %[1]s, and flags behind it", path)
	case errors.Is(err, fs.ErrNotExist) && nearest(path, commandNames()) != "":
		return fmt.Errorf("%s: no such folder or file%s", path, meant(path, commandNames()))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such folder or file: name one that exists, or none for the default site", path)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s: a part of this path is a file and not a folder", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: allow bobbin to read it, or name another folder", path, fs.ErrPermission)
	}
	return err
}
