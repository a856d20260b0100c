package static

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A sieve is the cache as the paper draws it: a row of entries, oldest first,
// and a hand that points into it. It is slow, and plainly right.
type sieve struct {
	limit int64
	row   []mark
	hand  int // len(row) and 0 both mean the oldest

	hits, evicted uint64
}

type mark struct {
	path    string
	size    int64
	visited bool
}

func (s *sieve) at(path string) int {
	return slices.IndexFunc(s.row, func(m mark) bool { return m.path == path })
}

func (s *sieve) size() (n int64) {
	for _, m := range s.row {
		n += m.size
	}
	return n
}

func (s *sieve) get(path string) bool {
	i := s.at(path)
	if i >= 0 {
		s.row[i].visited = true
		s.hits++
	}
	return i >= 0
}

func (s *sieve) put(path string, size int64) {
	s.remove(path)
	if size > s.limit {
		return
	}
	for s.size()+size > s.limit {
		for s.row[s.hand].visited {
			s.row[s.hand].visited = false
			s.hand = (s.hand + 1) % len(s.row)
		}
		s.evicted++
		s.remove(s.row[s.hand].path)
	}
	s.row = append(s.row, mark{path: path, size: size})
}

func (s *sieve) remove(path string) {
	i := s.at(path)
	if i < 0 {
		return
	}
	s.row = slices.Delete(s.row, i, i+1)
	if s.hand > i {
		s.hand--
	}
	if s.hand == len(s.row) {
		s.hand = 0
	}
}

// marks walks the cache both ways and returns its entries, oldest first.
func marks(t *testing.T, c *cache) (row []mark) {
	t.Helper()
	for e := c.oldest; e != nil; e = e.newer {
		if c.byPath[e.path] != e {
			t.Fatalf("%s is in the row and not in the map", e.path)
		}
		if e.newer == nil && e != c.newest {
			t.Fatalf("the row ends with %s, which is not the newest", e.path)
		}
		if e.newer != nil && e.newer.older != e {
			t.Fatalf("%s and its neighbour do not agree", e.path)
		}
		row = append(row, mark{e.path, e.bytes, e.visits != e.passed})
	}
	if len(row) != len(c.byPath) {
		t.Fatalf("%d in the row, %d in the map", len(row), len(c.byPath))
	}
	if len(row) == 0 && (c.newest != nil || c.hand != nil) {
		t.Fatal("an empty cache holds on to its entries")
	}
	return row
}

// answerOf returns an entry whose answer has n bytes.
func answerOf(t *testing.T, path string, n int) *entry {
	t.Helper()
	return &entry{path: path, bytes: overhead + int64(n), uses: 1}
}

func TestTheCacheIsASieve(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		limit := int64(overhead * (1 + r.IntN(60)))
		c := &cache{limit: limit}
		s := &sieve{limit: limit}
		held := map[string]*entry{} // all that were ever made, also those that are gone
		paths := 1 + r.IntN(40)
		for step := range 2000 {
			path := fmt.Sprint("/", r.IntN(paths))
			switch r.IntN(10) {
			case 0, 1, 2, 3:
				e := answerOf(t, path, r.IntN(1+r.IntN(4*overhead)))
				held[path] = e
				c.put(e)
				s.put(path, e.bytes)
			case 4:
				if e := held[path]; e != nil {
					c.remove(e) // perhaps once more
					s.remove(path)
				}
			default:
				if got, want := c.get([]byte(path)) != nil, s.get(path); got != want {
					t.Fatalf("seed %d, step %d: %s is there: %v, want %v", seed, step, path, got, want)
				}
			}
			if got := marks(t, c); !slices.Equal(got, s.row) {
				t.Fatalf("seed %d, step %d: holds %v, want %v", seed, step, got, s.row)
			}
			if c.hits() != s.hits || c.evicted != s.evicted {
				t.Fatalf("seed %d, step %d: %d hits and %d evictions, want %d and %d", seed, step, c.hits(), c.evicted, s.hits, s.evicted)
			}
			if c.size != s.size() || c.size > limit {
				t.Fatalf("seed %d, step %d: counts %d bytes of %d, holds %d", seed, step, c.size, limit, s.size())
			}
		}
		for _, e := range held {
			if c.byPath[e.path] == e {
				c.remove(e)
			}
		}
		if len(marks(t, c)) != 0 || c.size != 0 {
			t.Errorf("seed %d: %d bytes are left when all is removed", seed, c.size)
		}
	}
}

func TestAScanDoesNotPushOutWhatIsAskedFor(t *testing.T) {
	c := &cache{limit: 20 * overhead}
	for i := range 5 {
		c.put(answerOf(t, fmt.Sprint("/popular/", i), 0))
	}
	for i := range 10_000 {
		for j := range 5 {
			if c.get(fmt.Append(nil, "/popular/", j)) == nil {
				t.Fatalf("%d was pushed out after %d others", j, i)
			}
		}
		c.put(answerOf(t, fmt.Sprint("/scanned/", i), 0))
	}
}

func TestWhatIsLargerThanTheCacheIsNotKept(t *testing.T) {
	c := &cache{limit: 2 * overhead}
	c.put(answerOf(t, "/a", 10))
	c.put(answerOf(t, "/b", 3*overhead))
	if c.get([]byte("/a")) == nil || c.get([]byte("/b")) != nil {
		t.Errorf("it holds %v", marks(t, c))
	}
	c.put(answerOf(t, "/a", 3*overhead))
	if c.get([]byte("/a")) != nil || c.size != 0 {
		t.Errorf("an entry that was replaced is still there: %v", marks(t, c))
	}
}

// A client that asks for all files, by all their spellings, fills the memory that is
// allowed and no more.
func TestFilesInMemoryAreBounded(t *testing.T) {
	const memory = 64 << 10
	content := map[string]string{}
	for i := range 100 {
		content[fmt.Sprint(i, ".txt")] = letters(1000 * (i % 10))
	}
	files := open(t, tree(t, content), Options{Memory: memory})
	visit(t, files, func(v *visitor) {
		for range 2 {
			for name, want := range content {
				for _, path := range []string{"/" + name, "//" + name, "/./" + name} {
					if got := v.ask("GET " + path); got.status != 200 || got.body != want {
						v.t.Errorf("%s: %v", path, got)
					}
					if files.cache.size > memory {
						v.t.Errorf("%d bytes are held", files.cache.size)
					}
				}
			}
		}
	})
	if files.cache.size < memory/2 {
		t.Errorf("only %d bytes are held of %d", files.cache.size, memory)
	}
}
