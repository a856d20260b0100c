//go:build darwin || freebsd || netbsd

package static

import (
	"syscall"
	"time"
)

// inodeChanged returns when an inode was changed last: its content, its links, its times.
func inodeChanged(st *syscall.Stat_t) time.Time { return time.Unix(st.Ctimespec.Unix()) }
