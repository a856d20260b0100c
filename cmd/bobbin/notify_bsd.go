//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package main

// timeOfReload returns nothing: the time is for systemd, which runs on Linux.
func timeOfReload() []string { return nil }
