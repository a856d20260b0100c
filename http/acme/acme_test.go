package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestNewSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 64)
	tests := []struct {
		name string
		o    Options
		want string // part of the error, or "" for none
	}{
		{"a name is enough", Options{Domains: []string{"a.example"}}, ""},
		{"names may be spelled as people do", Options{Domains: []string{"Bücher.example", "xn--bcher-kva.example."}}, ""},
		{"no name is not", Options{}, "Domains is empty"},
		{"a wildcard is not done", Options{Domains: []string{"*.a.example"}}, "wildcard"},
		{"an address has none", Options{Domains: []string{"192.0.2.1"}}, "an address"},
		{"nor has one of IPv6", Options{Domains: []string{"[2001:db8::1]"}}, "an address"},
		{"a URL is too much", Options{Domains: []string{"https://a.example/"}}, "the name only"},
		{"a port is too much", Options{Domains: []string{"a.example:443"}}, "port"},
		{"a name must be public", Options{Domains: []string{"localhost"}}, "local name"},
		{"nothing is no name", Options{Domains: []string{""}}, "not a valid host name"},
		{"a name has no spaces", Options{Domains: []string{"a b.example"}}, "not a valid host name"},
		{"a part must be there", Options{Domains: []string{"a..example"}}, "0 letters"},
		{"a part must not be too long", Options{Domains: []string{long + ".example"}}, "64 letters"},
		{"nor the whole", Options{Domains: []string{strings.Repeat("a.", 130) + "example"}}, "too long"},
		{"an email address must be one", Options{Domains: []string{"a.example"}, Email: "me"}, "email"},
		{"and nothing else", Options{Domains: []string{"a.example"}, Email: "Me <me@a.example>"}, "email"},
		{"the ACME server is a URL", Options{Domains: []string{"a.example"}, Directory: "acme.example"}, "https://"},
		{"and it is safe", Options{Domains: []string{"a.example"}, Directory: "http://acme.example/"}, "https://"},
		{"the folder must be given", Options{Domains: []string{"a.example"}, Cache: "-"}, "Cache is empty"},
		{"and be one", Options{Domains: []string{"a.example"}, Cache: file}, "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			switch test.o.Cache {
			case "":
				test.o.Cache = filepath.Join(cacheFolder(t), "new", "cache")
			case "-":
				test.o.Cache = ""
			}
			_, err := New(test.o)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the error is %v, and does not say %q", err, test.want)
			}
			if info, err := os.Stat(test.o.Cache); test.want == "" && (err != nil || info.Mode() != 0o700|os.ModeDir) {
				t.Errorf("the folder is %v, %v", info, err)
			}
		})
	}
}

