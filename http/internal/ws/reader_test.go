package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// frame returns a frame of a client with a first octet, masked by a key.
func frame(first byte, key uint32, payload string) []byte {
	p := AppendHead(nil, 0, false, len(payload))
	p[0] = first
	p[1] |= masked
	p = binary.LittleEndian.AppendUint32(p, key)
	p = append(p, payload...)
	Unmask(p[len(p)-len(payload):], key)
	return p
}

// all returns what a Reader finds in octets that come in pieces, in one line. Parts of a
// message that is whole are put together.
func all(r *Reader, pieces ...[]byte) string {
	var b strings.Builder
	var message []byte
	for _, p := range pieces {
		p = bytes.Clone(p)
		for {
			e, used, why := r.Next(p)
			if why != nil {
				return fmt.Sprint(b.String(), why.Code, " ", why.Reason)
			}
			p = p[used:]
			switch e.Opcode {
			case 0:
				if len(p) > 0 {
					return "octets were left over"
				}
			case Text, Binary:
				if e.First != (message == nil) {
					return "a wrong first part"
				}
				if message = append(message, e.Data...); message == nil {
					message = []byte{}
				}
				if e.Last {
					fmt.Fprintf(&b, "%d:%s:%t ", e.Opcode, message, e.Deflated)
					message = nil
				}
			default:
				fmt.Fprintf(&b, "%d:%s:%d ", e.Opcode, e.Data, e.Code)
			}
			if e.Opcode == 0 {
				break
			}
		}
	}
	if r.Idle() {
		b.WriteString("idle")
	}
	return b.String()
}

