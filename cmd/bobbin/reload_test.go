package main

import (
	"bufio"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A reloaded is a program whose files a test changes.
type reloaded struct {
	*program
	dir    string
	client *nethttp.Client
}

const hashOfUU = ":$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n" // of U*U

// reloadable starts a program with a folder of files, which is DIR in them. One of them is
// bobbin.toml, its configuration.
func reloadable(t *testing.T, files map[string]string, args ...string) *reloaded {
	t.Helper()
	r := &reloaded{dir: t.TempDir(), client: &nethttp.Client{
		Transport:     &nethttp.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse },
	}}
	for name, text := range files {
		r.write(t, name, text)
	}
	r.program = startAs(t, withoutHost, "", append([]string{"-c", filepath.Join(r.dir, "bobbin.toml")}, args...)...)
	return r
}

func (r *reloaded) write(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(text, "DIR", r.dir)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// hangUp sends the signal, and waits until the log has something once more than before.
func (r *reloaded) hangUp(t *testing.T, says string) {
	t.Helper()
	before := strings.Count(r.said.String(), says)
	r.signal(syscall.SIGHUP)
	r.waits(says, before+1)
}

// ask requests a path of two loops, several times, and expects the same of each.
func (r *reloaded) ask(t *testing.T, when, path, want string, header ...string) {
	t.Helper()
	for range 8 {
		q, err := nethttp.NewRequest("GET", strings.TrimSuffix(r.url, "/")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			if q.Header.Set(name, value); name == "Host" {
				q.Host = value
			}
		}
		a, err := r.client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(a.Body)
		a.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%d %s%s %s", a.StatusCode, a.Header.Get("X-A"), a.Header.Get("Location"), body)
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s, %s %q is %q, want %q", when, path, header, got, want)
			return
		}
	}
}

// basic is the field with a name and the password of hashOfUU.
func basic(name string) string {
	r := &nethttp.Request{Header: nethttp.Header{}}
	r.SetBasicAuth(name, "U*U")
	return "Authorization: " + r.Header.Get("Authorization")
}