func TestAHandshakeIsAnsweredFromMemory(t *testing.T) {
	m := newManager(t, Options{Domains: []string{"a.example", "bücher.example", "later.example"}})
	site, challenge := new(tls.Certificate), new(tls.Certificate)
	m.sites["a.example"].certificate.Store(site)
	m.sites["a.example"].challenge.Store(challenge)
	m.sites["xn--bcher-kva.example"].certificate.Store(site)
	tests := []struct {
		name   string
		asked  string
		protos []string
		want   *tls.Certificate
		err    error
	}{
		{"a name has its certificate", "a.example", nil, site, nil},
		{"whatever is spoken", "a.example", []string{"h2", "http/1.1"}, site, nil},
		{"whatever the spelling", "A.EXAMPLE", nil, site, nil},
		{"in the DNS", "xn--bcher-kva.example", nil, site, nil},
		{"or among people", "Bücher.example", nil, site, nil},
		{"an ACME server has its proof", "a.example", []string{"acme-tls/1"}, challenge, nil},
		{"but nobody who speaks something else too", "a.example", []string{"acme-tls/1", "http/1.1"}, site, nil},
		{"what is not there yet is said", "later.example", nil, nil, ErrNotYet},
		{"so is what was not asked for", "later.example", []string{"acme-tls/1"}, nil, ErrNotProven},
		{"a neighbour is unknown", "b.example", nil, nil, ErrUnknown},
		{"a part of a name is unknown", "www.a.example", nil, nil, ErrUnknown},
		{"an endless name is unknown", strings.Repeat("a", 60_000), nil, nil, ErrUnknown},
		{"nonsense is unknown", "\x00\xff", nil, nil, ErrUnknown},
		{"no name is an error", "", nil, nil, ErrNoName},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := m.Certificate(&tls.ClientHelloInfo{ServerName: test.asked, SupportedProtos: test.protos})
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	hello := &tls.ClientHelloInfo{ServerName: "a.example", SupportedProtos: []string{"http/1.1"}}
	if n := testing.AllocsPerRun(100, func() { m.Certificate(hello) }); n > 0 {
		t.Errorf("it takes memory %v times", n)
	}
}

func TestOnlyOurChallengesAreAnswered(t *testing.T) {
	m := newManager(t, Options{Domains: []string{"a.example"}})
	m.tokens.Store("token", "token.print")
	handler := m.Challenges(func(w *http.Response, r *http.Request) error { return w.Text("the site") })
	tests := []struct{ name, method, path, want string }{
		{"ours is", "GET", wellKnown + "token", "token.print"},
		{"a query changes nothing", "GET", wellKnown + "token?a", "token.print"},
		{"one that is not ours is the site's", "GET", wellKnown + "other", "the site"},
		{"so is the folder", "GET", wellKnown, "the site"},
		{"so is what is below", "GET", wellKnown + "token/a", "the site"},
		{"and what nobody asks for like this", "POST", wellKnown + "token", "the site"},
		{"and everything else", "GET", "/token", "the site"},
	}
	httptest.Run(t, httptest.Config{Handler: handler}, func(c *httptest.Client) {
		for _, test := range tests {
			if a := c.Do(test.method, test.path, ""); a.Status != 200 || a.Body != test.want {
				t.Errorf("%s: %v", test.name, a)
			}
		}
	})
}

// authorities are who gives certificates in the tests that follow.
var authorities = []struct {
	name  string
	begin func(t *testing.T, life time.Duration, at place) authority
}{
	{"of a small ACME server", func(t *testing.T, life time.Duration, at place) authority { return newSmall(t, life, at).authority() }},
	{"of pebble", newPebble},
}

// TestObtain has certificates obtained and served by a real server, on both ways,
// and found again when there is no ACME server any more.
func TestObtain(t *testing.T) {
	for _, ca := range authorities {
		for _, way := range []struct {
			name   string
			hidden func(at *place) // what the ACME server cannot see
		}{
			{"by tls-alpn-01", func(at *place) { at.plain = 0 }},
			{"by http-01", func(at *place) { at.secure = 0 }},
		} {
			t.Run(ca.name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				o := Options{Domains: []string{"a.example", "Bücher.example"}, Email: "me@a.example", Cache: cacheFolder(t)}
				m := newManager(t, o)
				m.pauses = []time.Duration{10 * time.Millisecond}
				at := serve(t, m)
				seen := at
				way.hidden(&seen)
				a := ca.begin(t, time.Hour, seen)
				ask(t, m, a)
				m.Start()
				for _, name := range []string{"a.example", "xn--bcher-kva.example"} {
					await(t, "a certificate for "+name, func() bool { return has(m, name) != nil })
					if got := get(at, name, a); got != "the site" {
						t.Errorf("%s: %s", name, got)
					}
				}
				if got := get(at, "b.example", a); !strings.Contains(got, "tls: ") {
					t.Errorf("who asks for another name hears %s", got)
				}
				await(t, "nothing is left of the challenges", func() bool {
					for range m.tokens.Range {
						return false
					}
					return m.sites["a.example"].challenge.Load() == nil
				})
				keeps(t, o.Cache, "a.example", "xn--bcher-kva.example")
				m.Close()
				files, err := os.ReadDir(o.Cache)
				if err != nil || len(files) != 3 {
					t.Errorf("in the folder there are %v, and not a key and two certificates; %v", files, err)
				}
				a.stop()
				again := newManager(t, o)
				ask(t, again, a)
				again.Start()
				for _, s := range again.order {
					if before := has(m, s.domain); has(again, s.domain) == nil || !has(again, s.domain).Leaf.Equal(before.Leaf) {
						t.Errorf("after a restart, the certificate of %s is not there", s.domain)
					}
				}
			})
		}
	}
}

