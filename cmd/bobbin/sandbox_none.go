//go:build darwin || dragonfly || freebsd || netbsd

package main

import "runtime"

// systemHasSandbox is false on systems of which no version has one.
const systemHasSandbox = false

// enterSandbox has nothing to enter: macOS has no supported call for it, and capsicum of
// FreeBSD forbids every path, which the files of a site have.
func enterSandbox(reach) error {
	return noSandbox(runtime.GOOS + " has none, so permissions alone keep the program from other files")
}
