package main

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// hang mounts a file system that never answers: a lookup of any name waits until the
// end of the scenario. It is FUSE with a daemon that greets the kernel and then reads
// no request. A process can give up a request that was not read; one that was read
// and not answered would keep it from ending.
func (t *trial) hang(folder string) error {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return skipped(fmt.Sprintf("/dev/fuse: %v", err))
	}
	device := os.NewFile(uintptr(fd), "/dev/fuse")
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := unix.Mount("fault", folder, "fuse", unix.MS_NOSUID|unix.MS_NODEV, data); err != nil {
		device.Close()
		return skipped(fmt.Sprintf("cannot mount FUSE: %v", err))
	}
	t.atEnd(func() {
		// The end of the daemon ends all requests with an error.
		device.Close()
		unix.Unmount(folder, unix.MNT_DETACH)
	})
	return greet(device)
}

// greet answers the first request, FUSE_INIT.
func greet(device *os.File) error {
	request := make([]byte, 64<<10)
	n, err := unix.Read(int(device.Fd()), request)
	if err != nil {
		return fmt.Errorf("/dev/fuse: %w", err)
	}
	const initialise, header, greeting = 26, 16, 64
	if n < 48 || binary.NativeEndian.Uint32(request[4:]) != initialise {
		return fmt.Errorf("/dev/fuse: the first request has number %d, not FUSE_INIT", binary.NativeEndian.Uint32(request[4:]))
	}
	answer := make([]byte, header+greeting)
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	copy(answer[8:16], request[8:16]) // the request's ID
	body := answer[header:]
	binary.NativeEndian.PutUint32(body, 7)
	binary.NativeEndian.PutUint32(body[4:], min(31, binary.NativeEndian.Uint32(request[44:])))
	binary.NativeEndian.PutUint32(body[8:], 128<<10)  // read ahead
	binary.NativeEndian.PutUint32(body[20:], 128<<10) // bytes in one write
	_, err = unix.Write(int(device.Fd()), answer)
	return err
}