// TestRenew has a certificate run out in a few seconds. autocert renews when a third
// of its life is left.
func TestRenew(t *testing.T) {
	for _, ca := range authorities {
		t.Run("a certificate "+ca.name, func(t *testing.T) {
			t.Parallel()
			var log buffer
			m := newManager(t, Options{Domains: []string{"a.example"}, Log: log.logger()})
			at := serve(t, m)
			a := ca.begin(t, 6*time.Second, at)
			ask(t, m, a)
			m.Start()
			await(t, "a certificate", func() bool { return has(m, "a.example") != nil })
			first := has(m, "a.example")
			await(t, "another one", func() bool { return has(m, "a.example") != first })
			if now := has(m, "a.example"); !now.Leaf.NotAfter.After(first.Leaf.NotAfter) {
				t.Errorf("it is good until %v, and the one before is until %v", now.Leaf.NotAfter, first.Leaf.NotAfter)
			}
			if got := get(at, "a.example", a); got != "the site" {
				t.Error(got)
			}
			if !strings.Contains(log.String(), "certificate renewed") {
				t.Errorf("the log says:\n%s", log.String())
			}
		})
	}
}

// TestChallengesAreAnsweredFromMemory looks in at the moment when the ACME server
// would: what it asks for must be there, and not in the folder. That is what we rely
// on autocert for beyond its word.
func TestChallengesAreAnsweredFromMemory(t *testing.T) {
	for _, kind := range []string{"tls-alpn-01", "http-01"} {
		t.Run(kind, func(t *testing.T) {
			a := newSmall(t, time.Hour, place{})
			cache := cacheFolder(t)
			m := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache})
			m.pauses = []time.Duration{time.Millisecond}
			ask(t, m, a.authority())
			m.Challenges(nil)
			seen := make(chan bool, 8)
			a.refuseBy(func(path string) *refusal {
				if !strings.HasSuffix(path, "/"+kind) {
					return nil
				}
				c, err := m.Certificate(&tls.ClientHelloInfo{ServerName: "a.example", SupportedProtos: []string{acme.ALPNProto}})
				there := err == nil && isChallenge(c)
				if kind == "http-01" {
					_, there = m.tokens.Load("token_1-http-01") // the first order was for tls-alpn-01
				}
				files, _ := os.ReadDir(cache)
				kept := 1 // the account's key
				if kind == "http-01" {
					kept = 2 // and the pause
				}
				seen <- there && len(files) == kept
				return nil
			})
			m.Start()
			select {
			case ok := <-seen:
				if !ok {
					t.Error("the proof is not where it is looked for")
				}
			case <-time.After(20 * time.Second):
				t.Error("nobody asks to be looked at")
			}
		})
	}
}

// TestFailures has the ACME server refuse in several ways, and then give what was
// asked for.
func TestFailures(t *testing.T) {
	tests := []struct {
		name   string
		hidden bool // nobody is found at the domain
		refuse func(path string) *refusal
		want   []string // in the log
		never  bool     // it is not tried again so soon
	}{
		{"a domain that is not ours is said", true, nil,
			[]string{"error=\"tls-alpn-01: nobody is at port 443 of a.example\""}, false},
		{"what the ACME server says about an order is said", false,
			func(path string) *refusal {
				if path == "/order" {
					return &refusal{Status: 400, Type: "urn:ietf:params:acme:error:rejectedIdentifier", Detail: "we do not like a.example"}
				}
				return nil
			}, []string{`"we do not like a.example"`}, false},
		{"too many are told for how long", false,
			func(path string) *refusal {
				if path == "/order" {
					return &refusal{Status: 429, Type: "urn:ietf:params:acme:error:rateLimited", Detail: "too many", after: "3600"}
				}
				return nil
			}, []string{`"too many"`, `retry_in=1h0m0s`}, true},
		{"a server that is no ACME server is one that answers strangely", false,
			func(path string) *refusal { return &refusal{Status: 404} }, []string{"status 404"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log buffer
			cache := cacheFolder(t)
			m := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache, Log: log.logger()})
			m.pauses = []time.Duration{10 * time.Millisecond}
			at := serve(t, m)
			a := newSmall(t, time.Hour, at)
			if test.hidden {
				a.at = place{}
			}
			a.refuseBy(test.refuse)
			ask(t, m, a.authority())
			m.Start()
			await(t, "a failure", func() bool { return strings.Contains(log.String(), "no certificate yet") })
			for _, want := range test.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log does not say %s:\n%s", want, log.String())
				}
			}
			if has(m, "a.example") != nil {
				t.Error("there is a certificate")
			}
			a.mu.Lock()
			a.refuse, a.at = nil, at
			a.mu.Unlock()
			if test.never {
				before := a.asked("/order")
				time.Sleep(200 * time.Millisecond)
				if a.asked("/order") != before {
					t.Error("it is asked again")
				}
				return
			}
			await(t, "a certificate in the end", func() bool { return has(m, "a.example") != nil })
			keeps(t, cache, "a.example")
		})
	}
}

