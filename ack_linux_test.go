package bobbin_test

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin"
)

// TestWhatWasReadIsAcknowledgedAtOnce has a client ask its own kernel how much has not
// been acknowledged, in a conversation in which ours would wait for an answer.
func TestWhatWasReadIsAcknowledgedAtOnce(t *testing.T) {
	for name, open := range bobbin.Kernels() {
		t.Run(name, func(t *testing.T) {
			w := real(t, open, internet("127.0.0.1"))
			fd, c := w.accept()
			raw, err := c.(netClient).Conn.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			unacknowledged := func() (n int) {
				if err := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); err != nil {
					t.Fatal(err)
				}
				return n
			}
			buf := make([]byte, 10)
			// After a question and an answer or two, it waits.
			for range 20 {
				c.Send([]byte("question"))
				w.await(fd, bobbin.Readable)
				if _, err := w.Read(fd, buf); err != nil && err != bobbin.ErrNotNow {
					t.Fatal(err)
				}
				w.AckNow(fd)
				if n := unacknowledged(); n != 0 {
					t.Errorf("%d bytes are not acknowledged", n)
				}
				w.Write(fd, []byte("answer"), false)
				c.Receive(6)
			}
			w.Close(fd)
		})
	}
}
