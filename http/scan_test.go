package http

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestScannersFindWhatAByteAtATimeWould compares those that look at eight or sixteen
// bytes at once with what they are short for, on bytes that are likely to mislead
// them: those beside the borders, above ASCII, and ones that carry into the next.
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
		{"the end of a host", func(p []byte, i int) int { return skip(p, i, &nameChars) },
			func(c byte) bool { return !nameChars[c] }},
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

// TestScannersStayInFrontOfTheEnd lays bytes at the end of a page of memory behind
// which there is none: whatever looks beyond the length of a slice, which its capacity
// would allow, gets a fault.
func TestScannersStayInFrontOfTheEnd(t *testing.T) {
	page := os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	if err := unix.Mprotect(memory[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	atTheEnd := func(text string) []byte {
		p := memory[page-len(text) : page]
		copy(p, text)
		return p
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	try := func(what, text string, scan func(p []byte)) {
		p := atTheEnd(text)
		if cap(p) < page {
			t.Fatal("nothing lies behind the bytes")
		}
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("%s of %q: %v", what, text, r)
			}
		}()
		scan(p)
	}
	const text = "GET /a/path%20and?more HTTP/1.1\r\nHost: www.example.org:8080\r\nSome-Long-Field: a value of some length, \t too\r\nX: y\r\n\r\n"
	limits := Limits{}.withDefaults()
	for n := range len(text) + 1 {
		text := text[:n]
		try("the head", text, func(p []byte) { new(head).parse(p, &limits) })
		for i := range n + 1 {
			try(fmt.Sprintf("a value from %d on", i), text, func(p []byte) { endOfValue(p, i) })
			try(fmt.Sprintf("a name from %d on", i), text, func(p []byte) { endOfName(p, i) })
			try(fmt.Sprintf("a target from %d on", i), text, func(p []byte) { endOfTarget(p, i) })
			try(fmt.Sprintf("a token from %d on", i), text, func(p []byte) { skip(p, i, &tokenChars) })
		}
	}
	chunks := "5;a=\"b\"\r\nhello\r\n0\r\nA-Trailer: of some length\r\n\r\n"
	for n := range len(chunks) + 1 {
		try("a body", chunks[:n], func(p []byte) {
			b := body{state: beforeSize, chunked: true}
			for len(p) > 0 && !b.done() {
				_, used, why := b.next(p, &limits)
				if why != nil || used == 0 {
					break
				}
				p = p[used:]
			}
		})
	}
}

// TestAHeadIsParsedWhileMoreIsWrittenBehindIt is for the race detector: another
// goroutine reads into the rest of the buffer meanwhile.
func TestAHeadIsParsedWhileMoreIsWrittenBehindIt(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"
	buf := append([]byte(head), strings.Repeat("x", 64)...)
	parser, err := NewParser(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(head) + 1 {
		var both sync.WaitGroup
		both.Go(func() {
			for i := range buf[n:] {
				buf[n+i] = 'y'
			}
		})
		parsed, err := parser.Head(buf[:n])
		both.Wait()
		if want := n == len(head); err != nil || want != (parsed == n && n > 0) {
			t.Errorf("of %d bytes %d are the head, %v", n, parsed, err)
		}
		copy(buf, head)
	}
}
