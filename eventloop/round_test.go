package eventloop

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestATurnGoesThroughItsLists has three connections, 1 to 3, that hear something in each
// turn. What they do there is said by words: "2 again" is that 2 leaves its bytes over and
// asks to be shown them again, "2 panics" what it says.
func TestATurnGoesThroughItsLists(t *testing.T) {
	for _, row := range []struct {
		name  string
		does  string   // in the first turn
		turns []string // which connections were shown something in each turn
	}{
		{"each is shown what has come", "", []string{"1 2 3", "1 2 3"}},
		{"what a callback leaves over belongs to the next turn", "1 again", []string{"1 2 3", "2 3 1 1"}}, // what was left, and what has come
		{"behind a panic, dispatch goes on in the same turn", "1 panics", []string{"1 2 3", "2 3"}},
		{"and so it does behind another", "1 panics, 2 panics", []string{"1 2 3", "3"}},
		{"behind a panic at the last event, the turn goes on", "3 panics", []string{"1 2 3", "1 2"}},
		{"a panic costs no other what it has left over", "1 again, 3 panics", []string{"1 2 3", "2 1 1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l, k := crowd(t, 3, 3)
			var heard []string
			turn := 0
			l.Each(func(c *Conn) {
				c.protocol = &script{speak: func(c *Conn, p []byte) int {
					heard = append(heard, fmt.Sprint(c.ID()))
					switch does := fmt.Sprint(c.ID()) + " "; {
					case turn > 0:
					case strings.Contains(row.does, does+"again"):
						c.Again()
						return 0
					case strings.Contains(row.does, does+"panics"):
						panic("ill")
					}
					return len(p)
				}}
			})
			for ; turn < len(row.turns); turn++ {
				heard = nil
				for again := true; again; again = l.ready.n > 0 {
					turnGuarded(t, l)
				}
				if got := strings.Join(heard, " "); got != row.turns[turn] {
					t.Errorf("in turn %d, %q were shown something, not %q", turn, got, row.turns[turn])
				}
			}
			if k.says = nil; len(l.lists.again)+len(l.lists.dirty.spans) > 0 {
				t.Errorf("%d and %d are left", len(l.lists.again), len(l.lists.dirty.spans))
			}
			notNil := func(c *Conn) bool { return c != nil }
			again, dirty := l.lists.again, l.lists.dirty.spans
			if slices.ContainsFunc(again[:cap(again)], notNil) ||
				slices.ContainsFunc(dirty[:cap(dirty)], func(sp span) bool { return notNil(sp.conn) }) {
				t.Errorf("a list without entries holds a connection")
			}
		})
	}
}

// turnGuarded turns the loop as turns does, once.
func turnGuarded(t *testing.T, l *Loop) {
	defer l.recoverDispatch()
	if err := l.turn(); err != nil {
		t.Error(err)
	}
}

// TestAListenerHasOneBatchInATurn has two of them, each with three visitors.
func TestAListenerHasOneBatchInATurn(t *testing.T) {
	k := sim.New(1)
	l := loopWith(t, Config{Kernel: k, Limits: Limits{AcceptBatch: 1}})
	accepted := [2]int{}
	for i := range accepted {
		if _, err := l.ListenAt(fmt.Sprintf(":%d", 80+i), bobbin.ListenOptions{}, func(*Conn) Protocol {
			accepted[i]++
			return &script{}
		}); err != nil {
			t.Fatal(err)
		}
	}
	dial := func(port uint16, n int) {
		for range n {
			if _, err := k.DialPort(port); err != nil {
				t.Fatal(err)
			}
		}
	}
	dial(80, 3)
	for i, want := range [][2]int{{1, 0}, {2, 1}, {3, 2}, {3, 3}} {
		if i == 1 {
			dial(81, 3) // while the other has some left
		}
		if err := l.turn(); err != nil {
			t.Fatal(err)
		}
		if accepted != want {
			t.Errorf("after %d turns they have accepted %v, not %v", i+1, accepted, want)
		}
	}
}

// TestAListGoesOnWithWhatWasAdded takes what was walked off a list.
func TestAListGoesOnWithWhatWasAdded(t *testing.T) {
	one, two := &Conn{}, &Conn{}
	for _, row := range []struct {
		name       string
		list, left []*Conn
		walked     int
	}{
		{"nothing was added", []*Conn{nil, nil}, []*Conn{}, 2},
		{"more was walked than added", []*Conn{nil, nil, one}, []*Conn{one}, 2},
		{"more was added", []*Conn{nil, one, two}, []*Conn{one, two}, 1},
	} {
		left := without(row.list, row.walked)
		if !slices.Equal(left, row.left) || slices.ContainsFunc(row.list[len(left):], func(c *Conn) bool { return c != nil }) {
			t.Errorf("%s: %v of %v are left", row.name, left, row.list)
		}
	}
}
