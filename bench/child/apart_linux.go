package child

import "syscall"

// apart gives a child a process group of its own. Should this program be killed
// without a chance to end its children, the kernel asks them to end: politely,
// so that nginx takes its worker along.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
