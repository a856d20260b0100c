package static

import (
	"reflect"
	"syscall"
	"time"
)

// inodeChanged returns when an inode was changed last: its content, its links, its times.
// The field is Ctim on Linux and OpenBSD, and Ctimespec on macOS, FreeBSD and NetBSD.
func inodeChanged(st *syscall.Stat_t) time.Time {
	fields := reflect.ValueOf(st).Elem()
	at := fields.FieldByName("Ctim")
	if !at.IsValid() {
		at = fields.FieldByName("Ctimespec")
	}
	changed := at.Interface().(syscall.Timespec)
	return time.Unix(changed.Unix())
}
