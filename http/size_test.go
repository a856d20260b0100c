package http

import (
	"testing"
	"unsafe"
)

// TestAConnHasThisManyBytes pins what every open connection takes here, beside
// its eventloop.Conn, where a test of the same name has the sum. The size class
// of 56 bytes is 64, so that one word more costs nothing, and two cost sixteen
// bytes a connection.
func TestAConnHasThisManyBytes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("pointers are smaller here")
	}
	if n := unsafe.Sizeof(conn{}); n != 56 {
		t.Errorf("a conn has %d bytes, and had 56", n)
	}
}
