package websocket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// A wireCase is what a client sends to an echo, and what comes back: in one line each, up to the
// end.
type wireCase struct {
	name string
	say  string
	want string
}

// bye is a Close frame, and the answer to it.
var bye = frame(0x88, "\x03\xe8")

// echoes are cases of messages that come back.
func echoes(first byte, kind string, sizes ...int) (list []wireCase) {
	for _, n := range sizes {
		p := strings.Repeat("*", n)
		list = append(list, wireCase{fmt.Sprintf("a %s of %d bytes comes back", kind, n), frame(first, p) + bye, strings.TrimRight(kind+" "+p, " ") + "\nclose 1000\nend"})
	}
	return list
}

// pings are cases of pings, and of pongs that are not asked for.
func pings() (list []wireCase) {
	add := func(name, say, want string) { list = append(list, wireCase{name, say + bye, want + "close 1000\nend"}) }
	for name, p := range map[string]string{"nothing": "", "a text": "hello", "bytes": "\x00\xff\xfe", "125 bytes": strings.Repeat("\xfe", 125)} {
		add("a ping with "+name+" is answered with it", frame(0x89, p), strings.TrimRight("pong "+p, " ")+"\n")
		add("a pong with "+name+" is not answered", frame(0x8a, p), "")
	}
	add("a ping behind a pong is answered", frame(0x8a, "x")+frame(0x89, "y"), "pong y\n")
	var all, want string
	for i := range 10 {
		all += frame(0x89, fmt.Sprint("number ", i))
		want += fmt.Sprint("pong number ", i, "\n")
	}
	add("ten pings are answered in their order", all, want)
	return append(list,
		wireCase{"a ping of 126 bytes is refused", frame(0x89, strings.Repeat("x", 126)), "close 1002 a control frame has more than 125 octets\nend"})
}

// reserved are cases of bits and opcodes without a meaning, alone and behind a message.
func reserved() (list []wireCase) {
	add := func(name, bad, why string) {
		list = append(list,
			wireCase{name + " is refused", bad, "close 1002 " + why + "\nend"},
			wireCase{name + " behind a text is refused, and the text answered", frame(0x81, "before") + bad + frame(0x89, "never"), "text before\nclose 1002 " + why + "\nend"})
	}
	for rsv := byte(1); rsv < 8; rsv++ {
		for _, first := range []byte{0x81, 0x89} {
			add(fmt.Sprintf("reserved bits %03b on a frame %#x", rsv, first), frame(first|rsv<<4, "x"), "a reserved bit is set")
		}
	}
	for _, opcode := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add(fmt.Sprintf("opcode %d", opcode), frame(0x80|opcode, "x"), "the opcode is reserved")
	}
	return list
}

// fragments are cases of messages in parts.
func fragments() (list []wireCase) {
	add := func(name, say, want string) { list = append(list, wireCase{name, say, want}) }
	for _, kind := range []struct {
		name  string
		first byte
	}{{"text", 1}, {"binary", 2}} {
		k, n := kind.first, kind.name
		add("a "+n+" in two fragments is one", frame(k, "a")+frame(0x80, "b")+bye, n+" ab\nclose 1000\nend")
		add("a "+n+" in three is, too", frame(k, "a")+frame(0x00, "b")+frame(0x80, "c")+bye, n+" abc\nclose 1000\nend")
		add("a "+n+" of empty fragments is empty", frame(k, "")+frame(0x00, "")+frame(0x80, "")+bye, n+"\nclose 1000\nend")
		add("a "+n+" with one fragment that is not empty has its bytes", frame(k, "")+frame(0x00, "middle")+frame(0x80, "")+bye, n+" middle\nclose 1000\nend")
		add("a ping between fragments of a "+n+" is answered before it", frame(k, "a")+frame(0x89, "p")+frame(0x80, "b")+bye, "pong p\n"+n+" ab\nclose 1000\nend")
		add("ten pings between fragments of a "+n+" are", frame(k, "a")+strings.Repeat(frame(0x89, "p"), 10)+frame(0x80, "b")+bye, strings.Repeat("pong p\n", 10)+n+" ab\nclose 1000\nend")
		add("a "+n+" within a message is refused", frame(k, "a")+frame(0x80|k, "b"), "close 1002 a message begins before the one before it ended\nend")
		add("a "+n+" that begins within a message is refused", frame(k, "a")+frame(k, "b"), "close 1002 a message begins before the one before it ended\nend")
		add("an end within a "+n+" is an end", frame(k, "a")+bye, "close 1000\nend")
	}
	for _, first := range []byte{0x00, 0x80} {
		add(fmt.Sprintf("a continuation %#x of nothing is refused", first), frame(first, "x"), "close 1002 a continuation frame continues nothing\nend")
		add(fmt.Sprintf("a continuation %#x behind a message is refused", first), frame(0x81, "x")+frame(first, "y"), "text x\nclose 1002 a continuation frame continues nothing\nend")
	}
	for _, first := range []byte{0x08, 0x09, 0x0a} {
		add(fmt.Sprintf("a control frame %#x in fragments is refused", first), frame(first, "a")+frame(0x80, "b"), "close 1002 a control frame is fragmented\nend")
	}
	add("a frame that is not masked is refused", "\x81\x05hello", "close 1002 a frame of a client is not masked\nend")
	return list
}

