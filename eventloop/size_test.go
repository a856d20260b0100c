package eventloop

import (
	"testing"
	"unsafe"
)

// TestAConnHasThisManyBytes pins what every open connection takes here, the idle
// ones above all. The allocator rounds up to its next size class (96, 112, 128,
// 144, 160), and 112 is one: a field more makes it 128. It is
// a field of http.conn, where a test of the same name has the sum.
// Who changes the number here knows by then what for.
func TestAConnHasThisManyBytes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("pointers are smaller here")
	}
	if n := unsafe.Sizeof(Conn{}); n != 112 {
		t.Errorf("a Conn has %d bytes, and had 112", n)
	}
}
