package main

import (
	"errors"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// On Linux the sandbox is landlock, which an upgraded program inherits, and no_new_privs,
// which holds for it, too: no program that it starts has more rights than it.

const (
	readFiles  = ll.AccessFSReadFile | ll.AccessFSReadDir
	runFiles   = readFiles | ll.AccessFSExecute
	writeFiles = readFiles | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSMakeReg | ll.AccessFSRemoveFile
	bindFiles  = ll.AccessFSMakeSock | ll.AccessFSRemoveFile

	onFiles = ll.AccessFSReadFile | ll.AccessFSExecute | ll.AccessFSWriteFile | ll.AccessFSTruncate // of a file that is no folder
)

// What a program needs of the system, whatever it serves: its own figures, the time zone,
// how many cores it may use, and the libraries of one that is not static.
var (
	systemReads = []string{"/proc", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "/etc/localtime", "/usr/share/zoneinfo"}
	libraries   = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"}
)

// systemHasSandbox is true: where a kernel has none, the operator is told.
const systemHasSandbox = true

// enterSandbox restricts all threads to a reach.
func enterSandbox(r reach) error {
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if version, err := ll.LandlockGetABIVersion(); err != nil || version < 1 {
		return noSandbox("this kernel has no landlock, so permissions alone keep the program from other files")
	}
	var rules []landlock.Rule
	allow := func(access landlock.AccessFSSet, names ...string) {
		for _, name := range names {
			access := access
			if info, err := os.Stat(name); err != nil || !info.IsDir() {
				access &= onFiles
			}
			rules = append(rules, landlock.PathAccess(access, name).IgnoreIfMissing())
		}
	}
	allow(readFiles, systemReads...)
	allow(readFiles, r.read...)
	allow(writeFiles, r.write...)
	allow(writeFiles, os.DevNull)
	allow(bindFiles, r.bind...)
	allow(runFiles, r.run...)
	allow(runFiles, libraries...)
	err := landlock.V5.BestEffort().RestrictPaths(rules...)
	if errors.Is(err, unix.E2BIG) && confined() {
		return nil // as many upgrades as there can be layers: those hold
	}
	return err
}
