package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A hungMount is a file system in this process (FUSE) in which every name is a
// file, and an open of one is never answered, unless its process is killed.
type hungMount struct {
	fd    int
	opens atomic.Int32
}

// mountHung mounts one at a folder, until the test is over.
func mountHung(t *testing.T, at string) *hungMount {
	t.Helper()
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other", fd, os.Getuid(), os.Getgid())
	if err := syscall.Mount("hung", at, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		syscall.Close(fd)
		t.Skipf("no mounting here: %v", err)
	}
	m := &hungMount{fd: fd}
	over := make(chan struct{})
	go func() {
		defer close(over)
		m.serve()
	}()
	t.Cleanup(func() {
		if err := syscall.Unmount(at, syscall.MNT_FORCE); err != nil {
			syscall.Unmount(at, syscall.MNT_DETACH)
		}
		<-over
		syscall.Close(fd)
	})
	return m
}

// What the kernel asks, of linux/fuse.h.
const (
	fuseLookup, fuseForget, fuseGetattr, fuseOpen                = 1, 2, 3, 14
	fuseInit, fuseOpendir, fuseInterrupt, fuseBatchForget        = 26, 27, 36, 42
	fuseRoot, fuseFile                                    uint64 = 1, 2
)

// serve answers the kernel until the mount is gone.
func (m *hungMount) serve() {
	request := make([]byte, 1<<20)
	for {
		n, err := syscall.Read(m.fd, request)
		switch {
		case err == syscall.EINTR || err == syscall.ENOENT || err == syscall.EAGAIN:
			continue
		case err != nil || n < 40:
			return
		}
		word := binary.NativeEndian
		node := word.Uint64(request[16:])
		var body []byte
		failed := int32(0)
		attributes := func(node uint64) []byte { // struct fuse_attr
			mode := uint32(syscall.S_IFREG | 0o644)
			if node == fuseRoot {
				mode = syscall.S_IFDIR | 0o755
			}
			p := word.AppendUint64(make([]byte, 0, 88), node)
			p = append(p, make([]byte, 52)...)
			p = word.AppendUint32(p, mode)
			return append(word.AppendUint32(p, 1), make([]byte, 20)...)
		}
		unique := request[8:16]
		switch word.Uint32(request[4:]) {
		case fuseForget, fuseBatchForget:
			continue
		case fuseInterrupt:
			// Nothing else ends a process that waits for FUSE.
			unique, failed = request[40:48], -int32(syscall.EINTR)
			m.opens.Add(-1)
		case fuseOpen:
			m.opens.Add(1)
			continue // never answered
		case fuseInit:
			body = make([]byte, 64)
			word.PutUint32(body, 7)
			word.PutUint32(body[4:], 31)
			word.PutUint32(body[20:], 4096) // max_write
		case fuseLookup:
			body = word.AppendUint64(nil, fuseFile)
			body = append(append(body, make([]byte, 32)...), attributes(fuseFile)...)
		case fuseGetattr:
			body = append(make([]byte, 16), attributes(node)...)
		case fuseOpendir:
			body = make([]byte, 16)
		default:
			failed = -int32(syscall.ENOSYS)
		}
		answer := word.AppendUint32(nil, uint32(16+len(body)))
		answer = append(word.AppendUint32(answer, uint32(failed)), unique...)
		if _, err := syscall.Write(m.fd, append(answer, body...)); err != nil && err != syscall.ENOENT {
			return
		}
	}
}

// TestFilesThatNeverOpenKeepNothingElseWaiting asks for 64 files of a mount that
// hangs. A probe must be served meanwhile, and the program must end.
func TestFilesThatNeverOpenKeepNothingElseWaiting(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range 50 {
		if err := os.WriteFile(filepath.Join(root, fmt.Sprintf("%d.txt", i)), []byte("plain"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "hung"), 0o755); err != nil {
		t.Fatal(err)
	}
	mount := mountHung(t, filepath.Join(root, "hung"))
	p := start(t, "", "--limit", "Drain=2s", root)
	client := nethttp.Client{Timeout: 10 * time.Second} // which is half of WorkerTimeout
	slowest := time.Duration(0)
	probe := func(path string, status int) {
		t.Helper()
		since := time.Now()
		answer, err := client.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != status {
			t.Errorf("%s: %d, %v", path, answer.StatusCode, err)
		}
		slowest = max(slowest, time.Since(since))
	}
	probe("0.txt", 200)
	for i := range 64 {
		c, err := net.Dial("tcp", p.host())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /hung/%d.txt HTTP/1.1\r\nHost: a\r\n\r\n", i)
	}
	for mount.opens.Load() < 16 {
		<-time.After(10 * time.Millisecond) // half of the workers
	}
	for i := range 50 {
		probe("0.txt", 200)
		probe(fmt.Sprintf("%d.txt", i), 200)
		probe("missing", 404)
		if i%10 == 0 {
			<-time.After(time.Second) // so that what is in memory is too old
		}
	}
	if n := mount.opens.Load(); n != 16 {
		t.Errorf("%d workers hang", n)
	}
	since := time.Now()
	p.signal(syscall.SIGTERM)
	p.ends(3) // some of it was cut off
	t.Logf("the slowest answer took %v, the end %v with Drain=2s", slowest, time.Since(since))
	if !strings.Contains(p.said.String(), "64") {
		t.Logf("it says %q", p.said)
	}
}

// TestTheMainThreadIsNoWorkers: Linux gives a signal to it first, and a thread that waits for
// a disk takes none. It is a matter of chance whether the runtime would make it a worker's, so
// this looks at what keeps it from that.
func TestTheMainThreadIsNoWorkers(t *testing.T) {
	t.Parallel()
	p := start(t, "", t.TempDir())
	p.signal(syscall.SIGQUIT)
	p.ends(2)
	if !strings.Contains(p.said.String(), "\ngoroutine 1 [chan receive, locked to thread]:\n") {
		t.Errorf("the main goroutine is not locked to its thread:\n%s", p.said)
	}
}