// TestPausesKeepToWhatACMEServersAllow looks at any hour in which every attempt fails.
func TestPausesKeepToWhatACMEServersAllow(t *testing.T) {
	const allowed = 5 // failed challenges in an hour, by Let's Encrypt
	at := []time.Duration{0}
	for _, p := range pauses {
		at = append(at, at[len(at)-1]+p)
	}
	for i := range at {
		n := 0
		for _, other := range at[i:] {
			if other < at[i]+time.Hour {
				n++
			}
		}
		if n > allowed {
			t.Errorf("%d attempts begin within an hour after %v", n, at[i])
		}
	}
	if first, last := pauses[0], pauses[len(pauses)-1]; first < time.Minute || last < 2*time.Hour {
		t.Errorf("the first pause is %v, and the last %v", first, last)
	}
	for i := range pauses[1:] {
		if pauses[i+1] != 2*pauses[i] {
			t.Errorf("a pause of %v is followed by one of %v", pauses[i], pauses[i+1])
		}
	}
}

// TestAnAttemptTriesOneKindOfChallenge has two attempts fail.
func TestAnAttemptTriesOneKindOfChallenge(t *testing.T) {
	for _, row := range []struct {
		name  string
		plain bool
		want  []string // what was posted for challenges
	}{
		{"one way and then the other", true, []string{"/challenge/0/tls-alpn-01", "/challenge/1/http-01"}},
		{"the only way that there is", false, []string{"/challenge/0/tls-alpn-01", "/challenge/1/tls-alpn-01"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log buffer
			m := newManager(t, Options{Domains: []string{"a.example"}, Log: log.logger()})
			m.pauses = []time.Duration{time.Millisecond, time.Hour}
			if row.plain {
				m.Challenges(nil)
			}
			a := newSmall(t, time.Hour, place{})
			ask(t, m, a.authority())
			m.Start()
			await(t, "two failures", func() bool { return strings.Count(log.String(), "no certificate yet") == 2 })
			a.mu.Lock()
			defer a.mu.Unlock()
			var challenges []string
			for _, p := range a.posts {
				if strings.HasPrefix(p, "/challenge/") {
					challenges = append(challenges, p)
				}
			}
			if !slices.Equal(challenges, row.want) || len(a.orders) != 2 {
				t.Errorf("%d orders were made, and of challenges: %v", len(a.orders), challenges)
			}
		})
	}
}

