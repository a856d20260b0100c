package main

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Attacks on logs: does the victim wait for one? Each scenario writes more lines than
// a pipe holds; the victim must then end in time with status 0.

// manyRequests makes a few thousand log lines, over one connection after the other.
func manyRequests(s *siege) error {
	const together = 50
	request := bytes.Repeat(get(s.victim, "/small.txt", "User-Agent: "+string(bytes.Repeat([]byte("x"), 100))), together)
	buffer := make([]byte, 64<<10)
	for range pick(s.trial, 60, 200) {
		for _, p := range s.crowd.asks(1, request) {
			want := together * smallBytes
			s.until(time.Second, func() bool {
				for {
					n, err := p.take(buffer)
					if want -= n; err != nil || want <= 0 {
						return want <= 0 || err != errNotNow
					}
				}
			})
			if want > 0 {
				s.hold(time.Second, 10*time.Second) // the victim does not run
				return nil
			}
		}
	}
	s.hold(time.Second, 10*time.Second)
	return nil
}

func logToStderr(t *trial) error {
	return t.besiege(plan{order: order{args: []string{"--verbose"}, deaf: true}, attack: manyRequests})
}

func logToStdout(t *trial) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	defer write.Close()
	return t.besiege(plan{order: order{args: []string{"--log", "combined"}, stdout: write}, attack: manyRequests})
}

func logToFIFO(t *trial) error {
	fifo := filepath.Join(t.folder, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		return err
	}
	return t.besiege(plan{order: order{args: []string{"--log", "combined=" + fifo}}, attack: manyRequests})
}

func logToFullDisk(t *trial) error {
	if _, err := os.Stat("/dev/full"); err != nil {
		return skipped("/dev/full is missing")
	}
	return t.besiege(plan{order: order{args: []string{"--log", "combined=/dev/full"}}, logs: true, attack: manyRequests})
}

// panics makes a handler panic 50 times. Each panic ends its connection.
func panics(t *trial) error {
	return t.besiege(plan{order: order{embedded: true, deaf: true}, attack: func(s *siege) error {
		for range 50 {
			s.crowd.asks(1, get(s.victim, "/panic"))
			s.wait(20 * time.Millisecond)
		}
		s.hold(time.Second, 10*time.Second)
		return nil
	}})
}
