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

// RateLimit lets each client make so many requests in a time, and answers 429 with
// Retry-After beyond. A client is an IPv4 address or the first 64 bits of an IPv6
// address, because clients choose the rest themselves. Clients without an address, on
// a Unix socket, are not limited; RealIP around this may know their address.
//
// All answers have RateLimit-Policy and RateLimit headers, so that clients can
// respect the limit (draft-ietf-httpapi-ratelimit-headers-11).
//
// Memory use is constant, and no client gets more than its share, whatever others do:
// when the table is full, a newcomer replaces the client that owes least, and
// inherits what it owes. That is zero unless more than Clients clients are active at
// a time; then make Clients larger.
//
// In http.Config.Middleware it also counts requests that the server refuses by
// itself: a malformed head gets 429 once its client is over the limit, and the
// connection ends as usual.
//
// A RateLimit goes outside of http.Blocking, and belongs to one loop unless it is
// Shared.
type RateLimit struct {
	Rate   int           // requests in a Window
	Window time.Duration // a second if 0
	Burst  int           // requests at once; Rate if 0

	// Key, if set, returns the client to count a request for, in place of its
	// address: a user, a token. "" is not limited.
	Key func(r *http.Request) string

	// Name is this limit's name in the headers; "default" if empty.
	Name string

	// Shared allows use by several loops, so that a client gets one share of all of
	// them. It then takes a lock. Wrap must be called for all of them before the
	// first one serves.
	Shared bool

	// Clients is the number of clients told apart, at 16 bytes each; 65,536 if 0.
	Clients int

	interval int64       // nanoseconds that a request costs
	most     int64       // nanoseconds that a client may owe
	policy   string      // a header
	quoted   string      // Name, quoted
	mu       *sync.Mutex // guards the fields below; nil unless Shared
	start    time.Time   // origin of the times below
	latest   int64       // the latest time so far
	seed     maphash.Seed
	table    []bucket
	headers  map[rateResult]*http.Prepared
	refused  uint64
}

// ParseRateLimit parses "100/s", "600/m,50" or "5000/24h": requests per time, and the
// burst.
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
		return nil, fmt.Errorf("%q is not a rate: write requests per time, such as 100/s, with an optional burst, such as 600/m,50", s)
	}
	return l, nil
}

// Refused returns the number of requests answered with 429.
func (l *RateLimit) Refused() uint64 {
	if l.mu != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	return l.refused
}

// check refuses values that cannot be counted, and sets the defaults.
func (l *RateLimit) check() error {
	if l.Window == 0 {
		l.Window = time.Second
	}
	if l.Burst == 0 {
		l.Burst = l.Rate
	}
	if l.Rate <= 0 || l.Burst <= 0 || l.Window < time.Duration(l.Rate) {
		return fmt.Errorf("middleware: invalid rate: %d in %v, burst %d", l.Rate, l.Window, l.Burst)
	}
	l.interval = int64(l.Window) / int64(l.Rate)
	if int64(max(l.Burst, l.Rate)) > math.MaxInt64/4/l.interval {
		return fmt.Errorf("middleware: a burst of %d is too large to be counted", l.Burst)
	}
	l.most = l.interval * int64(l.Burst)
	return nil
}

// Wrap is the http.Middleware. It panics if Rate or Name is invalid.
func (l *RateLimit) Wrap(next http.Handler) http.Handler {
	l.begin()
	return func(w *http.Response, r *http.Request) error {
		key, limited := l.key(r)
		if !limited {
			return next(w, r)
		}
		if !l.Shared {
			if err := offLoop(r, "a RateLimit that is not Shared"); err != nil {
				return err
			}
		}
		fields, refused := l.count(key, r.Time())
		w.AddPrepared(fields)
		if refused {
			return http.StatusTooManyRequests
		}
		return next(w, r)
	}
}

// count counts a request, and returns the headers with what is left.
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
			panic(fmt.Sprintf("middleware: rate limit name %q is not plain ASCII", name))
		}
	}
	// A Burst larger than Rate counts as a longer window of the same rate, so that
	// the headers never promise too many requests.
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
	l.headers = make(map[rateResult]*http.Prepared)
}

// since returns nanoseconds since the first request. An empty bucket then lies in the
// past, like the zero value. The turns of two loops overlap, so a request may be
// counted after a later one; it must not seem earlier, when less was owed.
func (l *RateLimit) since(now time.Time) int64 {
	if l.start.IsZero() {
		l.start = now
	}
	l.latest = max(l.latest, int64(now.Sub(l.start)))
	return l.latest
}

// key returns a number for the client. The hash is keyed, so that an attacker cannot
// choose addresses that share a row of the table, and long enough that two clients do
// not collide by chance.
func (l *RateLimit) key(r *http.Request) (key uint64, limited bool) {
	if l.Key != nil {
		s := l.Key(r)
		return maphash.String(l.seed, s), s != ""
	}
	a := r.ClientAddr()
	return l.hash(a), a.IsValid()
}

func (l *RateLimit) hash(a netip.Addr) uint64 {
	p := a.As16() // IPv4 becomes an IPv4-mapped address
	if a.Is4() || a.Is4In6() {
		return maphash.Bytes(l.seed, p[:])
	}
	return maphash.Bytes(l.seed, p[:8])
}

// A bucket is the time until which a client has used up its share: the "theoretical
// arrival time" of the generic cell rate algorithm. Every admitted request adds an
// interval to it, and it may be ahead of the clock by the time of Burst requests.
type bucket struct {
	client uint64
	until  int64 // 0, or any past time: the bucket is empty
}

// ways is the number of buckets in a row of the table. Each client belongs to one row.
// 8 of them fill two cache lines.
const ways = 8

// find returns the client's bucket, or a place for it.
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
	least.client = client // with the rest of the bucket of the client before, if any
	return least
}

// A rateResult is the result for one request.
type rateResult struct {
	refused bool
	left    int   // requests that may follow at once
	seconds int64 // time in which the client should make no more than those
}

// take counts a request and returns the result.
func (l *RateLimit) take(client uint64, now int64) rateResult {
	d := l.find(client)
	until := max(d.until, now) + l.interval
	refused := until-now > l.most
	if !refused {
		d.until = until
	}
	left := (l.most - (d.until - now)) / l.interval
	if left > 0 {
		// Spread over this time, the requests keep to the rate.
		return rateResult{left: int(left), seconds: ceilSeconds(left * l.interval)}
	}
	return rateResult{refused: refused, seconds: ceilSeconds(d.until + l.interval - now - l.most)}
}

// ceilSeconds rounds up, to 1 at least: a client that retries after 0 seconds is too
// early.
func ceilSeconds(n int64) int64 {
	return max(1, (n+int64(time.Second)-1)/int64(time.Second))
}

// headersMax is the number of different results whose headers are kept.
const headersMax = 4096

// fields returns the headers of a result.
func (l *RateLimit) fields(v rateResult) *http.Prepared {
	if p := l.headers[v]; p != nil {
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
	if len(l.headers) < headersMax {
		l.headers[v] = p
	}
	return p
}
