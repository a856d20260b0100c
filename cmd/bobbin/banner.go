package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/bobbin-http/bobbin"
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
		fmt.Fprintf(w, "bobbin %s listening %s root=%q poller=%s pid=%d%s\n", version, strings.Join(at, ","), root, poller(), os.Getpid(), more)
		return
	}
	fmt.Fprintf(w, "bobbin %s serves %s\n", version, root)
	for _, u := range at {
		fmt.Fprintf(w, "  %s\n", u)
	}
	if f := o.https.fingerprint(); f != "" {
		fmt.Fprintf(w, "  self-signed certificate, browsers will warn; its SHA-256 is\n  %s\n", f)
	}
	if o.local() {
		fmt.Fprintln(w, "  on this machine only; --public opens it to the network")
	}
	fmt.Fprintln(w, "  Ctrl-C stops")
}

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
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied: allow bobbin to read it, or name another folder", path)
	}
	return err
}
