package main

import (
	"crypto/tls"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// resumes makes a request over TLS, and reports whether the session of one before was
// resumed.
func resumes(t *testing.T, p *program, config *tls.Config) bool {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url, "https://"), "/"), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	say(t, c, strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		t.Errorf("heard %q, %v", answer, err)
	}
	return c.ConnectionState().DidResume
}

// TestSessionsOutliveAnUpgrade resumes a session that the process before has begun, unless
// the certificates are others.
func TestSessionsOutliveAnUpgrade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set("tls = \"self\"\n")
	u := startUpgradable(t, dir, "", "-c", config)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{InsecureSkipVerify: true, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		name := tls.VersionName(version)
		if resumes(t, u.program, client) {
			t.Errorf("%s: a new client has resumed a session", name)
		}
		if !resumes(t, u.program, client) {
			t.Errorf("%s: a session is not resumed by the process that has begun it", name)
		}
		u.upgrade()
		if !resumes(t, u.program, client) {
			t.Errorf("%s: a session is not resumed after an upgrade", name)
		}
		set("tls = \"self\"\ndomain = [\"" + strings.ToLower(strings.ReplaceAll(name, " ", "")) + ".example\"]\n")
		u.upgrade()
		if resumes(t, u.program, client) {
			t.Errorf("%s: a session is resumed with other certificates", name)
		}
	}
	u.signalNewest(syscall.SIGTERM)
	u.ends(exitOK)
}

// TestKeysOfSessionsGrowOld has a clock that a test moves.
func TestKeysOfSessionsGrowOld(t *testing.T) {
	now := time.Unix(1e9, 0)
	clock := func() time.Time { return now }
	k, err := newTicketKeys("site", nil, clock)
	if err != nil {
		t.Fatal(err)
	}
	first, err := k.current()
	if err != nil {
		t.Fatal(err)
	}
	ticket := first.seal.Seal(nil, nil, []byte("session"), k.scope[:])
	opens := func(k *ticketKeys) bool {
		for _, key := range k.all() {
			if text, err := key.seal.Open(nil, nil, ticket, k.scope[:]); err == nil && string(text) == "session" {
				return true
			}
		}
		return false
	}
	for _, row := range []struct {
		name   string
		after  time.Duration
		keys   int
		opened bool
	}{
		{"within a day the key stays", ticketKeyFresh - 1, 1, true},
		{"after a day there is another, and the first still decrypts", ticketKeyFresh, 2, true},
		{"within a week it does", ticketKeyLife - 1, 3, true},
		{"after a week it is forgotten", ticketKeyLife, 2, false},
	} {
		now = first.Made.Add(row.after)
		if _, err := k.current(); err != nil {
			t.Fatal(err)
		}
		if len(k.list) != row.keys || opens(k) != row.opened {
			t.Errorf("%s: there are %d, and whether a ticket is opened is %v", row.name, len(k.list), opens(k))
		}
		next, err := newTicketKeys("site", k.secret(), clock)
		if err != nil {
			t.Fatal(err)
		}
		if opens(next) != row.opened {
			t.Errorf("%s: after an upgrade it is %v", row.name, !row.opened)
		}
		other, err := newTicketKeys("another site", k.secret(), clock)
		if err != nil {
			t.Fatal(err)
		}
		if opens(other) {
			t.Errorf("%s: with other certificates a ticket is opened", row.name)
		}
	}
	for _, secret := range []string{"nonsense", `[{"key":"AAAA"}]`, `[null]`} {
		if _, err := newTicketKeys("site", []byte(secret), clock); err == nil {
			t.Errorf("%q is taken for keys", secret)
		}
	}
	if text := (*ticketKeys)(nil).secret(); text != nil {
		t.Errorf("without HTTPS the secret is %q", text)
	}
}