// TestARestartDoesNotBeginAnew has attempts fail, and then others begin with the same
// folder.
func TestARestartDoesNotBeginAnew(t *testing.T) {
	cache := cacheFolder(t)
	a := newSmall(t, time.Hour, place{})
	file := filepath.Join(cache, "a.example+pause")
	// begin starts a Manager, and returns it when the log says that there is no
	// certificate yet.
	begin := func(change func(m *Manager)) string {
		var log buffer
		m := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache, Log: log.logger()})
		m.pauses = []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour}
		ask(t, m, a.authority())
		if change != nil {
			change(m)
		}
		m.Start()
		await(t, "a line about it", func() bool { return strings.Contains(log.String(), "no certificate yet") })
		m.Close()
		return log.String()
	}
	orders := func(want int, when string) {
		t.Helper()
		if n := a.asked("/order"); n != want {
			t.Errorf("%s, %d orders were made, not %d", when, n, want)
		}
	}
	begin(nil)
	orders(1, "at first")
	if said := begin(nil); !strings.Contains(said, "59m") && !strings.Contains(said, "1h0m0s") || !strings.Contains(said, file) {
		t.Errorf("the log says:\n%s", said)
	}
	orders(1, "after a restart")
	// When the pause is over, the next is as long as if nothing had been restarted.
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if said := begin(nil); !strings.Contains(said, `retry_in=2h0m0s`) {
		t.Errorf("the log says:\n%s", said)
	}
	orders(2, "after the pause")
	// Another server has counted nothing.
	begin(func(m *Manager) { m.options.Directory += "?other" })
	orders(3, "at another server")
	// What is nonsense is no pause, and who removes the file is not kept waiting.
	for n, content := range []string{"nonsense", ""} {
		if os.WriteFile(file, []byte(content), 0o600); content == "" {
			os.Remove(file)
		}
		begin(nil)
		orders(4+n, fmt.Sprintf("with %q in the file", content))
	}
	// A certificate ends all that.
	past := fmt.Sprintf(`{"Directory": %q, "Failures": 1, "Pause": "0s"}`, a.authority().directory)
	os.WriteFile(file, []byte(past), 0o600)
	var log buffer
	m := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache, Log: log.logger()})
	a.mu.Lock()
	a.at = serve(t, m)
	a.mu.Unlock()
	ask(t, m, a.authority())
	m.Start()
	keeps(t, cache, "a.example")
	await(t, "no pause in the folder", func() bool {
		_, err := os.Stat(file)
		return errors.Is(err, fs.ErrNotExist)
	})
}

// TestAServerThatIsAwayIsAskedAgain has it be there later.
func TestAServerThatIsAwayIsAskedAgain(t *testing.T) {
	var log buffer
	m := newManager(t, Options{Domains: []string{"a.example"}, Log: log.logger()})
	m.pauses = []time.Duration{10 * time.Millisecond}
	a := newSmall(t, time.Hour, serve(t, m))
	ask(t, m, a.authority())
	there := m.dial
	var away atomic.Bool
	away.Store(true)
	m.dial = roundTripper(func(q *nethttp.Request) (*nethttp.Response, error) {
		if away.Load() {
			return nil, errors.New("no route")
		}
		return there.RoundTrip(q)
	})
	m.Start()
	await(t, "a line about it", func() bool { return strings.Contains(log.String(), ": no route") })
	away.Store(false)
	await(t, "a certificate in the end", func() bool { return has(m, "a.example") != nil })
	m.Close()
	m.dial = there
}

type roundTripper func(*nethttp.Request) (*nethttp.Response, error)

func (f roundTripper) RoundTrip(q *nethttp.Request) (*nethttp.Response, error) { return f(q) }

