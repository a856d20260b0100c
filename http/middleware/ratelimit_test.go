package middleware

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// limit makes one of a text, as a flag does.
func limit(t testing.TB, s string) *RateLimit {
	l, err := ParseRateLimit(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestThreeTimesTheRateGetsTheRate(t *testing.T) {
	for _, row := range []struct {
		rate   string
		every  time.Duration // a third of an interval
		during time.Duration
		want   int // what may come at once, and what the time allows
	}{
		{"10/s,1", time.Second / 30, 10 * time.Second, 1 + 100},
		{"10/s", time.Second / 30, 10 * time.Second, 10 + 100},
		{"3/s,5", time.Second / 9, 10 * time.Second, 5 + 30},
		{"1000/s,50", time.Second / 3000, 10 * time.Second, 50 + 10_000},
		{"60/m,1", time.Second / 3, 10 * time.Second, 1 + 10},
		{"1/1h", 20 * time.Minute, 10 * time.Hour, 1 + 10},
	} {
		l := limit(t, row.rate)
		l.begin()
		client := l.hash(netip.MustParseAddr("192.0.2.1"))
		windows := make([]int, row.during/l.Window+1)
		passed := 0
		for now := time.Duration(0); now < row.during; now += row.every + 1 { // rounded up, or it misses by a nanosecond
			v := l.take(client, int64(now))
			if !v.refused {
				passed++
				windows[now/l.Window]++
			} else if v.seconds < 1 || time.Duration(v.seconds) > time.Duration(l.interval)/time.Second+1 {
				t.Errorf("%s: to come back in %d s", row.rate, v.seconds)
			}
		}
		if passed < row.want-1 || passed > row.want+1 {
			t.Errorf("%s: %d passed, want %d", row.rate, passed, row.want)
		}
		for i, n := range windows[:len(windows)-1] {
			first := 0
			if i == 0 {
				first = l.Burst
			}
			if n > l.Rate+first+1 || i > 1 && row.during > 10*l.Window && n < l.Rate-1 {
				t.Errorf("%s: %d passed in window %d", row.rate, n, i)
			}
		}
	}
}

func TestWhoComesBackWhenToldIsLetIn(t *testing.T) {
	l := limit(t, "2/3s,2")
	now := int64(0)
	r := rand.New(rand.NewPCG(1, 1))
	l.begin()
	for range 1000 {
		v := l.take(7, now)
		if v.refused {
			now += v.seconds * int64(time.Second)
			if v = l.take(7, now); v.refused {
				t.Fatalf("at %d: to wait %d s more", now, v.seconds)
			}
		}
		for range v.left { // and who was told that there is more, gets it
			if l.take(7, now).refused {
				t.Fatalf("at %d: there was less", now)
			}
		}
		now += r.Int64N(int64(4 * time.Second))
	}
}

func TestWhatAClientIsTold(t *testing.T) {
	l := limit(t, "2/s")
	play(t, l.Wrap(hello), func(c *client) {
		for _, row := range []struct {
			sleep  time.Duration
			status int
			limit  string
			after  string
		}{
			{0, 200, `"default";r=1;t=1`, ""},
			{0, 200, `"default";r=0;t=1`, ""},
			{0, 429, `"default";r=0;t=1`, "1"},
			{0, 429, `"default";r=0;t=1`, "1"},
			{time.Second / 2, 200, `"default";r=0;t=1`, ""},
			{0, 429, `"default";r=0;t=1`, "1"},
			{time.Minute, 200, `"default";r=1;t=1`, ""},
		} {
			c.Sleep(row.sleep)
			got := c.ask("GET", "/")
			if got.StatusCode != row.status || got.Header.Get("RateLimit") != row.limit || got.Header.Get("Retry-After") != row.after ||
				got.Header.Get("RateLimit-Policy") != `"default";q=2;w=1` {
				t.Errorf("%+v: %d %v", row, got.StatusCode, got.Header)
			}
		}
	})
	if l.Refused() != 3 {
		t.Errorf("%d were refused", l.Refused())
	}
	for _, row := range []struct{ rate, policy, fresh string }{
		{"100/m", `"default";q=100;w=60`, `"default";r=99;t=60`},
		{"100/m,20", `"default";q=100;w=60`, `"default";r=19;t=12`},
		{"10/s,50", `"default";q=50;w=5`, `"default";r=49;t=5`},
		{"10/100ms", `"default";q=100;w=1`, `"default";r=9;t=1`},
		{"1/h", `"default";q=1;w=3600`, `"default";r=0;t=3600`},
		{"3/s", `"default";q=3;w=1`, `"default";r=2;t=1`},
	} {
		l := limit(t, row.rate)
		play(t, l.Wrap(hello), func(c *client) {
			got := c.ask("GET", "/").Header
			if got.Get("RateLimit-Policy") != row.policy || got.Get("RateLimit") != row.fresh {
				t.Errorf("%s: %v", row.rate, got)
			}
		})
	}
}

func TestWhoIsAClient(t *testing.T) {
	l := limit(t, "1/h")
	l.begin()
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:1:2:3", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"::1", "::192.0.2.1", true},
		{"::1", "0.0.0.0", false},
	} {
		if same := l.hash(netip.MustParseAddr(row.a)) == l.hash(netip.MustParseAddr(row.b)); same != row.same {
			t.Errorf("%s and %s: %v", row.a, row.b, same)
		}
	}
	from := RealIP{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	play(t, from.Wrap(l.Wrap(hello)), func(c *client) {
		for i, row := range []struct {
			from string
			want int
		}{{"192.0.2.1", 200}, {"192.0.2.1", 429}, {"192.0.2.2", 200}, {"2001:db8::1", 200}, {"2001:db8::2", 429}} {
			if got := c.ask("GET", "/", "X-Forwarded-For: "+row.from); got.StatusCode != row.want {
				t.Errorf("%d: %s: %d", i, row.from, got.StatusCode)
			}
		}
	})
	l = &RateLimit{Rate: 1, Window: time.Hour, Name: "token", Key: func(r *http.Request) string { return r.Header("Token") }}
	play(t, l.Wrap(hello), func(c *client) {
		for i, row := range []struct {
			token string
			want  int
		}{{"a", 200}, {"a", 429}, {"b", 200}, {"", 200}, {"", 200}} {
			got := c.ask("GET", "/", "Token: "+row.token)
			if got.StatusCode != row.want || (row.token != "") != strings.HasPrefix(got.Header.Get("RateLimit"), `"token";`) {
				t.Errorf("%d: %s: %d %v", i, row.token, got.StatusCode, got.Header)
			}
		}
	})
}

func TestAMillionAddressesChangeNothing(t *testing.T) {
	l := limit(t, "10/s,20")
	l.begin()
	size, now := len(l.table), int64(0)
	if size != 1<<16 {
		t.Errorf("there are %d places", size)
	}
	busy := l.hash(netip.MustParseAddr("192.0.2.1"))
	for !l.take(busy, now).refused {
	}
	passed, refused := 0, 0
	for i := range 1_000_000 {
		a := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
		if l.take(l.hash(a), now).refused {
			refused++
		}
		now += int64(10 * time.Microsecond) // 100,000 a second
		if i%100 == 0 && !l.take(busy, now).refused {
			passed++
		}
	}
	if passed > 101 {
		t.Errorf("in ten seconds, the busy one got %d", passed)
	}
	if refused > 0 {
		t.Errorf("%d who came once were refused", refused)
	}
	if len(l.table) != size || len(l.headers) > headersMax {
		t.Errorf("%d places, %d texts", len(l.table), len(l.headers))
	}
}

// However many there are for one place, nobody gets more than its share.
func TestNobodyGetsMoreThanItsShare(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := limit(t, "5/s,10")
		l.Clients = 1
		l.begin()
		clients := 1 + r.IntN(30)
		passed := make([]int64, clients)
		now := int64(0)
		for range 3000 {
			i := r.IntN(clients)
			if !l.take(uint64(i), now).refused {
				passed[i]++
			}
			if passed[i] > 10+5*now/int64(time.Second)+1 {
				t.Fatalf("seed %d: client %d of %d has got %d in %v", seed, i, clients, passed[i], time.Duration(now))
			}
			now += r.Int64N(int64(20 * time.Millisecond))
		}
	}
}

// TestASharedLimitIsOfAllLoopsTogether counts on several goroutines, whose times are
// those of turns, and so behind one another.
func TestASharedLimitIsOfAllLoopsTogether(t *testing.T) {
	l := limit(t, "100/h")
	l.Shared = true
	l.begin()
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	let := make(chan int)
	for loop := range 4 {
		go func() {
			n := 0
			for i := range 50 {
				if _, refused := l.count(7, begun.Add(time.Duration(i-loop)*time.Microsecond)); !refused {
					n++
				}
			}
			let <- n
		}()
	}
	if n := <-let + <-let + <-let + <-let; n != 100 || l.Refused() != 100 {
		t.Errorf("%d were let in, and %d refused, not 100 each", n, l.Refused())
	}
}

func TestALimitCostsNoMemory(t *testing.T) {
	l := limit(t, "100/s")
	l.begin()
	now, i := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 0
	verdicts := map[bool]bool{}
	if n := testing.AllocsPerRun(10_000, func() {
		i++
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 8)})
		v := l.take(l.hash(a), l.since(now))
		l.fields(v)
		verdicts[v.refused] = true
		now = now.Add(time.Millisecond / 10)
	}); n != 0 || len(verdicts) != 2 {
		t.Errorf("%v allocations, %v", n, verdicts)
	}
}

