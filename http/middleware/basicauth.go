package middleware

import (
	"bufio"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// BasicAuth requires a name and a password (RFC 7617). Passwords are stored as bcrypt
// hashes, which are slow to check on purpose: workers check them, few at a time, and
// correct ones are remembered.
//
// After five wrong passwords, a client gets 429 for a second, then for two, up to a
// minute; a name is never locked. See guesses.go. A BasicAuth belongs to one loop.
type BasicAuth struct {
	Realm string // shown by browsers; "restricted" if empty

	// Checks is the number of passwords checked at a time. 0 means four, or one less
	// than the number of cores if that is smaller: a check keeps a core busy, and the
	// loop needs one.
	Checks int

	accounts
	changes int               // counts SetUsers
	key     [32]byte          // random for each process
	right   map[[32]byte]bool // digests of correct names and passwords

	checking int
	first    queue // clients without a failure, for names with few failures
	second   queue // all other clients
	turn     int
	wrong    recent[[32]byte, struct{}] // digests
	clients  recent[eventloop.Client, failures]
	names    recent[eventloop.Client, failures]
}

// passwordMax is the number of bytes of a password that bcrypt uses. Longer
// passwords are refused instead of truncated.
const passwordMax = 72

// ParseUsers reads lines of "name:hash", as htpasswd -B writes them. It skips empty
// lines and those that begin with "#". An error has the number of the line, but not
// its text.
func ParseUsers(from io.Reader) (*BasicAuth, error) {
	a := &BasicAuth{accounts: accounts{users: make(map[string][]byte)}, right: make(map[[32]byte]bool)}
	a.wrong.most, a.clients.most, a.names.most = wrongMax, guessers, guessers
	rand.Read(a.key[:])
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		name, hash, ok := strings.Cut(text, ":")
		switch {
		case !ok || name == "":
			return nil, fmt.Errorf("line %d: expected NAME:HASH", n)
		case a.users[name] != nil:
			return nil, fmt.Errorf("line %d: duplicate user %q", n, name)
		}
		cost, err := bcrypt.Cost([]byte(hash))
		if err != nil {
			return nil, fmt.Errorf("line %d: the password of %q is not a bcrypt hash: make one with bobbin hash", n, name)
		}
		a.users[name] = []byte(hash)
		a.highest = max(a.highest, cost)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(a.users) == 0 {
		return nil, errors.New("the file has no users")
	}
	return a, nil
}

// HashPassword returns the bcrypt hash of a password.
func HashPassword(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > passwordMax:
		return "", fmt.Errorf("the password is too long: bcrypt uses %d bytes at most", passwordMax)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(hash), err
}

// Wrap is the http.Middleware.
func (a *BasicAuth) Wrap(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		name, password, ok := credentials(string(r.HeaderBytes("authorization")))
		if !ok {
			return a.challenge(w)
		}
		if err := offLoop(r, "BasicAuth"); err != nil {
			return err
		}
		digest := a.digest(name, password)
		if a.right[digest] {
			return next(w, r)
		}
		if _, known := a.wrong.get(digest); known {
			return a.challenge(w) // a repeated guess needs no check
		}
		try := &attempt{client: r.Client(), name: a.standIn(name), digest: digest}
		if d := a.pause(try, r.Loop().WallTime()); d > 0 {
			return tooMany(w, d)
		}
		try.begin = func(w *http.Response) error { return a.begin(w, r, try, name, password, next) }
		if a.checking < a.most() {
			return try.begin(w) // no other check waits
		}
		return a.wait(w, r, try)
	}
}

// most returns the number of passwords checked at a time.
func (a *BasicAuth) most() int {
	if a.Checks > 0 {
		return a.Checks
	}
	return min(checksMax, max(1, runtime.GOMAXPROCS(0)-1))
}

// wait queues a check.
func (a *BasicAuth) wait(w *http.Response, r *http.Request, try *attempt) error {
	if a.hasPrecedence(try, r.Loop().WallTime()) {
		a.first.push(try)
	} else {
		a.second.push(try)
	}
	for a.first.clients.Len()+a.second.clients.Len() > waitingMax {
		longer := &a.first
		if a.second.clients.Len() > a.first.clients.Len() {
			longer = &a.second
		}
		out := longer.dropLast()
		if out == try {
			return http.StatusServiceUnavailable
		}
		out.stopTimer()
		out.pending.Fail(http.StatusServiceUnavailable)
	}
	pending, err := http.Later(w)
	if err != nil {
		try.queue.remove(try)
		return err
	}
	try.pending = pending
	try.timer = r.Loop().After(waitMax, func() {
		try.queue.remove(try)
		pending.Fail(http.StatusServiceUnavailable)
	})
	w.OnEnd(func() {
		if try.queue != nil {
			try.stopTimer() // the client has disconnected
			try.queue.remove(try)
		}
	})
	return nil
}

// hasPrecedence reports whether a check belongs in the first queue.
func (a *BasicAuth) hasPrecedence(try *attempt, now time.Time) bool {
	return failuresOf(&a.clients, try.client, now).n == 0 && failuresOf(&a.names, try.name, now).n < nameFailures
}