// TestSIGHUPReloadsWhatAFileSays changes each kind of setting of a server that runs, on two loops.
func TestSIGHUPReloadsWhatAFileSays(t *testing.T) {
	t.Parallel()
	const base = "path = 'DIR/site'\nloops = 2\n"
	r := reloadable(t, map[string]string{
		"bobbin.toml": base, "site/index.html": "start", "site/new.html": "new", "site/.dot": "dot", "site/x.foo": "foo", "site/sub/a.txt": "a", "other/index.html": "other",
		"users": "ali" + hashOfUU, "site/large.css": strings.Repeat("a { color: red }\n", 200),
	})
	r.ask(t, "at the start", "/", "200  start")
	for _, row := range []struct {
		name, config, path, want string
		header                   []string
	}{
		{"a redirect", "redirect = ['/old /new.html']", "/old", "301 /new.html", nil},
		{"another redirect", "redirect = ['/old /newer.html 302']", "/old", "302 /newer.html", nil},
		{"no redirect", "", "/old", "404", nil},
		{"a header", "header = ['X-A: b']", "/", "200 b start", nil},
		{"another folder", "path = 'DIR/other'", "/", "200  other", nil},
		{"another page of a folder", "index = ['new.html']", "/", "200  new", nil},
		{"clean URLs", "clean-urls = true", "/new", "200  new", nil},
		{"a page for missing ones", "spa = 'new.html'", "/missing", "200  new", []string{"Accept: text/html"}},
		{"no listing", "listing = 'off'", "/sub/", "404", nil},
		{"a listing", "listing = 'on'", "/sub/", "200", nil},
		{"files with a dot", "dotfiles = true", "/.dot", "200  dot", nil},
		{"a password", "auth = 'DIR/users'", "/", "401", nil},
		{"a path for checks of health", "health = '/up'", "/up", "200  ready", nil},
		{"a name that is answered", "host = ['b.example']", "/", "200  start", []string{"Host: b.example"}},
		{"no such name", "", "/", "421", []string{"Host: b.example"}},
		{"a limit", "[limit]\nFieldLine = 100", "/", "431", []string{"X-Long: " + strings.Repeat("x", 200)}},
		{"the default site", "PATH", "/about", "200", nil},
		{"a folder once more", "", "/", "200  start", nil},
	} {
		config := base + row.config + "\n"
		if strings.HasPrefix(row.config, "path") {
			config = "loops = 2\n" + row.config + "\n"
		} else if row.config == "PATH" {
			config = "loops = 2\n"
		}
		r.write(t, "bobbin.toml", config)
		r.hangUp(t, "SIGHUP: reloaded")
		r.ask(t, "with "+row.name, row.path, row.want, row.header...)
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestAReloadSaysWhatHasChanged compares its one line, which names files and settings.
func TestAReloadSaysWhatHasChanged(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "path = 'DIR/site'\n", "site/index.html": "start", "users": "ali" + hashOfUU})
	file := filepath.Join(r.dir, "bobbin.toml")
	for _, row := range []struct{ name, config, want string }{
		{"nothing", "path = 'DIR/site'", `msg="SIGHUP: reloaded" files=` + file + ` changed="no setting"`},
		{"three settings, of which one is a limit", "path = 'DIR/site'\ncache = ['1y']\nauth = 'DIR/users'\n[limit]\nBody = '2m'\nAge = '2h'",
			`files="` + file + ", " + filepath.Join(r.dir, "users") + `" changed="cache, auth, limit.Body, limit.Age"`},
		{"the path", "path = 'DIR'", `changed="path, cache, auth, limit.Body, limit.Age"`},
	} {
		r.write(t, "bobbin.toml", row.config)
		r.hangUp(t, "SIGHUP: reloaded")
		if said := r.said.String(); !strings.Contains(said, row.want) {
			t.Errorf("%s: it says %s, without %s", row.name, said, row.want)
		}
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestSettingsForTheNextStartAreNamed changes what a process cannot change, and what was typed,
// which goes before the file as ever.
func TestSettingsForTheNextStartAreNamed(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "path = 'DIR/site'\n", "site/index.html": "start"}, "-H", "X-A: typed")
	r.write(t, "bobbin.toml", "path = 'DIR/site'\nheader = ['X-A: file']\nlisten = ['localhost:1']\nloops = 2\nadmin = 'localhost:0'\nhttp2 = 'off'\ntls = 'self'\n[limit]\nReadBudget = '8k'\nBody = '2m'\n")
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "afterwards", "/", "200 typed start")
	said := r.said.String()
	for _, want := range []string{
		":4:1: takes effect at the next start", "SIGHUP: loops changed at " + filepath.Join(r.dir, "bobbin.toml") + ":4:1: takes effect at the next start",
		"SIGHUP: admin changed at", "SIGHUP: http2 changed at", "SIGHUP: tls changed at", "SIGHUP: limit.ReadBudget changed at", "changed=limit.Body\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("there is no %q in %s", want, said)
		}
	}
	if strings.Contains(said, "limit.Body changed at") {
		t.Errorf("it says that what is in use is not: %s", said)
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestABrokenFileChangesNothing has a mistake in each of the files, beside a change that is not to
// be seen.
func TestABrokenFileChangesNothing(t *testing.T) {
	t.Parallel()
	const good = "path = 'DIR/site'\nloops = 2\nnetlify = true\nauth = 'DIR/users'\nheader = ['X-A: good']\nlog = 'common=DIR/log'\n"
	files := map[string]string{"bobbin.toml": good, "site/index.html": "start", "site/_headers": "", "site/_redirects": "/old /new\n", "users": "ali" + hashOfUU}
	r := reloadable(t, files)
	for _, row := range []struct{ name, file, text, want string }{
		{"no TOML", "bobbin.toml", "path = ", "DIR/bobbin.toml:1:7: this is not TOML"},
		{"an unknown setting", "bobbin.toml", strings.Replace(good, "good", "bad", 1) + "prot = 1\n", `DIR/bobbin.toml:7:1: unknown setting "prot"; did you mean port?`},
		{"a value that cannot be", "bobbin.toml", strings.Replace(good, "good", "bad", 1) + "cache = ['imutable']\n", "(--cache comes from DIR/bobbin.toml:7:1)"},
		{"a limit that cannot be", "bobbin.toml", strings.Replace(good, "good", "bad", 1) + "[limit]\nBody = 'x'\n", "(--limit Body comes from DIR/bobbin.toml:8:1)"},
		{"a folder that is not there", "bobbin.toml", strings.Replace(good, "DIR/site", "DIR/none", 1), "or none for the default site (path comes from DIR/bobbin.toml:1:1)"},
		{"a log that cannot be opened", "bobbin.toml", strings.Replace(good, "DIR/log", "DIR/no/log", 1), "--log: open DIR/no/log"},
		{"a user without a hash", "users", "ali" + hashOfUU + "baba\n", "DIR/users:2: expected NAME:HASH"},
		{"a header that is none", "site/_headers", "/*\n  Basic-Auth: a:b\n", "DIR/site/_headers:2: Basic-Auth sets a password"},
		{"a rule that would protect", "site/_redirects", "/x /y 302! Role=a\n", "DIR/site/_redirects:1:"},
		{"no file at all", "bobbin.toml", "", "DIR/bobbin.toml: no such file"},
	} {
		r.write(t, row.file, row.text)
		if row.text == "" {
			os.Remove(filepath.Join(r.dir, row.file))
		}
		r.hangUp(t, "SIGHUP: not reloaded, the old configuration stays in use")
		want := strings.ReplaceAll(row.want, "DIR", r.dir)
		lines := strings.Split(strings.TrimSpace(r.said.String()), "\n")
		if last := strings.ReplaceAll(lines[len(lines)-1], `\"`, `"`); !strings.Contains(last, want) {
			t.Errorf("%s: it says %s, without %s", row.name, last, want)
		}
		r.ask(t, "with "+row.name, "/", "200 good start", basic("ali"))
		r.ask(t, "with "+row.name, "/old", "301 /new", basic("ali"))
		r.write(t, row.file, files[row.file])
	}
	r.hangUp(t, "SIGHUP: reloaded")
	if said := r.said.String(); !strings.Contains(said, `changed="no setting"`) {
		t.Errorf("it says %s", said)
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
	if text, err := os.ReadFile(filepath.Join(r.dir, "log")); err != nil || strings.Count(string(text), "\n") != 160 {
		t.Errorf("%d lines in the log, not 160: %v", strings.Count(string(text), "\n"), err)
	}
}

// TestSIGHUPReadsUsersAndRulesAnew has no configuration file.
func TestSIGHUPReadsUsersAndRulesAnew(t *testing.T) {
	t.Parallel()
	r := &reloaded{dir: t.TempDir(), client: &nethttp.Client{Transport: &nethttp.Transport{DisableKeepAlives: true}, CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}}
	r.write(t, "site/index.html", "start")
	r.write(t, "users", "ali"+hashOfUU)
	r.program = start(t, "", "--loops", "2", "--netlify", "--auth", filepath.Join(r.dir, "users"), filepath.Join(r.dir, "site"))
	r.ask(t, "at the start", "/", "200  start", basic("ali"))
	r.ask(t, "at the start", "/", "401", basic("baba"))
	r.write(t, "users", "baba"+hashOfUU)
	r.write(t, "site/_redirects", "/old /new.html\n/a id=:id /b\n")
	r.write(t, "site/_headers", "/*\n  X-A: b\n")
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "with new users", "/", "200 b start", basic("baba"))
	r.ask(t, "with new users", "/", "401", basic("ali"))
	r.ask(t, "with new rules", "/old", "301 /new.html", basic("baba"))
	if said := r.said.String(); !strings.Contains(said, "_redirects:2 is skipped") {
		t.Errorf("it says %s", said)
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestSIGHUPSaysWhyItReadsNothing has no file that could be read.
func TestSIGHUPSaysWhyItReadsNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"a.txt": []byte("a")}))
	p.signal(syscall.SIGHUP)
	p.waits("SIGHUP ignored: there is no file of --config, --auth, --netlify, --tls-cert or --log to read anew", 1)
	if strings.Count(p.said.String(), "SIGHUP") != 1 {
		t.Errorf("it says %q", p.said)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestAConfigurationFromAPipeIsNotReadTwice, because nothing is left in there: without settings the
// default site would be served.
func TestAConfigurationFromAPipeIsNotReadTwice(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"index.html": []byte("start")})
	pipe := filepath.Join(t.TempDir(), "pipe")
	p := start(t, fmt.Sprintf("mkfifo %s; { printf 'path = \"%s\"\n' > %[1]s & }", pipe, dir), "-c", pipe)
	p.signal(syscall.SIGHUP)
	p.waits("SIGHUP: not reloaded, the old configuration stays in use", 1)
	if !strings.Contains(p.said.String(), pipe+" can be read once only") || !strings.HasPrefix(p.visit(get), "HTTP/1.1 404 ") {
		t.Errorf("it says %s", p.said)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestRequestsThatHaveBegunAreUntouched has a download and a stream of events go on over a
// reload that takes their folder and their log away, and a password that was checked.
func TestRequestsThatHaveBegunAreUntouched(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "path = 'DIR/site'\nlog = 'common=DIR/first'\nhost = ['a']\n", "site/large": string(large), "other/index.html": "other"})
	c := r.dial()
	say(t, c, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
	from := bufio.NewReader(c)
	a, err := nethttp.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.write(t, "bobbin.toml", "path = 'DIR/other'\nlog = 'combined=DIR/second'\nhost = ['a']\n")
	r.hangUp(t, "SIGHUP: reloaded")
	if body, err := io.ReadAll(a.Body); err != nil || string(body) != string(large) {
		t.Errorf("%d bytes came, %v", len(body), err)
	}
	say(t, c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if rest, err := io.ReadAll(from); err != nil || !strings.HasSuffix(string(rest), "\r\nother") {
		t.Errorf("the next on that connection got %q, %v", rest, err)
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
	for name, want := range map[string]string{
		"first":  `^\S+ - - \[.*\] "GET /large HTTP/1.1" 200 \d+\n$`,
		"second": `^\S+ - - \[.*\] "GET / HTTP/1.1" 200 5 "-" "-"\n$`,
	} {
		if text, err := os.ReadFile(filepath.Join(r.dir, name)); err != nil || !regexp.MustCompile(want).Match(text) {
			t.Errorf("the %s log has %q, %v", name, text, err)
		}
	}
}

// TestTheLogNamesUsers from the start on, and those of another file afterwards.
func TestTheLogNamesUsers(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "path = 'DIR/site'\nloops = 2\nlog = 'common=DIR/log'\nauth = 'DIR/users'\n", "site/index.html": "start", "users": "ali" + hashOfUU})
	r.ask(t, "at the start", "/", "200", basic("ali"))
	r.write(t, "users", "baba"+hashOfUU)
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "afterwards", "/", "200", basic("baba"))
	r.write(t, "bobbin.toml", "path = 'DIR/site'\nlog = 'common=DIR/log'\nloops = 2\n")
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "without users", "/", "200", basic("baba"))
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
	text, err := os.ReadFile(filepath.Join(r.dir, "log"))
	for user, lines := range map[string]int{" - ali [": 8, " - baba [": 8, " - - [": 8} {
		if n := strings.Count(string(text), user); n != lines || err != nil {
			t.Errorf("%q is there %d times, not %d, in %s, %v", user, n, lines, text, err)
		}
	}
}

// TestTheSameLogIsOpenedAgain renames it before the signal, as programs that rotate logs do.
func TestTheSameLogIsOpenedAgain(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "log = 'common=DIR/log'\nlimit-rate = '20/h'\nhost = ['a']\n"})
	r.ask(t, "before", "/bench", "200")
	if err := os.Rename(filepath.Join(r.dir, "log"), filepath.Join(r.dir, "log.1")); err != nil {
		t.Fatal(err)
	}
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "afterwards", "/bench", "200")
	for range 4 {
		r.visit(get)
	}
	if got := r.visit(get); !strings.HasPrefix(got, "HTTP/1.1 429 ") {
		t.Errorf("a client has its share of requests twice: %q", got)
	}
	r.write(t, "bobbin.toml", "log = 'common=DIR/log'\nlimit-rate = '40/h'\nhost = ['a']\n")
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "with another rate", "/bench", "200")
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
	lines := 0
	for _, name := range []string{"log.1", "log"} { // lines are gathered for a quarter of a second
		text, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil || name == "log" && len(text) == 0 {
			t.Errorf("%s has %q, %v", name, text, err)
		}
		lines += strings.Count(string(text), "\n")
	}
	if lines != 29 {
		t.Errorf("%d lines, not 29", lines)
	}
}
