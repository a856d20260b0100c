package child

import "syscall"

// apart gives a child a process group of its own. If this program is killed before it
// can end its children, the kernel sends them SIGTERM, so that nginx ends its worker
// as well.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
