package bobbin_test

import (
	"testing"

	"github.com/bobbin-http/bobbin"
)

// TestLittleIsUnsent writes to a peer that reads nothing, with and without KeepUnsentShort, for as long as
// the socket takes something.
func TestLittleIsUnsent(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		t.Run(name, func(t *testing.T) {
			taken := func(short bool) (n int) {
				w := real(t, open, internet("127.0.0.1"))
				fd, _ := w.accept()
				defer w.Close(fd)
				if short {
					w.KeepUnsentShort(fd)
				}
				for piece := make([]byte, 1<<20); ; {
					more, err := w.Write(fd, piece, false)
					if n += more; err == bobbin.ErrNotNow {
						return n
					} else if err != nil {
						t.Fatal(err)
					}
				}
			}
			if short, long := taken(true), taken(false); short > long/2 {
				t.Errorf("it takes %d bytes, and without KeepUnsentShort %d", short, long)
			}
		})
	}
}
