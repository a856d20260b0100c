package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An account is the user of --user, which the program becomes when its sockets are open and
// its keys are read. Root's rights are then gone for good.
type account struct {
	name     string // as given, without the group
	uid, gid int
	groups   []int // with gid
}

// findAccount finds the account for NAME[:GROUP]. Both may be numbers, which need no entry
// in the system's lists: a container from scratch has none.
func findAccount(text string) (*account, error) {
	name, group, hasGroup := strings.Cut(text, ":")
	if name == "" || hasGroup && group == "" {
		return nil, fmt.Errorf("--user %s: write the name of a user, or USER:GROUP", text)
	}
	a := &account{name: name}
	if n, ok := idOf(name); ok {
		a.uid, a.gid = n, n
		if known, err := user.LookupId(name); err == nil {
			a.gid, _ = idOf(known.Gid)
			a.groups = groupsOf(known)
		}
	} else {
		known, err := user.Lookup(name)
		if err != nil {
			return nil, notFound("user", name, err)
		}
		a.uid, _ = idOf(known.Uid)
		a.gid, _ = idOf(known.Gid)
		a.groups = groupsOf(known)
	}
	if hasGroup {
		n, ok := idOf(group)
		if !ok {
			known, err := user.LookupGroup(group)
			if err != nil {
				return nil, notFound("group", group, err)
			}
			n, _ = idOf(known.Gid)
		}
		a.gid, a.groups = n, nil // the group alone, because it was asked for
	}
	if a.uid == 0 || a.gid == 0 {
		return nil, fmt.Errorf("--user %s: this is root, or root's group: name a user with fewer rights", text)
	}
	if !slices.Contains(a.groups, a.gid) {
		a.groups = append([]int{a.gid}, a.groups...)
	}
	return a, nil
}

// idOf reads the number of a user or a group.
func idOf(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// groupsOf returns the groups that a user is in, without root's.
func groupsOf(u *user.User) (groups []int) {
	list, err := u.GroupIds()
	if err != nil {
		return nil // its own group remains
	}
	for _, text := range list {
		if n, ok := idOf(text); ok && n != 0 {
			groups = append(groups, n)
		}
	}
	return groups
}

// notFound says what is missing.
func notFound(kind, name string, err error) error {
	var noUser user.UnknownUserError
	var noGroup user.UnknownGroupError
	if errors.As(err, &noUser) || errors.As(err, &noGroup) {
		return fmt.Errorf("--user: there is no %s %q on this machine", kind, name)
	}
	return fmt.Errorf("--user: the %s %q was not found: %w", kind, name, err)
}

// is reports whether the process has this account already, as after an upgrade of a program
// that had taken it.
func (a *account) is() bool {
	return os.Getuid() == a.uid && os.Geteuid() == a.uid && os.Getgid() == a.gid && os.Getegid() == a.gid
}

// become gives up root's rights, on all threads, and looks whether they are gone: a server
// that does not look keeps them in silence if a call has failed (CVE-2013-4559).
func (a *account) become() error {
	if a.is() {
		return nil
	}
	if err := syscall.Setgroups(a.groups); err != nil {
		return a.failed("setgroups", err)
	}
	if err := syscall.Setgid(a.gid); err != nil {
		return a.failed("setgid", err)
	}
	if err := syscall.Setuid(a.uid); err != nil {
		return a.failed("setuid", err)
	}
	return a.verify()
}

func (a *account) failed(call string, err error) error {
	return fmt.Errorf("--user %s: %s: %w; only root can become another user", a.name, call, err)
}

// verify looks at what the process is, and tries to become root again.
func (a *account) verify() error {
	if !a.is() {
		return fmt.Errorf("--user %s: the system has left the process as user %d:%d, group %d:%d", a.name, os.Getuid(), os.Geteuid(), os.Getgid(), os.Getegid())
	}
	groups, err := os.Getgroups()
	if err != nil {
		return a.failed("getgroups", err)
	}
	for _, n := range groups {
		if !slices.Contains(a.groups, n) {
			return fmt.Errorf("--user %s: the system has left the process in group %d", a.name, n)
		}
	}
	for call, again := range map[string]func() error{
		"setuid":   func() error { return syscall.Setuid(0) },
		"seteuid":  func() error { return syscall.Setreuid(-1, 0) },
		"setgid":   func() error { return syscall.Setgid(0) },
		"setegid":  func() error { return syscall.Setregid(-1, 0) },
		"setgroup": func() error { return syscall.Setgroups([]int{0}) },
	} {
		if again() == nil {
			return fmt.Errorf("--user %s: the process could become root again by %s", a.name, call)
		}
	}
	return nil
}

// makeFolder makes a folder for the user, unless it is there.
func (a *account) makeFolder(name string) error {
	err := os.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Lchown(name, a.uid, a.gid)
}

// makeFile makes an empty file for the user, unless it is there. With O_EXCL no link is
// followed, so that the file is not another's.
func (a *account) makeFile(name string) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Chown(a.uid, a.gid)
}