func TestRates(t *testing.T) {
	for s, want := range map[string]RateLimit{
		"100/s":      {Rate: 100, Window: time.Second, Burst: 100},
		"600/m,50":   {Rate: 600, Window: time.Minute, Burst: 50},
		" 1 / 24h ":  {Rate: 1, Window: 24 * time.Hour, Burst: 1},
		"5/10s , 20": {Rate: 5, Window: 10 * time.Second, Burst: 20},
	} {
		l := limit(t, s)
		if l.Rate != want.Rate || l.Window != want.Window || l.Burst != want.Burst {
			t.Errorf("%s: %+v", s, l)
		}
	}
	for _, s := range []string{"", "100", "100/", "/s", "0/s", "-1/s", "1/0s", "1/-1s", "x/s", "1/s,", "1/s,0", "1/s,x", "1/d", "9999999999/s",
		"1/1000000h,1000000000", "1/s,1,1"} {
		if _, err := ParseRateLimit(s); err == nil || !strings.Contains(err.Error(), "such as 100/s") {
			t.Errorf("%q: %v", s, err)
		}
	}
	for want, l := range map[string]*RateLimit{
		"invalid rate": {}, "too large to be counted": {Rate: 1, Window: 1e18, Burst: 10}, "not plain": {Rate: 1, Name: `a"b`},
	} {
		func() {
			defer func() {
				if r := recover(); !strings.Contains(fmt.Sprint(r), want) {
					t.Errorf("%v, want %s", r, want)
				}
			}()
			l.Wrap(hello)
		}()
	}
}

