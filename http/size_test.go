package http

import (
	"testing"
	"unsafe"
)

// TestAConnHasThisManyBytes pins what every open connection takes here, its
// eventloop.Conn with it: both are one object. 144 is a size class of the allocator; the
// next is 160.
func TestAConnHasThisManyBytes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("pointers are smaller here")
	}
	if n := unsafe.Sizeof(conn{}); n != 144 {
		t.Errorf("a conn has %d bytes, and had 144", n)
	}
}
