package bobbin_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin"
)

// TestTheKernelProbesPeersAndLeavesSlowOnesAlone looks at what an accepted connection
// has inherited. The kernel counts the time of zero-window probes against
// TCP_USER_TIMEOUT, although the peer answers them: with 30 s of it, honest readers of
// 20 kB a second were reset.
func TestTheKernelProbesPeersAndLeavesSlowOnesAlone(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		w := real(t, open, internet("127.0.0.1"))
		fd, _ := w.accept()
		defer w.Close(fd)
		for _, o := range []struct {
			name        string
			level, what int
			want        int
		}{
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30},
			{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10},
			{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		} {
			if got, err := unix.GetsockoptInt(fd, o.level, o.what); got != o.want || err != nil {
				t.Errorf("%s: %s is %d, %v, not %d", name, o.name, got, err, o.want)
			}
		}
	}
}
