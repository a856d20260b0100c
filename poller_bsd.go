//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// kqueue implements Kernel on macOS and the BSDs.
//
// Every call here goes through x/sys, which uses the system's C library where that is
// the only way in: Darwin's call numbers are private, and OpenBSD ends a process that
// makes system calls by itself. The wrappers tell the Go scheduler, so the loop may
// sleep in kevent.
type kqueue struct {
	clock
	fd  int
	raw []unix.Kevent_t // filled by the kernel

	// A pipe wakes the loop. EVFILT_USER would save two descriptors, but x/sys
	// has none for OpenBSD and NetBSD, and one way is enough.
	pipe  [2]int        // the end to read from, the end to write to
	woken atomic.Uint32 // awake, asleep or called
}

// Open returns the kernel of this machine.
func Open() (Kernel, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, fmt.Errorf("bobbin: kqueue: %w", err)
	}
	unix.CloseOnExec(fd)
	k := &kqueue{clock: clock{time.Now()}, fd: fd, raw: make([]unix.Kevent_t, 256)}
	if err := k.openPipe(); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return k, nil
}

func (k *kqueue) openPipe() error {
	if err := unix.Pipe(k.pipe[:]); err != nil {
		return fmt.Errorf("bobbin: pipe: %w", err)
	}
	err := k.watchPipe()
	if err != nil {
		unix.Close(k.pipe[0])
		unix.Close(k.pipe[1])
	}
	return err
}

func (k *kqueue) watchPipe() error {
	for _, end := range k.pipe {
		unix.CloseOnExec(end)
		if err := unix.SetNonblock(end, true); err != nil {
			return failed("set non-blocking", end, err)
		}
	}
	// Without EV_CLEAR: the event stays until the pipe is read empty, so that
	// no wake-up can be lost.
	var change [1]unix.Kevent_t
	unix.SetKevent(&change[0], k.pipe[0], unix.EVFILT_READ, unix.EV_ADD)
	if _, err := k.kevent(change[:], nil, &unix.Timespec{}); err != nil {
		return failed("kevent", k.pipe[0], err)
	}
	return nil
}

// kevent repeats an interrupted registration: adding a filter twice changes nothing. It
// is not for waiting, where the loop has to know of an interruption.
func (k *kqueue) kevent(changes, events []unix.Kevent_t, timeout *unix.Timespec) (int, error) {
	for {
		n, err := unix.Kevent(k.fd, changes, events, timeout)
		if err != unix.EINTR {
			return n, err
		}
	}
}

// Watch implements Kernel by two filters with EV_CLEAR: each fires once for each change,
// and not as long as the state lasts.
func (k *kqueue) Watch(fd int) error {
	var changes [2]unix.Kevent_t
	unix.SetKevent(&changes[0], fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR)
	unix.SetKevent(&changes[1], fd, unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_CLEAR)
	if _, err := k.kevent(changes[:], nil, &unix.Timespec{}); err != nil {
		return failed("kevent", fd, err)
	}
	return nil
}

// Detach implements Kernel. The filters belong to the descriptor, and end with it.
func (k *kqueue) Detach(fd int) (net.Conn, error) { return netConn(fd) }

// Wait implements Kernel.
func (k *kqueue) Wait(events []Event, until time.Duration) (int, error) {
	defer k.woken.Store(awake)
	var atOnce unix.Timespec
	timeout := &atOnce
	if until > NoWait && k.woken.CompareAndSwap(awake, asleep) {
		timeout = k.untilThen(until)
	}
	room := min(len(events), len(k.raw))
	n, err := unix.Kevent(k.fd, nil, k.raw[:room], timeout)
	if err == unix.EINTR || err == unix.ETIMEDOUT {
		// The time may have come, or the machine may have slept: sockets that
		// became ready meanwhile go before any timer. (Darwin returns
		// ETIMEDOUT at times.)
		n, err = k.kevent(nil, k.raw[:room], &atOnce)
	}
	if err != nil {
		return 0, failed("kevent", k.fd, err)
	}
	return k.report(events, k.raw[:n]), nil
}

// longest is a timeout that Darwin still accepts. It returns EINVAL for much longer ones.
const longest = 1_000_000 * time.Second

// untilThen returns the timeout for a time, nil for no end.
func (k *kqueue) untilThen(until time.Duration) *unix.Timespec {
	if until == Forever {
		return nil
	}
	ts := unix.NsecToTimespec(int64(min(max(until-k.Monotonic(), 0), longest)))
	return &ts
}

// report translates the kernel's events. Reading and writing are two filters and so two
// events, in any order.
func (k *kqueue) report(events []Event, raw []unix.Kevent_t) int {
	n := 0
	for i := range raw {
		ev := &raw[i]
		fd := int(ev.Ident)
		if fd == k.pipe[0] {
			k.drain()
			continue
		}
		ready := Readable
		if int(ev.Filter) == int(unix.EVFILT_WRITE) {
			ready = Writable
		}
		// EV_EOF comes with the peer's last bytes, and not after them. On the
		// write filter it means that nothing can be sent any more.
		if int(ev.Flags)&int(unix.EV_EOF|unix.EV_ERROR) != 0 {
			ready |= Readable | HungUp
		}
		events[n] = Event{FD: fd, Ready: ready}
		n++
	}
	return n
}

// drain empties the pipe, so that its event goes away.
func (k *kqueue) drain() {
	var p [64]byte
	for {
		n, err := unix.Read(k.pipe[0], p[:])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
	}
}

// Wake implements Kernel. Only the first call for a sleeping loop makes a system call.
func (k *kqueue) Wake() error {
	if k.woken.Swap(called) != asleep {
		return nil
	}
	for {
		_, err := unix.Write(k.pipe[1], []byte{1})
		switch err {
		case unix.EINTR:
			continue
		case nil, unix.EAGAIN: // EAGAIN: it is full of wake-ups
			return nil
		}
		return failed("wake", k.pipe[1], err)
	}
}

// WatchFolder implements Kernel. kqueue watches single files, each of which has to be
// open for that.
func (k *kqueue) WatchFolder(string) (FolderWatch, error) { return nil, errors.ErrUnsupported }

// Shut implements Kernel.
func (k *kqueue) Shut() error {
	unix.Close(k.pipe[0])
	unix.Close(k.pipe[1])
	return unix.Close(k.fd)
}