// texts are cases of UTF-8. Each text comes whole, in two fragments and in fragments of one
// octet.
func texts() (list []wireCase) {
	texts := []struct{ name, p string }{
		{"Greek", "κόσμε"}, {"a text with all lengths", "a\u00e9\u20ac\U0001f600"}, {"the last of one octet", "\x7f"}, {"the first of two octets", "\u0080"},
		{"the last of two", "\u07ff"}, {"the first of three", "\u0800"}, {"the last of three", "\uffff"}, {"the first of four", "\U00010000"},
		{"the last of all", "\U0010ffff"}, {"the last before the surrogates", "\ud7ff"}, {"the first behind them", "\ue000"}, {"the replacement character", "\ufffd"},
		{"NUL", "\x00"}, {"a noncharacter", "\ufffe"}, {"one of a higher plane", "\U0001fffe"},
		{"! an octet that continues nothing", "a\x80"}, {"! the last one that does", "\xbf"}, {"! a beginning of two without an end", "\xc3 "},
		{"! one of three", "\xe2\x82 "}, {"! one of four", "\xf0\x9f\x98 "}, {"! the octet fe", "\xfe"}, {"! the octet ff", "\xff"},
		{"! a slash in two octets", "\xc0\xaf"}, {"! a slash in three", "\xe0\x80\xaf"}, {"! a slash in four", "\xf0\x80\x80\xaf"},
		{"! NUL in two", "\xc0\x80"}, {"! a high surrogate", "\xed\xa0\x80"}, {"! a low one", "\xed\xbf\xbf"}, {"! a pair of them", "\xed\xa0\x80\xed\xb0\x80"},
		{"! what is behind the last of all", "\xf4\x90\x80\x80"}, {"! a beginning of five", "\xf8\x88\x80\x80\x80"}, {"! one of six", "\xfc\x84\x80\x80\x80\x80"},
		{"! a text that ends within a character", "κόσμ\xce"}, {"! one that goes on behind a wrong octet", "κόσμε\xed\xa0\x80edited"},
	}
	for _, row := range texts {
		name, bad := strings.CutPrefix(row.name, "! ")
		want, verb := "text "+row.p+"\nclose 1000\nend", "comes back"
		if bad {
			want, verb = "close 1007 a text is not UTF-8\nend", "is refused"
		}
		half := len(row.p) / 2
		octets := frame(0x01, "")
		for _, c := range []byte(row.p) {
			octets += frame(0x00, string([]byte{c}))
		}
		list = append(list,
			wireCase{name + " " + verb, frame(0x81, row.p) + bye, want},
			wireCase{name + " in two fragments " + verb, frame(0x01, row.p[:half]) + frame(0x80, row.p[half:]) + bye, want},
			wireCase{name + " octet by octet " + verb, octets + frame(0x80, "") + bye, want})
		if bad {
			list = append(list, wireCase{name + " is refused also as a reason", frame(0x88, "\x03\xe8"+row.p), "close 1007 the reason of a Close frame is not UTF-8\nend"})
		}
	}
	return list
}

