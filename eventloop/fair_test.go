package eventloop

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func client(s string) Client { return ClientOf(netip.MustParseAddr(s)) }

func TestAClientIsAnAddressOrANetwork(t *testing.T) {
	for _, row := range []struct {
		name, a, b string
		same       bool
	}{
		{"two IPv4 addresses are two clients", "192.0.2.1", "192.0.2.2", false},
		{"an IPv4 address in IPv6 form is the same client", "192.0.2.1", "::ffff:192.0.2.1", true},
		{"two IPv4 addresses in IPv6 form are two clients", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"two addresses of one /64 are one client", "2001:db8::1", "2001:db8::ffff:2", true},
		{"two /64 of one /48 are two clients", "2001:db8:0:1::1", "2001:db8:0:2::1", false},
	} {
		if same := client(row.a) == client(row.b); same != row.same {
			t.Errorf("%s: %v", row.name, same)
		}
	}
	for a, want := range map[string]string{"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::/64"} {
		if got := client(a).String(); got != want {
			t.Errorf("the client at %s is called %s, not %s", a, got, want)
		}
	}
	if got := ClientOf(netip.Addr{}); got.Known() || got.String() != "unknown" {
		t.Errorf("the client of a Unix socket is %s", got)
	}
}

// TestATallyKnowsWhoHoldsMost compares it with a plain map.
func TestATallyKnowsWhoHoldsMost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var tally Tally
	plain := make(map[Client]int64)
	for range 20_000 {
		who := client(fmt.Sprintf("192.0.2.%d", r.IntN(20)))
		n := r.Int64N(100) - 50
		if n = max(n, -plain[who]); n == 0 {
			n = -plain[who]
		}
		tally.Add(who, n)
		if plain[who] += n; plain[who] == 0 {
			delete(plain, who)
		}
		var most, total int64
		for _, n := range plain {
			most, total = max(most, n), total+n
		}
		got, n := tally.Most()
		if n != most || plain[got] != most || tally.Total() != total || tally.Clients() != len(plain) || tally.Of(who) != plain[who] {
			t.Fatalf("%d of %s is most, of %d held by %d; want %d of %d by %d", n, got, tally.Total(), tally.Clients(), most, total, len(plain))
		}
	}
}

func TestTurns(t *testing.T) {
	a, b, c := client("192.0.2.1"), client("192.0.2.2"), client("192.0.2.3")
	for _, row := range []struct {
		name string
		push []Client
		drop int
		want string
	}{
		{"one client is served in its order", []Client{a, a, a}, 0, "0 1 2"},
		{"a client with one item waits for one item of another", []Client{a, a, a, b}, 0, "0 3 1 2"},
		{"three clients take turns", []Client{a, a, b, b, c}, 0, "0 2 4 1 3"},
		{"the client that waits for most loses its latest", []Client{b, a, a, a}, 1, "0 1 2"},
		{"a client that has lost all is not served", []Client{a, b}, 2, ""},
		{"none is there to lose", nil, 1, ""},
	} {
		var q Turns[int]
		for i, who := range row.push {
			q.Push(who, i)
		}
		for range row.drop {
			q.DropLast()
		}
		got := ""
		for n := q.Len(); ; n-- {
			if q.Len() != n {
				t.Errorf("%s: %d wait, not %d", row.name, q.Len(), n)
			}
			item, ok := q.Pop()
			if !ok {
				break
			}
			if got != "" {
				got += " "
			}
			got += fmt.Sprint(item)
		}
		if got != row.want {
			t.Errorf("%s: %q, not %q", row.name, got, row.want)
		}
	}
}

func TestTurnsOfThoseThatMayHaveOne(t *testing.T) {
	a, b, c := client("192.0.2.1"), client("192.0.2.2"), client("192.0.2.3")
	var q Turns[int]
	for i, who := range []Client{a, a, b, c, b} {
		q.Push(who, i)
	}
	not := func(who Client) func(Client) bool { return func(x Client) bool { return x != who } }
	for i, row := range []struct {
		name string
		do   func() (int, bool)
		want int
	}{
		{"a client that may not is passed over", func() (int, bool) { return q.PopIf(not(a)) }, 2},
		{"and has kept its place", q.Pop, 0},
		{"one that had its turn stands behind", func() (int, bool) { return q.PopIf(not(a)) }, 3},
		{"what is removed is not served", func() (int, bool) { q.Remove(b, 4); q.Remove(b, 4); q.Remove(c, 3); return q.Pop() }, 1},
		{"then none waits", func() (int, bool) {
			n, ok := q.Pop()
			return n, !ok && q.Len() == 0 && q.order == nil && len(q.lines) == 0
		}, 0},
	} {
		if got, ok := row.do(); got != row.want || !ok {
			t.Errorf("%d: %s: %d, %v", i, row.name, got, ok)
		}
	}
}

// TestATallyOfOneClientMakesNoGarbage has a client come and go.
func TestATallyOfOneClientMakesNoGarbage(t *testing.T) {
	var tally Tally
	who := client("192.0.2.1")
	if n := testing.AllocsPerRun(100, func() {
		tally.Add(who, 1)
		tally.Add(who, -1)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTheLastQuarterIsForOthers takes as much as a tally admits, for clients that
// come one after the other.
func TestTheLastQuarterIsForOthers(t *testing.T) {
	for _, row := range []struct {
		name string
		most int64
		want []int64 // of each client
	}{
		{"none of none", 0, []int64{0}},
		{"one of one", 1, []int64{1, 0}},
		{"all of three", 3, []int64{3, 0}},
		{"three of four", 4, []int64{3, 1, 0}},
		{"three quarters, then half of what is left", 16, []int64{12, 2, 1, 1, 0}},
		{"and so on", 1024, []int64{768, 128, 64, 32, 16, 8, 4, 2, 1, 1, 0}},
	} {
		var tally Tally
		for i, want := range row.want {
			who := client(fmt.Sprintf("192.0.2.%d", i))
			for tally.Admits(who, row.most) {
				tally.Add(who, 1)
			}
			if got := tally.Of(who); got != want {
				t.Errorf("%s: client %d gets %d, not %d", row.name, i, got, want)
			}
		}
	}
}
