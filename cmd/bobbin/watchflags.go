package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
)

// The flags for those who watch the server: operators, their monitoring, and people who
// want to see the loop.

// watchOptions are these flags.
type watchOptions struct {
	admin  string
	xray   bool
	health string

	url string // of the operator's address, when it is open
}

func (w *watchOptions) define(f *pflag.FlagSet) {
	f.StringVar(&w.admin, "admin", "", "also listen on this `address`, such as localhost:9090 or unix:/run/bobbin, for /-/metrics, /-/healthy, /-/ready, /-/xray and /-/pprof/")
	f.BoolVar(&w.xray, "xray", false, "show the event loop at /-/xray of the site, and /-/metrics, to this machine only")
	f.StringVar(&w.health, "health", "", "answer health checks at this `path` of the site, such as /healthz: 200, and 503 from the beginning of a stop")
	inGroup(f, groupWatch, "admin", "xray", "health")
}

// check refuses values that cannot be meant.
func (w *watchOptions) check(o *options) error {
	if err := checkHealthPath(w.health); err != nil {
		return err
	}
	if w.xray {
		if strings.HasPrefix(w.health, "/-/xray") || w.health == "/-/metrics" {
			return fmt.Errorf("--health %s: --xray has this path: choose another, such as /healthz", w.health)
		}
		if len(o.global.trusted) > 0 {
			o.warn("--trust tells of a proxy, and --xray shows the loop to all clients on this machine: strangers look like one if the proxy runs here and names them in no field; use --admin in place of --xray")
		}
	}
	if w.admin == "" {
		return nil
	}
	admin, err := eventloop.ParseAddress(w.admin)
	if err != nil {
		if _, mended := eventloop.ParseAddress(w.admin + ":9090"); mended == nil {
			return fmt.Errorf("--admin: %q has no port: write %[1]s:9090", w.admin) // and not 8080, which the site has
		}
		return fmt.Errorf("--admin: %w", err)
	}
	for _, own := range []struct {
		flag string
		list []string
	}{{o.listenFlag(), o.at}, {"--redirect-http", []string{o.https.redirect}}} {
		for _, text := range own.list {
			list, err := eventloop.ParseAddress(text)
			if err != nil {
				continue // is none, or was refused before
			}
			if overlap(admin, list) {
				return fmt.Errorf("--admin %s: the site itself has this address, %s by %s: choose another with --admin", w.admin, text, own.flag)
			}
		}
	}
	if w.admin != "" && reachable(admin) {
		o.warn("--admin %s is open to the network: every client that reaches it sees metrics and health, connections and routes at /-/xray, and memory and stacks at /-/pprof/; write localhost or unix: in front, or keep others out by a firewall", w.admin)
	}
	return nil
}

// overlap reports whether two lists of addresses have one socket in common.
func overlap(a, b []bobbin.Address) bool {
	for _, one := range a {
		for _, other := range b {
			switch {
			case one.FD != 0 || other.FD != 0:
				if one.FD == other.FD {
					return true
				}
			case one.Path != "" || other.Path != "":
				if one.Path == other.Path {
					return true
				}
			case one.IP.Port() != 0 && one.IP.Port() == other.IP.Port():
				if one.IP.Addr() == other.IP.Addr() || one.IP.Addr().IsUnspecified() || other.IP.Addr().IsUnspecified() {
					return true
				}
			}
		}
	}
	return false
}

// reachable reports whether other machines may reach one of the addresses.
func reachable(list []bobbin.Address) bool {
	for _, at := range list {
		if at.FD != 0 {
			at = boundTo(at.FD)
		}
		if at.Path == "" && !at.IP.Addr().IsLoopback() {
			return true
		}
	}
	return false
}

// checkHealthPath refuses a path that no request has, and that of the first page.
func checkHealthPath(path string) error {
	switch {
	case path == "":
		return nil
	case strings.Contains(path, "://"):
		return fmt.Errorf("--health %s: write the path only, such as /healthz", path)
	case path[0] != '/':
		return fmt.Errorf("--health %s: a path begins with a slash: write /%[1]s", path)
	case path == "/":
		return errors.New("--health /: it would take the place of the first page: choose a path such as /healthz")
	case strings.ContainsAny(path, "?#%* \t"):
		return fmt.Errorf("--health %s: write one path as it is requested, such as /healthz, with none of ?, #, %%, * and blanks", path)
	}
	return nil
}