// closes are cases of Close frames.
func closes() (list []wireCase) {
	add := func(name, say, want string) { list = append(list, wireCase{name, say, want + "\nend"}) }
	code := func(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
	add("a message before the end is answered", frame(0x81, "hello")+bye, "text hello\nclose 1000")
	add("a second end is not answered", bye+bye, "close 1000")
	add("a ping behind the end is not", bye+frame(0x89, ""), "close 1000")
	add("a text behind it is not", bye+frame(0x81, "late"), "close 1000")
	add("an end without a code is answered without one", frame(0x88, ""), "close")
	add("half of a code is refused", frame(0x88, "\x03"), "close 1002 a Close frame has half of a status code")
	add("a reason is not repeated", frame(0x88, code(1000)+"bye"), "close 1000")
	add("one of 123 bytes is the longest", frame(0x88, code(1000)+strings.Repeat("*", 123)), "close 1000")
	add("one of 124 is refused", frame(0x88, code(1000)+strings.Repeat("*", 124)), "close 1002 a control frame has more than 125 octets")
	for _, n := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		add(fmt.Sprintf("the code %d is answered by itself", n), frame(0x88, code(n)), fmt.Sprint("close ", n))
	}
	for _, n := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		add(fmt.Sprintf("the code %d is refused", n), frame(0x88, code(n)), "close 1002 the status code of a Close frame is not valid")
		add(fmt.Sprintf("the code %d with a reason is, too", n), frame(0x88, code(n)+"why"), "close 1002 the status code of a Close frame is not valid")
	}
	return list
}

// wireCases are all of them.
func wireCases() (list []wireCase) {
	list = append(list, echoes(0x81, "text", 0, 1, 125, 126, 127, 128, 65535, 65536)...)
	list = append(list, echoes(0x82, "binary", 0, 1, 125, 126, 127, 128, 65535, 65536)...)
	for _, more := range [][]wireCase{pings(), reserved(), fragments(), texts(), closes()} {
		list = append(list, more...)
	}
	return list
}

// TestMessagesOnTheWire sends each case in one piece, and in small ones.
func TestMessagesOnTheWire(t *testing.T) {
	list := wireCases()
	if len(list) < 247 {
		t.Errorf("there are only %d cases", len(list))
	}
	names := make(map[string]bool)
	random := rand.New(rand.NewPCG(1, 2))
	stage(t, echo(Options{}), func(_ *http.Server, c *client) {
		for _, row := range list {
			if names[row.name] {
				t.Errorf("two cases have the name %q", row.name)
			}
			names[row.name] = true
			one := c.connect()
			one.say(row.say)
			if got := one.all(); got != row.want {
				t.Errorf("%s: got %.200q, want %.200q", row.name, got, row.want)
			}
			one = c.connect()
			for rest := row.say; rest != ""; {
				n := min(len(rest), 1+random.IntN(1+len(row.say)/40))
				one.say(rest[:n])
				one.script.Sleep(time.Microsecond)
				rest = rest[n:]
			}
			// Octets that come behind an end may be answered by a reset.
			if got := one.all(); got != row.want && !strings.HasPrefix(got, strings.TrimSuffix(row.want, "end")) {
				t.Errorf("%s, in pieces: got %.200q, want %.200q", row.name, got, row.want)
			}
		}
	})
	t.Logf("%d cases", len(list))
}

// TestLargeMessages has sizes up to the limit, whole and in fragments.
func TestLargeMessages(t *testing.T) {
	o := Options{Limits: Limits{MessageSize: 16 << 20}}
	stage(t, echo(o), func(_ *http.Server, main *client) {
		for _, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20} {
			for _, part := range []int{64, 1 << 10, 64 << 10, size} {
				if size/part > 70_000 {
					continue
				}
				p := bytes.Repeat([]byte("0123456789abcdef"), size/16)
				c := main.connect()
				var say strings.Builder
				for from := 0; from < size; from += part {
					first := byte(0)
					if from == 0 {
						first = 1
					}
					if from+part >= size {
						first |= 0x80
					}
					say.WriteString(frame(first, string(p[from:min(from+part, size)])))
				}
				c.say(say.String())
				if got := c.next(); got != "text "+string(p) {
					t.Errorf("%d bytes in parts of %d: %d came back", size, part, len(got)-5)
				}
				c.leave()
			}
		}
		c := main.connect()
		c.say(frame(0x82, strings.Repeat("x", 16<<20+1)))
		c.wants("close 1009 a message is too large")
		c.wire.Close()
	})
}
