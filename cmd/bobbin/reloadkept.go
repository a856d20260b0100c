package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Settings that a process cannot change while it runs: where it listens, how many loops there
// are, the kind of HTTPS, and what watches it from its start on. A reload leaves them as they are
// and names those that the file changes.

// keptFlags are these settings, beside those about the kind of HTTPS.
var keptFlags = []string{"listen", "port", "public", "loops", "http2", "redirect-http", "admin", "trace", "events", "reload", "drain-delay", "port-file", "open", "tls-client-ca", "acme-email", "acme-server", "acme-ca", "acme-folder", "user", "sandbox"}

// keepFrom leaves settings as they are in the options of a server that runs, and returns the names of
// those that would be others.
func (o *options) keepFrom(running *options) (names []string) {
	note := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	started := running.started()
	differs := func(name string) bool { return valueOf(o, name) != valueOf(started, name) }
	for _, name := range keptFlags {
		if differs(name) && !o.unused[name] {
			note(name)
		}
	}
	h, was := &o.https, &running.https
	if h.on() != was.on() || h.mode != was.mode || h.mode == "auto" && !slices.Equal(h.domains, was.domains) {
		for _, name := range []string{"tls", "tls-cert", "tls-key", "domain"} {
			if differs(name) {
				note(name)
			}
		}
		h.mode, h.certs, h.keys, h.domains = was.mode, was.certs, was.keys, was.domains
	}
	h.acme, h.redirect, h.port = was.acme, was.redirect, was.port
	if running.site.reload && o.path != running.path {
		note("path") // the folder of before is watched
		o.path = running.path
	}
	o.at, o.first, o.loops, o.http2 = running.at, running.first, running.loops, running.http2
	o.watch.admin, o.watch.url, o.selfTrace, o.site.reload = running.watch.admin, running.watch.url, running.selfTrace, running.site.reload
	o.sandbox = running.sandbox
	o.level, o.atStart = running.level, started
	return names
}

// valueOf returns the value of a flag as text.
func valueOf(o *options, name string) string { return o.flags.Lookup(name).Value.String() }

// started returns the options of the start.
func (o *options) started() *options {
	if o.atStart != nil {
		return o.atStart
	}
	return o
}

// changedAt says that a setting has changed, and where.
func (o *options) changedAt(name string) string {
	from, ok := o.origin[name]
	if !ok {
		flag, _, _ := strings.Cut(name, ".")
		from = o.origin[flag]
	}
	if from.rank == byFile {
		return fmt.Sprintf("%s changed at %s", name, from.place)
	}
	return name + " changed"
}

// changes names the settings that a reload has changed, and what else is new.
func (c *setup) changes(was *setup, waiting []string, certsChanged bool) string {
	var names []string
	note := func(name string) {
		if !slices.Contains(waiting, name) && !slices.Contains(keptFlags, name) {
			names = append(names, name)
		}
	}
	if c.options.path != was.options.path {
		note("path")
	}
	if c.options.partsText() != was.options.partsText() {
		note("site")
	}
	c.options.flags.VisitAll(func(flag *pflag.Flag) {
		switch {
		case flag.Name == "limit":
			for _, name := range changedLimits(was.options.limits, c.options.limits) {
				note("limit." + name)
			}
		case valueOf(c.options, flag.Name) != valueOf(was.options, flag.Name):
			note(flag.Name)
		}
	})
	if certsChanged {
		names = append(names, "certificates until "+c.options.https.store.Expires().Format("2006-01-02"))
	}
	if len(names) == 0 {
		return "no setting"
	}
	return strings.Join(names, ", ")
}