func TestReader(t *testing.T) {
	f := func(first byte, payload string) string { return string(frame(first, 0x01020304, payload)) }
	long := strings.Repeat("x", 70000)
	for _, row := range []struct{ name, p, want string }{
		{"a text is a message", f(0x81, "hello"), "1:hello:false idle"},
		{"so are octets", f(0x82, "\xff"), "2:\xff:false idle"},
		{"an empty one, too", f(0x81, ""), "1::false idle"},
		{"a message may have the length 126", f(0x82, long[:126]), "2:" + long[:126] + ":false idle"},
		{"and 65,535", f(0x82, long[:65535]), "2:" + long[:65535] + ":false idle"},
		{"and more", f(0x82, long), "2:" + long + ":false idle"},
		{"fragments are one message", f(0x01, "a") + f(0x00, "") + f(0x00, "b") + f(0x80, "c"), "1:abc:false idle"},
		{"empty ones are one empty message", f(0x01, "") + f(0x00, "") + f(0x80, ""), "1::false idle"},
		{"a ping comes between fragments", f(0x01, "a") + f(0x89, "p") + f(0x80, "c"), "9:p:0 1:ac:false idle"},
		{"a pong is one of its own", f(0x8a, "p"), "10:p:0 idle"},
		{"a message that is incomplete is not idle", f(0x01, "a"), ""},
		{"nor is a head", f(0x81, "a")[:3], ""},
		{"a character may be cut by fragments", f(0x01, "\xe2") + f(0x00, "\x82") + f(0x80, "\xac"), "1:€:false idle"},
		{"but not by the end", f(0x81, "\xe2\x82"), "1007 a text is not UTF-8"},
		{"nor by a last fragment that is empty", f(0x01, "\xe2\x82") + f(0x80, ""), "1007 a text is not UTF-8"},
		{"a wrong octet is found within its character", f(0x01, "\xf4\x90"), "1007 a text is not UTF-8"},
		{"also in the next fragment", f(0x01, "\xf4") + f(0x00, "\x90"), "1007 a text is not UTF-8"},
		{"a surrogate is no character", f(0x01, "\xed\xa0"), "1007 a text is not UTF-8"},
		{"a long form is none", f(0x01, "\xc0"), "1007 a text is not UTF-8"},
		{"a reserved bit is refused", f(0xa1, "a"), "1002 a reserved bit is set"},
		{"so is another one", f(0x91, "a"), "1002 a reserved bit is set"},
		{"and that of deflated messages, where there are none", f(0xc1, "a"), "1002 a reserved bit is set"},
		{"opcode 3 is reserved", f(0x83, ""), "1002 the opcode is reserved"},
		{"and 11", f(0x8b, ""), "1002 the opcode is reserved"},
		{"a client masks", "\x81\x01a", "1002 a frame of a client is not masked"},
		{"a ping is whole", f(0x09, ""), "1002 a control frame is fragmented"},
		{"and short", f(0x89, long[:126]), "1002 a control frame has more than 125 octets"},
		{"one of 125 is", f(0x89, long[:125]), "9:" + long[:125] + ":0 idle"},
		{"a continuation continues something", f(0x80, ""), "1002 a continuation frame continues nothing"},
		{"also behind a message", f(0x81, "") + f(0x80, ""), "1:" + ":false 1002 a continuation frame continues nothing"},
		{"a message ends before the next one", f(0x01, "") + f(0x81, ""), "1002 a message begins before the one before it ended"},
		{"125 is not written in two octets", "\x82\xfe\x00\x7d\x00\x00\x00\x00", "1002 a length is not in its shortest form"},
		{"65,535 is not in eight", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00", "1002 a length is not in its shortest form"},
		{"a length has 63 bits", "\x82\xff\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00", "1002 a length is not in its shortest form"},
		{"a message that is too large is refused by its length", "\x82\xff\x00\x00\x00\x00\x00\x01\x86\xa1\x00\x00\x00\x00", "1009 a message is too large"},
		{"so is the sum of its fragments", f(0x02, long) + f(0x00, long), "1009 a message is too large"},
		{"a Close frame may be empty", f(0x88, ""), "8::1005 idle"},
		{"or have a code", f(0x88, "\x03\xe8"), "8::1000 idle"},
		{"and a reason", f(0x88, "\x0b\xb8bye"), "8:bye:3000 idle"},
		{"but no half of a code", f(0x88, "\x03"), "1002 a Close frame has half of a status code"},
		{"and no code that is not sent", f(0x88, "\x03\xed"), "1002 the status code of a Close frame is not valid"},
		{"the reason is a text", f(0x88, "\x03\xe8\xff"), "1007 the reason of a Close frame is not UTF-8"},
		{"nothing follows it", f(0x88, "") + f(0x89, ""), "8::1005 1002 a frame follows a Close frame"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := all(&Reader{Max: 100_000}, []byte(row.p)); got != row.want {
				t.Errorf("in one piece: got %.200q, want %.200q", got, row.want)
			}
			if got := all(&Reader{Max: 100_000}, bytes.SplitAfter([]byte(row.p), nil)...); got != row.want {
				t.Errorf("by octets: got %.200q, want %.200q", got, row.want)
			}
		})
	}
}

func TestADeflatedMessageSaysSoInItsFirstFrame(t *testing.T) {
	f := func(first byte, payload string) string { return string(frame(first, 5, payload)) }
	for _, row := range []struct{ name, p, want string }{
		{"the first frame has the bit", f(0x41, "\xff") + f(0x80, "b"), "1:\xffb:true idle"},
		{"and the next message none", f(0xc2, "a") + f(0x81, "b"), "2:a:true 1:b:false idle"},
		{"a continuation with it is refused", f(0x41, "a") + f(0xc0, "b"), "1002 a reserved bit is set"},
		{"and a ping", f(0xc9, ""), "1002 a reserved bit is set"},
		{"and another bit beside it", f(0xe1, ""), "1002 a reserved bit is set"},
		{"what cannot be deflated may be a little larger", f(0xc2, strings.Repeat("x", 1060)), "2:" + strings.Repeat("x", 1060) + ":true idle"},
		{"but not by much", f(0xc2, strings.Repeat("x", 1100)), "1009 a message is too large"},
	} {
		if got := all(&Reader{Max: 1000, Deflate: true}, []byte(row.p)); got != row.want {
			t.Errorf("%s: got %.100q", row.name, got)
		}
	}
}

func TestAViolationIsTheLastEvent(t *testing.T) {
	r := &Reader{Max: 10}
	for range 2 {
		if got := all(r, frame(0x83, 1, "")); got != "1002 the opcode is reserved" {
			t.Error(got)
		}
		r.have = 0
	}
}

