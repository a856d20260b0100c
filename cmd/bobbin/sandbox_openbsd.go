package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// On OpenBSD the sandbox is unveil, for files, and pledge, for system calls. An upgraded
// program is in neither, and makes its own.

// promises are what serving, reloading, ACME and an upgrade need.
const promises = "stdio rpath wpath cpath fattr inet unix dns route proc exec"

// systemHasSandbox is true.
const systemHasSandbox = true

// enterSandbox shows the process what is in a reach, and nothing else.
func enterSandbox(r reach) error {
	for _, part := range []struct {
		rights string
		names  []string
	}{
		{"r", append([]string{"/etc/localtime", "/usr/share/zoneinfo"}, r.read...)},
		{"rwc", r.write},
		{"rw", []string{os.DevNull}},
		{"rwc", r.bind},
		{"rx", append([]string{"/usr/lib", "/usr/libexec/ld.so", "/var/run/ld.so.hints"}, r.run...)},
	} {
		for _, name := range part.names {
			if err := unix.Unveil(name, part.rights); err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("unveil %s: %w", name, err)
			}
		}
	}
	if err := unix.UnveilBlock(); err != nil {
		return fmt.Errorf("unveil: %w", err)
	}
	if err := unix.PledgePromises(promises); err != nil {
		return fmt.Errorf("pledge: %w", err)
	}
	return nil
}
