//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

// Kernels are the ways to open this machine's kernel, for the table that all of
// them pass.
func Kernels() map[string]func() (Kernel, error) {
	return map[string]func() (Kernel, error){"kqueue": Open}
}

// Asleep reports whether the loop's goroutine has said that it sleeps. Any goroutine
// may ask.
func Asleep(k Kernel) bool { return k.(*kqueue).woken.Load() == asleep }