func TestUnmaskIsThatOfEachOctet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		key, from := random.Uint32(), min(n, random.IntN(9))
		p := make([]byte, n)
		k := Unmask(p[:from], key)
		Unmask(p[from:], k)
		for i, c := range p {
			if c != byte(key>>(i%4*8)) {
				t.Fatalf("%d octets, cut at %d: octet %d is %#x", n, from, i, c)
			}
		}
	}
}

func TestHeadsOfFramesThatGo(t *testing.T) {
	for _, row := range []struct {
		name string
		got  []byte
		want string
	}{
		{"a short one has two octets", AppendHead(nil, Text, false, 125), "\x81\x7d"},
		{"126 takes two more", AppendHead(nil, Binary, false, 126), "\x82\x7e\x00\x7e"},
		{"65,536 takes eight", AppendHead(nil, Binary, true, 65536), "\xc2\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
		{"an end has a code and a reason", AppendClose(nil, 1000, "bye"), "\x88\x05\x03\xe8bye"},
		{"or neither", AppendClose(nil, NoStatus, "bye"), "\x88\x00"},
		{"a long reason is cut between characters", AppendClose(nil, 1000, strings.Repeat("é", 62)), "\x88\x7c\x03\xe8" + strings.Repeat("é", 61)},
	} {
		if string(row.got) != row.want {
			t.Errorf("%s: %q", row.name, row.got)
		}
	}
}

func TestCodesOfTheRegistry(t *testing.T) {
	for code, want := range map[int]bool{0: false, 999: false, 1000: true, 1003: true, 1004: false, 1005: false, 1006: false, 1007: true, 1014: true, 1015: false, 1016: false, 2999: false, 3000: true, 4999: true, 5000: false, 65535: false} {
		if ValidCode(code) != want {
			t.Errorf("%d: %t", code, !want)
		}
	}
}

// FuzzReader holds that octets mean the same in any pieces, and never cause a panic.
func FuzzReader(f *testing.F) {
	f.Add(append(frame(0x01, 7, "h\xc3"), frame(0x80, 9, "\xa9")...), uint64(3), false)
	f.Add(append(frame(0xc2, 7, "data"), frame(0x88, 0, "\x03\xe8bye")...), uint64(5), true)
	f.Add(append(frame(0x89, 0x7fffffff, strings.Repeat("p", 125)), 0x81, 0xff, 1), uint64(1), false)
	f.Fuzz(func(t *testing.T, p []byte, seed uint64, deflate bool) {
		whole := all(&Reader{Max: 1000, Deflate: deflate}, p)
		random := rand.New(rand.NewPCG(seed, 1))
		var pieces [][]byte
		for rest := p; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 1+random.IntN(40)))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := all(&Reader{Max: 1000, Deflate: deflate}, pieces...); got != whole {
			t.Errorf("in pieces: %q, in one: %q", got, whole)
		}
	})
}

// FuzzUTF8 compares the check of pieces with that of the whole.
func FuzzUTF8(f *testing.F) {
	f.Add([]byte("a€\U0001f600"), uint8(2), uint8(5))
	f.Add([]byte("\xf4\x90\x80\x80"), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, p []byte, a, b uint8) {
		i := min(int(a), len(p))
		j := min(i+int(b), len(p))
		var u UTF8
		ok := u.Add(p[:i]) && u.Add(p[i:j]) && u.Add(p[j:]) && u.Complete()
		if ok != utf8.Valid(p) {
			t.Errorf("%q: %t", p, ok)
		}
	})
}

func BenchmarkUnmask(b *testing.B) {
	for _, n := range []int{64, 16 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := make([]byte, n)
			b.SetBytes(int64(n))
			for b.Loop() {
				Unmask(p, 0x12345678)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	p := frame(0x82, 0, strings.Repeat("x", 64))
	r := Reader{Max: 1 << 20}
	b.ReportAllocs()
	for b.Loop() {
		if e, _, _ := r.Next(p); !e.Last {
			b.Fatal("no message")
		}
	}
}
