package h1

import (
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// TestFieldsAreCached reads two heads with one cache.
func TestFieldsAreCached(t *testing.T) {
	const (
		plain   = "Host: a\r\nAccept: */*\r\n\r\n"
		secret  = "Host: a\r\nCookie: b=c\r\n\r\n"
		another = 1 + CachedBlocks // a connection with the same place in the cache
	)
	tests := []struct {
		name           string
		line, fields   string // of the first request, on connection 1
		line2, fields2 string
		conn           uint32 // of the second
		hit            bool
	}{
		{"the same fields are a hit", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", plain, 1, true},
		{"they are a hit behind a longer line", "GET / HTTP/1.1", plain, "POST /bcd?e HTTP/1.1", plain, 1, true},
		{"they are a hit behind a shorter line", "GET /long/path HTTP/1.1", plain, "GET / HTTP/1.1", plain, 1, true},
		{"they are a hit behind an empty line", "GET / HTTP/1.1", plain, "\r\nGET / HTTP/1.1", plain, 1, true},
		{"they are a hit from another connection", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", plain, another, true},
		{"a cookie is a hit on its own connection", "GET / HTTP/1.1", secret, "GET / HTTP/1.1", secret, 1, true},
		{"a cookie is a miss from another connection", "GET / HTTP/1.1", secret, "GET / HTTP/1.1", secret, another, false},
		{"a password is a miss from another connection", "GET / HTTP/1.1", "Host: a\r\nauthorization: b\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nauthorization: b\r\n\r\n", another, false},
		{"a proxy's password is a miss from another connection", "GET / HTTP/1.1", "Host: a\r\nPROXY-AUTHORIZATION: b\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nPROXY-AUTHORIZATION: b\r\n\r\n", another, false},
		{"another value is a hit on its own connection", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\nAccept: *\r\n\r\n", 1, true},
		{"a longer one is a hit, too", "GET / HTTP/1.1", plain, "GET /b HTTP/1.1", "Host: a\r\nAccept: text/html, */*\r\n\r\n", 1, true},
		{"and an empty one", "GET / HTTP/1.1", plain, "GET /b HTTP/1.1", "Host: a\r\nAccept:\r\n\r\n", 1, true},
		{"and one with other blanks around it", "GET / HTTP/1.1", plain, "GET /b HTTP/1.1", "Host: a\r\nAccept:\t*/*  \r\n\r\n", 1, true},
		{"another value is a miss from another connection", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\nAccept: *\r\n\r\n", another, false},
		{"another cookie is a hit on its own connection", "GET / HTTP/1.1", secret, "GET / HTTP/1.1", "Host: a\r\nCookie: b=de\r\n\r\n", 1, true},
		{"two other values are a hit", "GET / HTTP/1.1", "A: b\r\nHost: a\r\nC: d\r\n\r\n", "GET / HTTP/1.1", "A: bb\r\nHost: a\r\nC: ddd\r\n\r\n", 1, true},
		{"another host is a miss", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: b\r\nAccept: */*\r\n\r\n", 1, false},
		{"another length is a miss", "GET / HTTP/1.1", "Host: a\r\nContent-Length: 1\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nContent-Length: 2\r\n\r\n", 1, false},
		{"another option of the connection is a miss", "GET / HTTP/1.1", "Host: a\r\nconnection: a\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nconnection: close\r\n\r\n", 1, false},
		{"another writing of the coding is a miss", "POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.1", "Host: a\r\nTransfer-Encoding: Chunked\r\n\r\n", 1, false},
		{"another expectation is a miss", "GET / HTTP/1.1", "Host: a\r\nExpect: a\r\n\r\n", "GET / HTTP/1.1", "Host: a\r\nExpect: 100-continue\r\n\r\n", 1, false},
		{"another name is a miss", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\nAgcept: */*\r\n\r\n", 1, false},
		{"another value and another host are a miss", "GET / HTTP/1.1", "A: b\r\nHost: a\r\nC: d\r\n\r\n", "GET / HTTP/1.1", "A: bb\r\nHost: aa\r\nC: ddd\r\n\r\n", 1, false},
		{"another byte is a miss", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: b\r\nAccept: */*\r\n\r\n", 1, false},
		{"a field more is a miss", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\nAccept: */*\r\nA: b\r\n\r\n", 1, false},
		{"a field less is a miss", "GET / HTTP/1.1", plain, "GET / HTTP/1.1", "Host: a\r\n\r\n", 1, false},
		{"HTTP/1.0 is a miss", "GET / HTTP/1.1", plain, "GET / HTTP/1.0", plain, 1, false},
		{"nothing is cached from HTTP/1.0", "GET / HTTP/1.0", plain, "GET / HTTP/1.1", plain, 1, false},
		{"an absolute target is a miss", "GET / HTTP/1.1", plain, "GET http://b/ HTTP/1.1", plain, 1, false},
		{"nothing is cached from an absolute target", "GET http://b/ HTTP/1.1", plain, "GET / HTTP/1.1", plain, 1, false},
		{"many bytes are not cached", "GET / HTTP/1.1", "A: " + strings.Repeat("b", cachedBytes) + "\r\n" + plain, "GET / HTTP/1.1", "A: " + strings.Repeat("b", cachedBytes) + "\r\n" + plain, 1, false},
		{"many fields are not cached", "GET / HTTP/1.1", strings.Repeat("A: b\r\n", cachedFields) + plain, "GET / HTTP/1.1", strings.Repeat("A: b\r\n", cachedFields) + plain, 1, false},
		{"a refused head is not cached", "GET / HTTP/1.1", "A: b\r\n\r\n", "GET / HTTP/1.1", "A: b\r\n\r\n", 1, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cache := cacheOfAnother()
			var h, fresh Head
			h.parse([]byte(test.line+"\r\n"+test.fields), &usual, &cache, 1)
			p := []byte(test.line2 + "\r\n" + test.fields2)
			if fresh.Parse(p, &usual); fresh.Size == 0 {
				t.Fatal("the row is no head")
			}
			found := fresh
			found.fieldInfo = fieldInfo{Length: -1}
			found.Fields = [MaxFields]field{}
			before := cache
			if b := cache.blocks[1]; b != nil { // a hit may change it
				kept := *b
				kept.bytes, kept.fields = slices.Clone(b.bytes), slices.Clone(b.fields)
				before.blocks[1] = &kept
			}
			if hit := cache.lookup(&found, p, &usual, test.conn); hit != test.hit {
				t.Errorf("hit: %v", hit)
			}
			cache = before
			why := h.parse(p, &usual, &cache, test.conn)
			if now, said := describe(&h, p, h.Size), describe(&fresh, p, fresh.Size); why == nil && now != said {
				t.Errorf("with a cache %s; without %s", now, said)
			}
		})
	}
}

// TestChangesInARow has one connection send one head after the other, in which values change
// before and behind the one that has changed last. Each is a hit.
func TestChangesInARow(t *testing.T) {
	var cache FieldCache
	for i, values := range []string{"a b c", "a b d", "x b d", "y b e", "yy b e", "yy bb f", "a bb c", "a b c"} {
		v := strings.Fields(values)
		p := []byte("GET / HTTP/1.1\r\nA: " + v[0] + "\r\nHost: a\r\nB: " + v[1] + "\r\nC: " + v[2] + "\r\n\r\n")
		var h, fresh Head
		if why := fresh.Parse(p, &usual); why != nil {
			t.Fatal(why)
		}
		h.requestInfo = fresh.requestInfo
		h.fieldInfo = fieldInfo{Length: -1}
		if hit := cache.lookup(&h, p, &usual, 1); hit != (i > 0) {
			t.Errorf("%q behind others, hit: %v", values, hit)
		} else if hit && h != fresh {
			t.Errorf("with a cache %s; without %s", describe(&h, p, h.Size), describe(&fresh, p, fresh.Size))
		}
		if i == 0 {
			cache.store(&fresh, p, 1)
		}
	}
}

// cacheOfAnother returns a cache with a block of connection 1, which has a cookie.
func cacheOfAnother() (cache FieldCache) {
	new(Head).parse([]byte("GET / HTTP/1.1\r\nCookie: a\r\nHost: before\r\nConnection: close\r\n\r\n"), &usual, &cache, 1)
	return cache
}

// readsTheSame reads a head with caches, which must change nothing: with its fields in there,
// also from behind another line, and with those of other heads.
func readsTheSame(t *testing.T, p []byte, l *Limits) {
	readsTheSameAfterOthers(t, p, l)
	var plain Head
	why := plain.Parse(p, l)
	said := describe(&plain, p, plain.Size)
	cache := cacheOfAnother()
	var moved Head
	if why == nil && len(p) < 1<<15 {
		longer := "GET /" + strings.Repeat("m", 10) + " HTTP/1.1\r\n" + string(p[plain.FieldsAt:])
		moved.parse([]byte(longer), l, &cache, 1)
	}
	for _, conn := range []uint32{1, 1, 1 + CachedBlocks, 1, 2} {
		h := Head{Fields: plain.Fields}
		if whyNot := h.parse(p, l, &cache, conn); whyNot != why {
			t.Fatalf("with a cache %v; without %v", whyNot, why)
		}
		if why != nil {
			continue
		}
		if now := describe(&h, p, h.Size); now != said || h.requestInfo != plain.requestInfo {
			t.Fatalf("with a cache %s; without %s", now, said)
		}
		for i, f := range plain.Fields[:plain.NFields] {
			if h.Fields[i] != f {
				t.Fatalf("with a cache, the field %d is at %v; without, at %v", i, h.Fields[i], f)
			}
		}
	}
}

// readsTheSameAfterOthers reads a head behind one of the same connection in which one value
// was another.
func readsTheSameAfterOthers(t *testing.T, p []byte, l *Limits) {
	var plain Head
	why := plain.Parse(p, l)
	said := describe(&plain, p, plain.Size)
	lines := strings.SplitAfter(string(p), "\r\n")
	for i := 1; i < min(len(lines), 8); i++ {
		name, _, is := strings.Cut(lines[i], ":")
		if !is {
			continue
		}
		for _, value := range []string{"", " x", " a much longer value than it is likely to have here"} {
			other := slices.Clone(lines)
			other[i] = name + ":" + value + "\r\n"
			cache := cacheOfAnother()
			new(Head).parse([]byte(strings.Join(other, "")), l, &cache, 1)
			h := Head{Fields: plain.Fields}
			for range 2 {
				if whyNot := h.parse(p, l, &cache, 1); whyNot != why {
					t.Fatalf("behind %q: %v; without a cache %v", other[i], whyNot, why)
				}
				if now := describe(&h, p, h.Size); why == nil && (now != said || h != plain) {
					t.Fatalf("behind %q: %s; without a cache %s", other[i], now, said)
				}
			}
		}
	}
}

// TestTheFieldCacheIsBounded fills the cache by blocks that grow, so that its memory is as
// large as can be.
func TestTheFieldCacheIsBounded(t *testing.T) {
	var cache FieldCache
	for size := 1; size < 2*cachedBytes; size += 1 + size/8 {
		for _, fields := range []int{0, cachedFields / 2, 2 * cachedFields} {
			p := []byte("GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", fields) + "B: " + strings.Repeat("c", size) + "\r\n\r\n")
			for conn := range uint32(2 * CachedBlocks) {
				if why := new(Head).parse(p, &usual, &cache, conn); why != nil {
					t.Fatal(why)
				}
			}
		}
	}
	for size := range cachedBytes { // on one connection
		p := []byte("GET / HTTP/1.1\r\nHost: a\r\nB: " + strings.Repeat("c", size) + "\r\n\r\n")
		for conn := range uint32(CachedBlocks) {
			if why := new(Head).parse(p, &usual, &cache, conn); why != nil {
				t.Fatal(why)
			}
		}
	}
	total := 0
	for _, b := range cache.blocks {
		total += int(unsafe.Sizeof(*b)) + cap(b.bytes) + cap(b.fields)*int(unsafe.Sizeof(field{}))
	}
	if total > 350<<10 || total < 100<<10 {
		t.Errorf("the cache has %d bytes", total)
	}
}

// TestFieldsThatChangeMakeNoGarbage has a client with two blocks of fields in turn.
func TestFieldsThatChangeMakeNoGarbage(t *testing.T) {
	var cache FieldCache
	var h Head
	one, other := []byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: b=c\r\n\r\n"), []byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: b=d\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() {
		h.parse(one, &usual, &cache, 1)
		h.parse(other, &usual, &cache, 1)
	}); n != 0 {
		t.Errorf("two heads take %v allocations", n)
	}
}
