package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A reach is what of the file system the program may use in its sandbox. A folder stands for
// all that is in it.
type reach struct {
	read  []string // may be read
	write []string // folders in which files may be made, written and removed
	bind  []string // folders in which Unix sockets may be made and removed
	run   []string // may be run: a program and its libraries
}

// Of these folders the sandbox allows a file in them and never all: they have the system's
// secrets, or everything.
var wideFolders = []string{"/", "/etc", "/home", "/usr", "/usr/local", "/var", "/run", "/proc", "/sys", "/dev", "/root"}

// isWide reports whether a folder holds more than one thing of one owner.
func isWide(folder string) bool {
	home, err := os.UserHomeDir()
	return slices.Contains(wideFolders, folder) || err == nil && folder == filepath.Clean(home)
}

// linksMax is how many symbolic links a path may have, as in the kernel.
const linksMax = 40

// holding returns the folders from which a name can be opened, now and when another file or
// folder has taken its place: the one that has it, and those of the symbolic links on the
// way. A deployment points a link elsewhere, an editor renames a new file, and the sandbox
// knows the files of its beginning only. In place of a folder that is wide it returns what
// is in it now.
func holding(name string) (folders []string) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil // there is no working folder
	}
	at, rest := "/", strings.Split(name[1:], "/")
	for links := 0; len(rest) > 0; rest = rest[1:] {
		next := filepath.Join(at, rest[0])
		target, err := os.Readlink(next)
		if err != nil {
			at = next
			continue
		}
		if links++; links > linksMax {
			return folders
		}
		if !isWide(at) {
			folders = append(folders, at)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append([]string{""}, append(strings.Split(target, "/"), rest[1:]...)...)
	}
	if folder := filepath.Dir(at); !isWide(folder) {
		return append(folders, folder)
	}
	return append(folders, at)
}

// reads adds names that may be read, with what may take their place.
func (r *reach) reads(names ...string) {
	for _, name := range names {
		if name != "" {
			r.read = append(r.read, holding(name)...)
		}
	}
}

// writes adds a name that is written and replaced.
func (r *reach) writes(name string) {
	if name != "" {
		r.write = append(r.write, holding(name)...)
	}
}

// binds adds the folders of the Unix sockets among addresses.
func (r *reach) binds(addresses ...string) {
	for _, text := range addresses {
		list, err := eventloop.ParseAddress(text)
		if err != nil {
			continue // none is given, or it was refused before
		}
		for _, at := range list {
			if at.Path != "" && at.FD == 0 {
				r.bind = append(r.bind, filepath.Dir(at.Path))
			}
		}
	}
}

// reach returns what the program needs from now on, reloads and upgrades included.
func (o *options) reach() reach {
	var r reach
	for _, o := range o.all() {
		if o.path != "" {
			r.reads(o.path)
			if o.site.upload != "" {
				r.write = append(r.write, o.path)
			}
		}
	}
	_, log, _ := strings.Cut(o.global.log, "=")
	r.writes(log)
	r.writes(o.life.portFile)
	for _, name := range o.reloadReads() {
		if name != log {
			r.reads(name)
		}
	}
	if o.selfTrace.name != "" && o.selfTrace.isFolder() {
		r.write = append(r.write, o.selfTrace.name)
	} else {
		r.writes(o.selfTrace.name)
	}
	r.reads(o.https.clientCA) // which an upgrade reads
	if o.https.mode == "auto" {
		if folder, err := o.https.acme.cache(); err == nil {
			r.write = append(r.write, folder)
		}
		r.reads(o.https.acme.ca, os.Getenv("SSL_CERT_FILE"))
		r.read = append(r.read, filepath.SplitList(os.Getenv("SSL_CERT_DIR"))...)
		r.read = append(r.read, authorities...)
		r.reads(resolver...)
	}
	r.binds(append(slices.Clone(o.at), o.watch.admin, o.https.redirect)...)
	if self, err := ownPath(os.Args[0]); err == nil {
		r.run = append(r.run, holding(self)...)
	}
	return r
}

// Files of the system that finding an ACME server and trusting it needs.
var (
	authorities = []string{
		"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs", "/etc/pki/tls/cacert.pem",
		"/etc/pki/ca-trust/extracted", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/usr/local/share/certs",
	}
	resolver = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services"}
)

// tidy returns names sorted and without those that are not there, or are in another.
func tidy(names []string) (list []string) {
	names = slices.Clone(names)
	for i := range names {
		if real, err := filepath.EvalSymlinks(names[i]); err == nil && names[i] != "" {
			names[i], _ = filepath.Abs(real)
		} else {
			names[i] = ""
		}
	}
	slices.Sort(names)
	for _, name := range names {
		in := func(folder string) bool {
			return name == folder || strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/")
		}
		if name != "" && !slices.ContainsFunc(list, in) {
			list = append(list, name)
		}
	}
	return list
}

// tidied returns a reach with its lists in order.
func (r reach) tidied() reach {
	return reach{tidy(r.read), tidy(r.write), tidy(r.bind), tidy(r.run)}
}