// serve starts checks from the queues. Every fourth comes from the second queue, so
// that it is never starved.
func (a *BasicAuth) serve(loop *eventloop.Loop) {
	for a.checking < a.most() {
		one, other := &a.first, &a.second
		if a.turn++; a.turn%4 == 0 {
			one, other = other, one
		}
		try, ok := one.pop()
		if !ok {
			if try, ok = other.pop(); !ok {
				return
			}
		} else if one == &a.first && !a.hasPrecedence(try, loop.WallTime()) {
			a.second.push(try) // it has failed since it was queued
			a.turn--           // it does not count as a turn
			continue
		}
		try.stopTimer()
		try.pending.Answer(func(w *http.Response) error {
			if d := a.pause(try, loop.WallTime()); d > 0 {
				return tooMany(w, d) // it has failed since it was queued
			}
			return try.begin(w)
		})
	}
}

// pause returns how long a client must wait before its next check.
func (a *BasicAuth) pause(try *attempt, now time.Time) time.Duration {
	return failuresOf(&a.clients, try.client, now).pause(now)
}

// begin hands a check to a worker.
func (a *BasicAuth) begin(w *http.Response, r *http.Request, try *attempt, name, password string, next http.Handler) error {
	loop := r.Loop()
	checked, right := false, false
	accounts, changes := a.accounts, a.changes
	learn := func() {
		if checked && changes == a.changes {
			a.learn(try, right, loop.WallTime())
		}
		checked = false
	}
	over := func() {
		learn() // also when the client has disconnected
		a.checking--
		a.serve(loop)
	}
	a.checking++
	err := http.OffloadJob(w, eventloop.Job{Over: over}, func() (bool, error) {
		right = accounts.check(name, password)
		checked = true
		return right, nil
	}, func(w *http.Response, right bool) error {
		learn()
		if !right {
			return a.challenge(w)
		}
		return next(w, r)
	})
	if err != nil {
		a.checking-- // the task did not start
	}
	return err
}

// learn records the result of a check.
func (a *BasicAuth) learn(try *attempt, right bool, now time.Time) {
	if !right {
		a.wrong.put(try.digest, struct{}{})
		if try.client.Known() { // clients on a Unix socket share one identity, so one's failures must not pause the others
			fail(&a.clients, try.client, now)
		}
		fail(&a.names, try.name, now)
		return
	}
	if len(a.right) >= rightMax {
		clear(a.right)
	}
	a.right[try.digest] = true
	a.clients.forget(try.client)
}

// tooMany answers a client that must pause.
func tooMany(w *http.Response, d time.Duration) error {
	w.Add("Retry-After", strconv.FormatInt(ceilSeconds(int64(d)), 10))
	w.Add("Cache-Control", "no-store")
	return http.StatusTooManyRequests.Because("too many wrong passwords: wait before the next attempt")
}

// User returns the name in a request if its password is correct, and "" otherwise.
func (a *BasicAuth) User(r *http.Request) string {
	field := r.HeaderBytes("authorization")
	if field == nil {
		return "" // the usual case in logs
	}
	name, password, ok := credentials(string(field))
	if !ok || !a.right[a.digest(name, password)] {
		return ""
	}
	return name
}

// check runs on a worker. A wrong password always takes the time of the most
// expensive hash, so that timing reveals neither names nor costs: unknown names and
// cheaper hashes are compared with dummies. Each cost takes twice the time of the one
// below.
func (a *accounts) check(name, password string) bool {
	hash, known := a.users[name]
	if !known {
		_ = compare(dummy(a.highest), []byte(password))
		return false
	}
	if compare(hash, []byte(password)) == nil && len(password) <= passwordMax {
		return true
	}
	cost, _ := bcrypt.Cost(hash) // ParseUsers has checked it
	for ; cost < a.highest; cost++ {
		_ = compare(dummy(cost), []byte(password))
	}
	return false
}

// compare is replaced in tests.
var compare = bcrypt.CompareHashAndPassword

// dummy returns a hash of the given cost whose password is unknown.
func dummy(cost int) []byte {
	return fmt.Appendf(nil, "$2a$%02d$7EqJtq98hPqEX7fNZaFWoOhi5BWX4Z1Z3MxE8lmyy6h6Zy/YPj4Oa", cost)
}

// digest returns a keyed hash of a name and a password, from which neither can be
// recovered.
func (a *BasicAuth) digest(name, password string) (d [32]byte) {
	mac := hmac.New(sha256.New, a.key[:])
	fmt.Fprintf(mac, "%d:%s:%s", len(name), name, password)
	mac.Sum(d[:0])
	return d
}

// standIn maps a name to a key for Turns.
func (a *BasicAuth) standIn(name string) eventloop.Client {
	d := a.digest(name, "")
	return eventloop.Client(d[:16])
}

func (a *BasicAuth) challenge(w *http.Response) error {
	realm := a.Realm
	if realm == "" {
		realm = "restricted"
	}
	w.Add("WWW-Authenticate", fmt.Sprintf("Basic realm=%q, charset=\"UTF-8\"", realm))
	w.Add("Cache-Control", "no-store")
	return http.StatusUnauthorized
}

// credentials parses an Authorization header.
func credentials(field string) (name, password string, ok bool) {
	scheme, token, _ := strings.Cut(field, " ")
	if !negotiate.EqualFold(scheme, "basic") {
		return "", "", false
	}
	p, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(p), ":")
}
