//go:build unix

package h1

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// TestScannersStayInFrontOfTheEnd puts bytes at the end of a page of memory, with no
// memory behind it: a scanner that reads beyond the length of a slice, which its
// capacity would allow, faults.
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
	limits := usual
	for n := range len(text) + 1 {
		text := text[:n]
		try("the head", text, func(p []byte) { new(Head).Parse(p, &limits) })
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
			b := Body{state: beforeSize, chunked: true}
			for len(p) > 0 && !b.Done() {
				_, used, why := b.Next(p, &limits)
				if why != nil || used == 0 {
					break
				}
				p = p[used:]
			}
		})
	}
}
