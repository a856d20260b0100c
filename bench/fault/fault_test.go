package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestQuantiles(t *testing.T) {
	of := func(n int) *tally {
		y := newTally()
		for i := n; i >= 1; i-- { // in no order
			y.times = append(y.times, time.Duration(i)*time.Millisecond)
		}
		return y
	}
	tests := []struct {
		name  string
		tally *tally
		part  float64
		want  int // milliseconds
	}{
		{"nothing was measured", of(0), 0.99, 0},
		{"one time is all of them", of(1), 0.5, 1},
		{"half of an even number", of(100), 0.5, 50},
		{"half of an odd number is the middle", of(5), 0.5, 3},
		{"p99 of a hundred leaves one out", of(100), 0.99, 99},
		{"p99 of a few is the worst", of(25), 0.99, 25},
		{"all", of(250), 1, 250},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.tally.quantile(test.part); got != time.Duration(test.want)*time.Millisecond {
				t.Errorf("%v, want %d ms", got, test.want)
			}
		})
	}
}

func TestPace(t *testing.T) {
	const rate = 20_000
	tests := []struct {
		name string
		tick func(k int) time.Duration // between two looks
		have func(k int) int           // bytes that have arrived at a look
		most int                       // taken at once
		want int                       // taken in 10 s
	}{
		{"what is always there is taken evenly", func(int) time.Duration { return 100 * time.Millisecond },
			func(int) int { return 1 << 20 }, 2000, 200_000},
		{"looks at odd times make no difference", func(k int) time.Duration { return time.Duration(50+k%2*100) * time.Millisecond },
			func(int) int { return 1 << 20 }, 3000, 200_000},
		{"bytes that come late are not made up for beyond a second", func(int) time.Duration { return 100 * time.Millisecond },
			func(k int) int { return max(0, k-49) << 20 }, 20_000, 20_000 + 50*2000},
		{"a trickle is taken as it comes", func(int) time.Duration { return 100 * time.Millisecond },
			func(int) int { return 10 }, 10, 1000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := pace{rate: rate}
			taken, now := 0, time.Duration(0)
			for k := 0; now < 10*time.Second; k++ {
				now += test.tick(k)
				n := min(p.allow(now), test.have(k))
				if n > test.most {
					t.Fatalf("takes %d at once after %v", n, now)
				}
				p.took(n)
				taken += n
			}
			if taken < test.want*98/100 || taken > test.want*102/100 {
				t.Errorf("takes %d, want %d", taken, test.want)
			}
		})
	}
}

func TestReasonsHaveNoAddresses(t *testing.T) {
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	tests := []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "reset"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "refused"},
		{timeout, "no answer in time"},
		{fmt.Errorf("head of the answer: %w", io.ErrUnexpectedEOF), "cut off"},
		{errStatus(503), "status 503"},
		{errSilent, "closed without an answer"},
		{errors.New("dial 127.0.0.1:1234: the moon is full"), "the moon is full"},
	}
	for _, test := range tests {
		if got := reason(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

func TestChoose(t *testing.T) {
	tests := []struct {
		only string
		want string // names, or part of the error
	}{
		{"crowd", "crowd"},
		{"hello*,stop-?", "hellos stop-1 stop-4"},
		{"stop-1,stop-*", "stop-1 stop-4"},
		{"crowd,flood", `unknown scenario "flood"`},
		{"[", "syntax error"},
	}
	for _, test := range tests {
		chosen, err := choose(test.only)
		var names []string
		for _, s := range chosen {
			names = append(names, s.name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("--only %s: %q, want %q", test.only, got, test.want)
		}
	}
}

// TestHowAPeerHasEnded looks through bytes that were not taken.
func TestHowAPeerHasEnded(t *testing.T) {
	tests := []struct {
		name string
		end  func(c *net.TCPConn)
		want end
	}{
		{"a peer with an open connection is alive", func(*net.TCPConn) {}, alive},
		{"a FIN behind bytes that were not taken is seen", func(c *net.TCPConn) { c.CloseWrite() }, closed},
		{"a reset is told from a FIN", func(c *net.TCPConn) { c.SetLinger(0); c.Close() }, reset},
	}
	if readHangup == 0 {
		t.Skip("poll does not tell a FIN here")
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			p, err := dialPeer(netip.AddrPort{}, l.Addr().(*net.TCPAddr).AddrPort(), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer p.close()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, "an answer")
			// What has arrived is told by poll; nothing is taken before the end.
			arrives := func(events int16) {
				watched := []unix.PollFd{{Fd: int32(p.fd), Events: events}}
				for n := 0; n == 0; {
					if n, err = unix.Poll(watched, 5000); err != nil && err != unix.EINTR {
						t.Fatal(err)
					}
				}
			}
			arrives(unix.POLLIN)
			test.end(c.(*net.TCPConn))
			if test.want != alive {
				arrives(readHangup)
			}
			if got := p.ended(); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestWhatTheLogSays(t *testing.T) {
	file := t.TempDir() + "/log"
	text := "bobbin 1 listening http://127.0.0.1:1/\n" +
		"time=2026-01-01T00:00:00Z level=WARN msg=\"held\" connections=3\n" +
		"time=2026-01-01T00:00:01Z level=WARN msg=\"held\" connections=14\n" +
		"SIGQUIT: quit\ngoroutine 1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		before time.Duration // how long the trial has run
		must   bool
		log    string
		want   string
	}{
		{"lines of one kind are one, and each second may have one", 10 * time.Second, true, file, "ok"},
		{"more is a flood", -2 * time.Second, true, file, "FAILED: the log has one message 2 times"},
		{"silence fails where something must be said", 0, true, "", "FAILED: the log does not report"},
		{"and is fine elsewhere", 0, false, "", "ok"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := &victim{log: test.log, trial: &trial{began: time.Now().Add(-test.before)}}
			v.reportLog(test.must)
			if got := v.trial.verdict(); !strings.HasPrefix(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestScenarios keeps the list in order, so that --only and the reports can be
// trusted.
func TestScenarios(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range scenarios {
		if seen[s.name] || s.about == "" || s.run == nil || strings.ContainsAny(s.name, " *?,") {
			t.Errorf("scenario %q", s.name)
		}
		seen[s.name] = true
	}
}
