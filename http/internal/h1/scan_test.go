package h1

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// TestScannersFindWhatAByteAtATimeWould compares scanners of eight or sixteen bytes at
// once with a scan byte by byte, on bytes that are likely to mislead them: bytes beside
// the borders, above ASCII, and those that carry into the next.
func TestScannersFindWhatAByteAtATimeWould(t *testing.T) {
	const (
		seldom = "\x00\x1f\x7f\x80\xff\t\r\n :#%?"
		beside = "!/09;@AZ[`az{|}~-,_."
		usual  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"
	)
	first := func(p []byte, i int, stops func(c byte) bool) int {
		for i < len(p) && !stops(p[i]) {
			i++
		}
		return i
	}
	tests := []struct {
		name  string
		scan  func(p []byte, i int) int
		stops func(c byte) bool
	}{
		{"the end of a value", endOfValue, func(c byte) bool { return !inValue(c) }},
		{"the end of a name", endOfName, func(c byte) bool { return !tokenChars[c] }},
		{"the end of a target", func(p []byte, i int) int { end, _ := endOfTarget(p, i); return end },
			func(c byte) bool { return c <= ' ' || c >= 0x7f }},
		{"the end of a host", func(p []byte, i int) int { return skip(p, i, &NameChars) },
			func(c byte) bool { return !NameChars[c] }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			luck := rand.New(rand.NewPCG(1, 2))
			for range 200_000 {
				memory := make([]byte, luck.IntN(48))
				for i := range memory {
					from := usual
					switch luck.IntN(16) {
					case 0:
						from = seldom
					case 1, 2, 3:
						from = beside
					}
					memory[i] = from[luck.IntN(len(from))]
				}
				// What lies behind p in the same memory is not to matter.
				p := memory[:luck.IntN(len(memory)+1)]
				i := luck.IntN(len(p) + 1)
				want := first(p, i, test.stops)
				if got := test.scan(p, i); got != want {
					t.Fatalf("in %q, of %q, from %d on it is %d, and not %d", p, memory, i, got, want)
				}
				if end, plain := endOfTarget(p, i); plain && bytes.ContainsAny(p[i:end], "#%?") {
					t.Fatalf("%q is not plain", p[i:end])
				}
			}
		})
	}
}

// TestAHeadIsParsedWhileMoreIsWrittenBehindIt is for the race detector: another
// goroutine reads into the rest of the buffer meanwhile.
func TestAHeadIsParsedWhileMoreIsWrittenBehindIt(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"
	buf := append([]byte(head), strings.Repeat("x", 64)...)
	var r HeadReader
	var h Head
	for n := range len(head) + 1 {
		var both sync.WaitGroup
		both.Go(func() {
			for i := range buf[n:] {
				buf[n+i] = 'y'
			}
		})
		parsed, why := r.Read(&h, buf[:n], &usual, nil, 0)
		both.Wait()
		if want := n == len(head); why != nil || want != (parsed == n && n > 0) {
			t.Errorf("of %d bytes %d are the head, %v", n, parsed, why)
		}
		copy(buf, head)
	}
}