func ExampleParseRateLimit() {
	l, err := ParseRateLimit("600/m,50")
	fmt.Println(l.Rate, l.Window, l.Burst, err)
	_, err = ParseRateLimit("fast")
	fmt.Println(err)
	// Output:
	// 600 1m0s 50 <nil>
	// "fast" is not a rate: write requests per time, such as 100/s, with an optional burst, such as 600/m,50
}

// TestTheClockOfALimitNeverGoesBack has loops count whose turns have begun in another
// order: a request that is counted late must not seem to come before the others, when
// its client owed more.
func TestTheClockOfALimitNeverGoesBack(t *testing.T) {
	start := time.Unix(1_000_000_000, 0)
	for _, row := range []struct {
		name string
		when []time.Duration // requests of another client, before
		at   time.Duration   // one of a client that was let in at 0, at a rate of 1 in 100 ms
		want bool            // it is let in
	}{
		{"100 ms later it is let in", nil, 100 * time.Millisecond, true},
		{"a moment before it is not", nil, 99 * time.Millisecond, false},
		{"it is let in when others were counted 100 ms later", []time.Duration{100 * time.Millisecond}, 99 * time.Millisecond, true},
		{"the latest time counts, in whatever order they come", []time.Duration{100 * time.Millisecond, 50 * time.Millisecond}, 60 * time.Millisecond, true},
		{"a time before the first is that of the first", nil, -time.Second, false},
	} {
		l := limit(t, "10/s,1")
		l.Shared = true
		l.begin()
		if _, refused := l.count(1, start); refused {
			t.Errorf("%s: the first is refused", row.name)
		}
		for _, d := range row.when {
			l.count(2, start.Add(d))
		}
		if _, refused := l.count(1, start.Add(row.at)); refused == row.want {
			t.Errorf("%s: refused is %v", row.name, refused)
		}
	}
	l := limit(t, "10/s")
	l.begin()
	r := rand.New(rand.NewPCG(1, 1))
	before := int64(0)
	for range 1000 {
		now := l.since(start.Add(time.Duration(r.Int64N(int64(time.Second)))))
		if now < before {
			t.Fatalf("it went from %d to %d", before, now)
		}
		before = now
	}
}