// TestWhatAnACMEServerSays reads answers for reasons.
func TestWhatAnACMEServerSays(t *testing.T) {
	const failed = `{"status": "invalid", "challenges": [
		{"type": "http-01", "status": "invalid", "error": {"type": "connection", "detail": "refused"}},
		{"type": "dns-01", "status": "pending"}]}`
	tests := []struct {
		name   string
		url    string
		status int
		body   string
		want   string
	}{
		{"a problem is a reason", "order", 403, `{"type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "no"}`, "no"},
		{"the same one is none twice", "order", 403, `{"detail": "no"}`, "no"},
		{"a nonce is no reason", "order", 400, `{"type": "urn:ietf:params:acme:error:badNonce", "detail": "old"}`, "no"},
		{"a challenge has one", "authorization/1", 200, failed, "no; http-01: refused"},
		{"which is known when it is asked for again", "authorization/1", 200, failed, "no; http-01: refused"},
		{"a challenge by itself is not looked at", "challenge/2", 200, `{"type": "http-01", "error": {"detail": "again"}}`, "no; http-01: refused"},
		{"an order has one", "order/1", 200, `{"status": "invalid", "error": {"detail": "not signed"}}`, "no; http-01: refused; not signed"},
		{"a certificate has none", "certificate/1", 200, "-----BEGIN CERTIFICATE-----", "no; http-01: refused; not signed"},
		{"what is not understood has a status", "order", 502, "<html>", "no; http-01: refused; not signed; the ACME server answers with status 502"},
	}
	s := newManager(t, Options{Domains: []string{"a.example"}}).order[0]
	s.transport.begin(kindTLS)
	for _, test := range tests {
		s.transport.collect(test.url, test.status, []byte(test.body))
		if got := strings.Join(s.transport.reasons, "; "); got != test.want {
			t.Errorf("%s: %s", test.name, got)
		}
	}
	for n := range 100 {
		s.transport.isNew(fmt.Sprint(n))
	}
	if n := len(s.transport.reported); n > 20 {
		t.Errorf("%d are remembered", n)
	}
}

// TestOneFailureKeepsNobodyWaiting has one name refused for ever, before another.
func TestOneFailureKeepsNobodyWaiting(t *testing.T) {
	m := newManager(t, Options{Domains: []string{"bad.example", "good.example"}})
	a := newSmall(t, time.Hour, serve(t, m))
	ask(t, m, a.authority())
	first := true
	a.refuseBy(func(path string) *refusal {
		if path == "/order" && first {
			first = false
			return &refusal{Status: 400, Detail: "no"}
		}
		return nil
	})
	m.Start()
	await(t, "a certificate", func() bool { return has(m, "good.example") != nil })
	if has(m, "bad.example") != nil {
		t.Error("a refused one is there")
	}
}

// TestAFailedRenewalIsLogged has autocert's attempt fail, of which it tells nobody,
// while the certificate that is there stays.
func TestAFailedRenewalIsLogged(t *testing.T) {
	t.Parallel()
	var log buffer
	m := newManager(t, Options{Domains: []string{"a.example"}, Log: log.logger()})
	a := newSmall(t, 6*time.Second, serve(t, m))
	ask(t, m, a.authority())
	m.Start()
	await(t, "a certificate", func() bool { return has(m, "a.example") != nil })
	a.refuseBy(func(path string) *refusal {
		if path == "/order" {
			return &refusal{Status: 403, Detail: "not today"}
		}
		return nil
	})
	await(t, "a line about it", func() bool { return strings.Contains(log.String(), `error="not today"`) })
	if has(m, "a.example") == nil {
		t.Error("the certificate is gone")
	}
}

func TestWhoSharesAFolderSharesARenewal(t *testing.T) {
	t.Parallel()
	cache := cacheFolder(t)
	one := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache})
	a := newSmall(t, 6*time.Second, serve(t, one))
	ask(t, one, a.authority())
	one.Start()
	await(t, "a certificate", func() bool { return has(one, "a.example") != nil })
	keeps(t, cache, "a.example")
	two := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache})
	two.Start()
	before := has(two, "a.example")
	if before == nil {
		t.Fatal("it is not found")
	}
	two.Close() // so that it asks no authority, and one renews
	await(t, "a renewal by the other", func() bool { return has(one, "a.example").Leaf.NotAfter.After(before.Leaf.NotAfter) })
	// The folder has it a moment later, and two looks there as autocert would.
	await(t, "what the other has", func() bool {
		if _, err := (shelf{two.sites["a.example"]}).Get(context.Background(), "a.example"); err != nil {
			t.Fatal(err)
		}
		return has(two, "a.example").Leaf.NotAfter.After(before.Leaf.NotAfter)
	})
}

