package middleware

import (
	"fmt"
	"hash/maphash"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// RateLimit lets each client make so many requests in a time, and answers more of
// them with 429 and when to come back. A client is an address: of IPv4 all of it,
// of IPv6 the first 64 bits, for the rest is the client's to choose. One without an
// address, on a Unix socket, is not limited; RealIP, put around this, may know
// more.
//
// The fields RateLimit-Policy and RateLimit, of answers of all kinds, let a client
// keep to it (draft-ietf-httpapi-ratelimit-headers-11).
//
// Memory is the same whatever happens, and no client gets more than its share,
// whatever others do: a newcomer for whom there is no room takes the place of the
// client that owes the least, and takes over what it owes. That is nothing unless
// more clients are busy at a time than Clients says; if so, make it larger.
//
// As part of http.Config.Middleware it counts requests that are refused before a
// handler is asked, too: a malformed head is answered by 429 when its client has used
// up what it may, and the connection ends as ever.
//
// A RateLimit goes outside of http.Blocking, and belongs to one loop, unless it is
// Shared.
type RateLimit struct {
	Rate   int           // requests in a Window
	Window time.Duration // a second if 0
	Burst  int           // requests that may come at once; Rate if 0

	// Key, if set, returns whom a request is counted for, in place of its
	// address: a user, a token. "" is not limited.
	Key func(r *http.Request) string

	// Name is what the fields call this limit, if there are several; "default"
	// if empty.
	Name string

	// Shared lets the handlers of several loops use it, so that a client gets its
	// share of all together and not of each. It takes a lock then. Wrap is called
	// for all of them before the first serves.
	Shared bool

	// Clients is how many are told apart, at 16 bytes each; 65,536 if 0.
	Clients int

	interval int64       // nanoseconds that a request costs
	most     int64       // nanoseconds that a client may owe
	policy   string      // a field
	quoted   string      // Name
	mu       *sync.Mutex // held for what is below; nil unless it is Shared
	start    time.Time   // the times below count from it
	latest   int64       // the latest of them so far
	seed     maphash.Seed
	table    []bucket
	said     map[rateResult]*http.Prepared
	refused  uint64
}

// ParseRateLimit reads "100/s", "600/m,50" or "5000/24h": requests in a time, and
// how many may come at once.
func ParseRateLimit(s string) (*RateLimit, error) {
	rate, burst, hasBurst := strings.Cut(s, ",")
	number, window, ok := strings.Cut(rate, "/")
	window = strings.TrimSpace(window)
	if window != "" && (window[0] < '0' || window[0] > '9') {
		window = "1" + window
	}
	l := &RateLimit{}
	var err error
	if l.Rate, err = strconv.Atoi(strings.TrimSpace(number)); err == nil && ok {
		l.Window, err = time.ParseDuration(window)
	}
	if err == nil && hasBurst {
		l.Burst, err = strconv.Atoi(strings.TrimSpace(burst))
	}
	if err != nil || !ok || l.Window <= 0 || hasBurst && l.Burst <= 0 || l.check() != nil {
		return nil, fmt.Errorf("%q is no rate: give requests and a time, such as 100/s, and perhaps how many may come at once, such as 600/m,50", s)
	}
	return l, nil
}

// Refused returns how many requests were answered with 429.
func (l *RateLimit) Refused() uint64 {
	if l.mu != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	return l.refused
}

// check finds limits that cannot be counted, and fills in the others.
func (l *RateLimit) check() error {
	if l.Window == 0 {
		l.Window = time.Second
	}
	if l.Burst == 0 {
		l.Burst = l.Rate
	}
	if l.Rate <= 0 || l.Burst <= 0 || l.Window < time.Duration(l.Rate) {
		return fmt.Errorf("middleware: a rate of %d in %v, %d at once, cannot be kept", l.Rate, l.Window, l.Burst)
	}
	l.interval = int64(l.Window) / int64(l.Rate)
	if int64(max(l.Burst, l.Rate)) > math.MaxInt64/4/l.interval {
		return fmt.Errorf("middleware: %d requests at once are more than can be counted", l.Burst)
	}
	l.most = l.interval * int64(l.Burst)
	return nil
}

// Wrap is the http.Middleware. It panics if Rate or Name make no sense.
func (l *RateLimit) Wrap(next http.Handler) http.Handler {
	l.begin()
	return func(w *http.Response, r *http.Request) error {
		key, limited := l.key(r)
		if !limited {
			return next(w, r)
		}
		fields, refused := l.count(key, r.Time())
		w.AddPrepared(fields)
		if refused {
			return http.StatusTooManyRequests
		}
		return next(w, r)
	}
}

// count counts a request, and says in fields what is left.
func (l *RateLimit) count(key uint64, now time.Time) (fields *http.Prepared, refused bool) {
	if l.mu != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	v := l.take(key, l.since(now))
	if v.refused {
		l.refused++
	}
	return l.fields(v), v.refused
}

// begin makes the table, unless another handler has.
func (l *RateLimit) begin() {
	if l.table != nil {
		return
	}
	if err := l.check(); err != nil {
		panic(err.Error())
	}
	name := l.Name
	if name == "" {
		name = "default"
	}
	for _, c := range []byte(name) {
		if !plain(c) {
			panic(fmt.Sprintf("middleware: the name %q of a limit is not plain ASCII", name))
		}
	}
	// A larger Burst counts as a longer window of the same rate, so that nobody
	// is told of more requests that are left than there are.
	window := ceilSeconds(l.interval * int64(max(l.Rate, l.Burst)))
	l.policy = fmt.Sprintf("%q;q=%d;w=%d", name, window*int64(time.Second)/l.interval, window)
	l.quoted = strconv.Quote(name)
	clients := l.Clients
	if clients == 0 {
		clients = 1 << 16
	}
	size := ways
	for size < clients {
		size *= 2
	}
	if l.Shared {
		l.mu = new(sync.Mutex)
	}
	l.seed = maphash.MakeSeed()
	l.table = make([]bucket, size)
	l.said = make(map[rateResult]*http.Prepared)
}

// since counts nanoseconds from the first request on. What nobody owes any more is
// then below it, as the zero value is. The turns of two loops overlap, so that a
// request may be counted after one of a later time; it must not seem to come before
// that, when less was owed.
func (l *RateLimit) since(now time.Time) int64 {
	if l.start.IsZero() {
		l.start = now
	}
	l.latest = max(l.latest, int64(now.Sub(l.start)))
	return l.latest
}

// key returns a number for the client. The hash is keyed, so that nobody can
// choose addresses that meet in one row of the table; and it is long enough that
// two clients do not have the same by chance.
func (l *RateLimit) key(r *http.Request) (key uint64, limited bool) {
	if l.Key != nil {
		s := l.Key(r)
		return maphash.String(l.seed, s), s != ""
	}
	a := r.ClientAddr()
	return l.hash(a), a.IsValid()
}

func (l *RateLimit) hash(a netip.Addr) uint64 {
	p := a.As16() // of IPv4, an IPv4-mapped address
	if a.Is4() || a.Is4In6() {
		return maphash.Bytes(l.seed, p[:])
	}
	return maphash.Bytes(l.seed, p[:8])
}

// A bucket is until when a client has used up what it may have: the "theoretical
// arrival time" of the generic cell rate algorithm. Every request that is let in
// adds an interval to it, and it may be so far ahead of the clock as Burst
// requests take.
type bucket struct {
	client uint64
	until  int64 // 0, or any time that has passed, is no debt
}

// ways is how many debts are in a row of the table. A client has its place in one
// row. 8 of them are two cache lines.
const ways = 8

// find returns where a client's debt is, or is to be.
func (l *RateLimit) find(client uint64) *bucket {
	at := int(client) & (len(l.table) - 1) &^ (ways - 1)
	row := l.table[at : at+ways]
	least := &row[0]
	for i := range row {
		d := &row[i]
		if d.client == client {
			return d
		}
		if d.until < least.until {
			least = d
		}
	}
	least.client = client // and the debt with the place, if there is any left
	return least
}

// A rateResult is what a client is told.
type rateResult struct {
	refused bool
	left    int   // requests that it may make at once
	seconds int64 // in which it should make no more than those
}

// take counts a request, and decides about it.
func (l *RateLimit) take(client uint64, now int64) rateResult {
	d := l.find(client)
	until := max(d.until, now) + l.interval
	refused := until-now > l.most
	if !refused {
		d.until = until
	}
	left := (l.most - (d.until - now)) / l.interval
	if left > 0 {
		// Spread over this time, they keep to the rate.
		return rateResult{left: int(left), seconds: ceilSeconds(left * l.interval)}
	}
	return rateResult{refused: refused, seconds: ceilSeconds(d.until + l.interval - now - l.most)}
}

// ceilSeconds rounds up, to 1 at least: who comes back in 0 seconds comes too
// soon.
func ceilSeconds(n int64) int64 {
	return max(1, (n+int64(time.Second)-1)/int64(time.Second))
}

// saidMax is how many different verdicts are kept in words.
const saidMax = 4096

// fields returns a verdict in words.
func (l *RateLimit) fields(v rateResult) *http.Prepared {
	if p := l.said[v]; p != nil {
		return p
	}
	list := [][2]string{
		{"RateLimit-Policy", l.policy},
		{"RateLimit", fmt.Sprintf("%s;r=%d;t=%d", l.quoted, v.left, v.seconds)},
	}
	if v.refused {
		list = append(list, [2]string{"Retry-After", strconv.FormatInt(v.seconds, 10)})
	}
	p, err := http.Prepare(nil, list...)
	if err != nil {
		panic("middleware: RateLimit: " + err.Error())
	}
	if len(l.said) < saidMax {
		l.said[v] = p
	}
	return p
}
