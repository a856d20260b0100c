package bobbin

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCachedTellsWhatTheDiskWouldBeAskedFor drops a file from the kernel's
// memory, and reads some of it again.
func TestCachedTellsWhatTheDiskWouldBeAskedFor(t *testing.T) {
	k, err := openEpoll(true)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Shut()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 4 << 20
	if _, err := f.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if !k.Cached(f, 0, size) || !k.Cached(f, size-1, 1) || !k.Cached(f, 5, 0) {
		t.Error("what was just written is not there")
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Skip("this file system drops nothing:", err)
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err == nil && fs.Type == unix.TMPFS_MAGIC {
		t.Skip("a file system in memory drops nothing")
	}
	if k.Cached(f, 0, size) || k.Cached(f, size/2, 1000) {
		t.Error("what was dropped is said to be there")
	}
	if _, err := f.ReadAt(make([]byte, size/2), 0); err != nil {
		t.Fatal(err)
	}
	if !k.Cached(f, 0, size/2) { // of the rest, some was read ahead
		t.Error("what was just read is not there")
	}
	if _, err := io.Copy(io.Discard, io.NewSectionReader(f, 0, size)); err != nil {
		t.Fatal(err)
	}
	if !k.Cached(f, 0, size) || k.Cached(f, 0, size+1<<20) {
		t.Error("all of it was read, and nothing behind it")
	}
}
