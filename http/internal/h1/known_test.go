package h1

import (
	"strings"
	"testing"
)

// TestWhatIsKnownAgain has two requests with one memory.
func TestWhatIsKnownAgain(t *testing.T) {
	const (
		plain   = "Host: a\r\nAccept: */*\r\n\r\n"
		secret  = "Host: a\r\nCookie: b=c\r\n\r\n"
		another = 1 + knownBlocks // a connection with the same place in the memory
	)
	tests := []struct {
		name           string
		line, fields   string // of the first request, on connection 1
		line2, fields2 string
		conn           uint32 // of the second
		known          bool
	}{
		{"the same fields are known", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", plain, 1, true},
		{"they are known behind a longer line", "GET / HTTP/1.1", plain, "POST /bcd?e HTTP/1.1", plain, 1, true},
		{"they are known behind a shorter line", "GET /long/path HTTP/1.1", plain, "GET / HTTP/1.1", plain, 1, true},
		{"they are known behind an empty line", "GET / HTTP/1.1", plain, "\r\nGET / HTTP/1.1", plain, 1, true},
		{"they are known from another connection", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", plain, another, true},
		{"a cookie is known where it came from", "GET / HTTP/1.1", secret, "GET / HTTP/1.1", secret, 1, true},
		{"a cookie is not known from another connection", "GET / HTTP/1.1", secret, "GET / HTTP/1.1", secret, another, false},
		{"a password is not known from another connection", "GET / HTTP/1.1", "Host: a\r\nauthorization: b\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nauthorization: b\r\n\r\n", another, false},
		{"nor is a proxy's", "GET / HTTP/1.1", "Host: a\r\nPROXY-AUTHORIZATION: b\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nPROXY-AUTHORIZATION: b\r\n\r\n", another, false},
		{"another byte is not known", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: b\r\nAccept: */*\r\n\r\n", 1, false},
		{"a field more is not known", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\nAccept: */*\r\nA: b\r\n\r\n", 1, false},
		{"a field less is not known", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\n\r\n", 1, false},
		{"HTTP/1.0 is not known", "GET / HTTP/1.1", plain, "GET / HTTP/1.0", plain, 1, false},
		{"nothing is known from HTTP/1.0", "GET / HTTP/1.0", plain, "GET / HTTP/1.1", plain, 1, false},
		{"an absolute target is not known", "GET / HTTP/1.1", plain, "GET http://b/ HTTP/1.1", plain, 1, false},
		{"nothing is known from an absolute target", "GET http://b/ HTTP/1.1", plain, "GET / HTTP/1.1", plain, 1, false},
		{"many bytes are not kept", "GET / HTTP/1.1", "A: " + strings.Repeat("b", knownBytes) + "\r\n" + plain, "GET / HTTP/1.1", "A: " + strings.Repeat("b", knownBytes) + "\r\n" + plain, 1, false},
		{"many fields are not kept", "GET / HTTP/1.1", strings.Repeat("A: b\r\n", knownFields) + plain, "GET / HTTP/1.1", strings.Repeat("A: b\r\n", knownFields) + plain, 1, false},
		{"a refused head is not kept", "GET / HTTP/1.1", "A: b\r\n\r\n", "GET / HTTP/1.1", "A: b\r\n\r\n", 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := memoryOfAnother()
			var h, fresh Head
			h.parse([]byte(test.line+"\r\n"+test.fields), &usual, &m, 1)
			p := []byte(test.line2 + "\r\n" + test.fields2)
			if fresh.Parse(p, &usual); fresh.Size == 0 {
				t.Fatal("the row is no head")
			}
			recalled := fresh
			recalled.meaning = meaning{Length: -1}
			recalled.Fields = [MaxFields]field{}
			if known := m.recall(&recalled, p, test.conn); known != test.known {
				t.Errorf("known is %v", known)
			}
			why := h.parse(p, &usual, &m, test.conn)
			if now, said := describe(&h, p, h.Size), describe(&fresh, p, fresh.Size); why == nil && now != said {
				t.Errorf("with a memory %s; without %s", now, said)
			}
		})
	}
}

// memoryOfAnother returns a memory with a block in it of connection 1, with a cookie.
func memoryOfAnother() (m Memory) {
	new(Head).parse([]byte("GET / HTTP/1.1\r\nCookie: a\r\nHost: before\r\nConnection: close\r\n\r\n"), &usual, &m, 1)
	return m
}

// readsTheSame holds that a head means the same with a memory, whatever is in there: the same
// head, or one with the same fields elsewhere.
func readsTheSame(t *testing.T, p []byte, l *Limits) {
	var plain Head
	why := plain.Parse(p, l)
	said := describe(&plain, p, plain.Size)
	m := memoryOfAnother()
	var moved Head
	if why == nil && len(p) < 1<<15 {
		longer := "GET /" + strings.Repeat("m", 10) + " HTTP/1.1\r\n" + string(p[plain.FieldsAt:])
		moved.parse([]byte(longer), l, &m, 1)
	}
	for _, conn := range []uint32{1, 1, 1 + knownBlocks, 1, 2} {
		h := Head{Fields: plain.Fields}
		if whyNot := h.parse(p, l, &m, conn); whyNot != why {
			t.Fatalf("with a memory %v; without %v", whyNot, why)
		}
		if why != nil {
			continue
		}
		if now := describe(&h, p, h.Size); now != said || h.requestInfo != plain.requestInfo {
			t.Fatalf("with a memory %s; without %s", now, said)
		}
		for i, f := range plain.Fields[:plain.NFields] {
			if h.Fields[i] != f {
				t.Fatalf("with a memory, the field %d is at %v; without, at %v", i, h.Fields[i], f)
			}
		}
	}
}