// TestAFullDiskCostsNoCertificate has the folder go away.
func TestAFullDiskCostsNoCertificate(t *testing.T) {
	cache := filepath.Join(cacheFolder(t), "cache")
	var log buffer
	m := newManager(t, Options{Domains: []string{"a.example"}, Cache: cache, Log: log.logger()})
	a := newSmall(t, time.Hour, serve(t, m))
	ask(t, m, a.authority())
	a.refuseBy(func(path string) *refusal {
		if strings.HasPrefix(path, "/finalize") {
			os.RemoveAll(cache)
			os.WriteFile(cache, nil, 0o600)
		}
		return nil
	})
	m.Start()
	await(t, "a certificate", func() bool { return has(m, "a.example") != nil })
	await(t, "a line about it", func() bool { return strings.Contains(log.String(), "cannot store the certificate") })
	if n := a.asked("/order"); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
}

// TestCloseEndsIt has the ACME server never answer.
func TestCloseEndsIt(t *testing.T) {
	before := runtime.NumGoroutine()
	asked, answer := make(chan bool, 8), make(chan bool)
	server := newSmall(t, time.Hour, place{})
	server.refuseBy(func(string) *refusal {
		asked <- true
		<-answer
		return nil
	})
	m := newManager(t, Options{Domains: []string{"a.example", "b.example"}})
	ask(t, m, server.authority())
	m.Start()
	<-asked
	over := make(chan bool)
	go func() {
		m.Close()
		m.Close()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
	close(answer)
	server.server.Close()
	await(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	m.Start() // does nothing any more

	idle := newManager(t, Options{Domains: []string{"a.example"}})
	idle.Close()
	idle.Start()
}

// has returns the certificate of a name, as the loop would.
func has(m *Manager, name string) *tls.Certificate {
	c, _ := m.Certificate(&tls.ClientHelloInfo{ServerName: name})
	return c
}

// keeps waits until certificates are in a folder: they are served first and put
// there then.
func keeps(t *testing.T, cache string, names ...string) {
	t.Helper()
	for _, name := range names {
		await(t, "the certificate of "+name+" in the folder", func() bool {
			_, err := os.Stat(filepath.Join(cache, name))
			return err == nil
		})
	}
}

// cacheFolder is t.TempDir for a cache of certificates. A write of autocert's outlives
// the context that it was asked with, and may put a file into the folder while it is
// removed.
func cacheFolder(t *testing.T) string {
	dir, err := os.MkdirTemp("", "acme")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for os.RemoveAll(dir) != nil {
			runtime.Gosched()
		}
	})
	return dir
}

// newManager makes a Manager, with a folder if none is given, and ends it with the
// test. Until ask is called, it has no ACME server.
func newManager(t *testing.T, o Options) *Manager {
	o.Directory = "https://acme.invalid/"
	if o.Cache == "" {
		o.Cache = cacheFolder(t)
	}
	if o.Log == nil {
		var log buffer
		o.Log = log.logger()
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(log.String())
			}
		})
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Close()
		m.dial.(*nethttp.Transport).CloseIdleConnections()
	})
	return m
}

// ask has a Manager ask an ACME server, which must know first where the Manager's
// own server listens.
func ask(t *testing.T, m *Manager, a authority) {
	o := m.options
	o.Directory, o.RootCAs = a.directory, a.roots
	other, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	m.options, m.dial = other.options, other.dial
}

// serve serves a site with its certificates until the test ends.
func serve(t *testing.T, m *Manager) place {
	site := func(w *http.Response, r *http.Request) error { return w.Text("the site") }
	server, err := http.NewServer(http.Config{Handler: m.Challenges(site), TLS: m.Config()})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := server.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- server.Run() }()
	t.Cleanup(func() {
		server.Stop()
		server.Stop() // whatever somebody has left open
		<-over
	})
	return place{plain[0].Addr().IP.Port(), secure[0].Addr().IP.Port()}
}

// get asks by HTTPS for a name, and trusts who has signed for it.
func get(at place, name string, a authority) string {
	transport := &nethttp.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", at.secure))
		},
		TLSClientConfig: &tls.Config{RootCAs: a.issued()},
	}
	defer transport.CloseIdleConnections()
	answer, err := (&nethttp.Client{Transport: transport, Timeout: 10 * time.Second}).Get("https://" + name + "/")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	p, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(p)
}

// await waits for something that others do.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for begin := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("in vain: %s", what)
		}
	}
}

// A buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	p  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.p.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.p.String()
}

func (b *buffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
