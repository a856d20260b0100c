package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// TestAMistakeInATestIsNamedWithItsPlace has a row for each.
func TestAMistakeInATestIsNamedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		"[[test]]\nget = '/'\nexpect = 200\n\n[[test]]\ngte = '/'\n":      `:6:1: unknown key "gte" of a test; did you mean get?`,
		"[[test]]\nget = '/'\nexpect = 200\n[[test]]\n  get = 5\n":        `:5:9: get must be a string, not a number: write get = "…"`,
		"[[test]]\nexpect = 200":                                          `:1:3: the test has no get`,
		"[[test]]\nget = '/'":                                             `:1:3: the test has no expect`,
		"[[test]]\nget = '/'\nexpect = 'ok'":                              `:3:10: expect must be a status from 200 to 599, not "ok"`,
		"[[test]]\nget = '/'\nexpect = 99":                                `not 99: write expect = 200`,
		"[[test]]\nget = 'a'\nexpect = 200":                               `:2:7: get must be a path as it is sent, such as /a%20b?c=d, not "a"`,
		"[[test]]\nget = '/a b'\nexpect = 200":                            `get must be a path as it is sent`,
		"[[test]]\nget = 'http://a.example/b'\nexpect = 200":              `write the name with host = "…"`,
		"[[test]]\nget = '/'\nexpect = 200\nhost = 'a/b'":                 `:4:8: host must be a name`,
		"[[test]]\nget = '/'\nexpect = 200\nhost = ''":                    `host is empty`,
		"[[test]]\nget = '/'\nexpect = 200\nscheme = 'ftp'":               `scheme must be http or https, not "ftp"`,
		"[[test]]\nget = '/'\nexpect = 200\nfrom = 'a.example'":           `from must be the IP address of a client`,
		"[[test]]\nget = '/'\nexpect = 200\nsend = 'Accept: a'":           `:4:8: send must be a list of strings, not a string: write send = ["Name: value"]`,
		"[[test]]\nget = '/'\nexpect = 200\nsend = ['Accept']":            `send has "Accept", which is no field`,
		"[[test]]\nget = '/'\nexpect = 200\nsend = ['Host: a']":           `send has a Host: write host`,
		"[[test]]\nget = '/'\nexpect = 200\nheader = ['X-A: b', 5]":       `header has 5, which is no field`,
		"[[test]]\nget = '/'\nexpect = 200\nheader = [\"X-A: b\\r\\nc\"]": `header: `,
		"[[test]]\nget = '/'\nexpect = 200\n[test.header]\nX-A = 'b'":     `:4:13: header must be a list of strings, not a table`,
		"[test]\nget = '/'\nexpect = 200":                                 `:1:2: each test is a table of its own: write [[test]]`,
		"test = [{get = '/', expect = 200}]":                              `:1:1: each test is a table of its own: write [[test]]`,
		"test = 5":                                                        `:1:1: each test is a table of its own`,
		"tests = 5":                                                       `unknown setting "tests"; did you mean test?`,
	} {
		file := filepath.Join(t.TempDir(), "bobbin.toml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, complaint := try([]string{"config", "test", "-c", file}, "", nil)
		if code != exitUsage || !strings.Contains(complaint, want) || !strings.HasPrefix(complaint, "bobbin: "+file+":") || strings.Count(complaint, "\n") != 1 || out != "" {
			t.Errorf("%q: %d, %q, want %q", text, code, complaint, want)
		}
	}
}

// FuzzTestTables has no text end the program, and every error have its place.
func FuzzTestTables(f *testing.F) {
	for _, text := range []string{
		"[[test]]\nget = '/'\nexpect = 200\n", "[[test]]\nget.a = '/'\n", "[[\"te\\u0073t\"]]\n'get' = '/'\n[test.header]\na = 1\n", "test = [{get = '/'}]", "test.get = 1",
		"[[test]]\n[[test.send]]\na = 1\n[[test]]\nexpect = 1\n", "[a]\n[[a.test]]\nb = 1\n[[test]]\nget = '/'", "[[test]]\nget = \"\"\"\n/\"\"\"\nexpect=200",
	} {
		f.Add(text)
	}
	place := regexp.MustCompile(`^f:[1-9][0-9]*:[1-9][0-9]*: `)
	f.Fuzz(func(t *testing.T, text string) {
		var all map[string]any
		if toml.Unmarshal([]byte(text), &all) != nil || all["test"] == nil {
			return
		}
		var o options
		err := o.readTests("f", []byte(text), all["test"], placesIn([]byte(text))["test"])
		if err != nil && !place.MatchString(err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
		if tables, _ := all["test"].([]any); err == nil && len(o.tests) != len(tables) {
			t.Errorf("%q: %d tests, not %d", text, len(o.tests), len(tables))
		}
	})
}

// tested is a configuration with a test of each kind, all of which pass.
const tested = `path = 'DIR/site'
public = true
listing = 'off'
redirect = ['/old/* /new/:splat 301']
header = ['/a.txt: X-A: b']
cache = ['*.txt=1h']
auth = 'DIR/users'
health = '/up'
trust = ['10.0.0.0/8']
limit-rate = '3/h'
maintenance = 'on'
deny = ['192.0.2.7']
log = 'common=DIR/log'

[limit]
FieldLine = 200

[[test]]
get = '/old/x%20y?z'
expect = 301
location = '/new/x%20y?z'
send = ['Authorization: Basic YWxpOlUqVQ==']

[[test]]
get = '/a.txt'
expect = 200
contains = 'of the text'
header = ['X-A: b', 'Cache-Control: max-age=3600', 'Location:', 'Content-Length: 18']
send = ['Authorization: Basic YWxpOlUqVQ==']

[[test]]
get = '/a.txt'
expect = 304
send = ['Authorization: Basic YWxpOlUqVQ==', 'If-Modified-Since: Thu, 31 Dec 2099 23:59:59 GMT']

[[test]]
get = '/a.txt'
expect = 401

[[test]]
get = '/up'
host = 'any.example:8080'
from = '2001:db8::1'
expect = 200

[[test]]
get = '/a.txt'
from = '192.0.2.7'
expect = 403

[[test]]
get = '/a.txt?yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'
expect = 431
send = ['X-Long: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx']
`

// testedFolder makes the files of that configuration.
func testedFolder(t *testing.T, config string) (dir, file string) {
	t.Helper()
	dir = folder(t, map[string][]byte{"site/a.txt": []byte("content of the text"[:18]), "users": []byte("ali" + hashOfUU)})
	file = filepath.Join(dir, "bobbin.toml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "DIR", dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// TestConfigTestRunsTheTables has all pass, and then one of each kind fail.
func TestConfigTestRunsTheTables(t *testing.T) {
	t.Parallel()
	config := strings.ReplaceAll(tested, "of the text'", "of the tex'")
	dir, file := testedFolder(t, config)
	code, out, complaint := try([]string{"config", "test", "-c", file}, "", nil)
	if code != exitOK || out != "the configuration is valid, and passes its tests (7)\n" || complaint != "" {
		t.Fatalf("%d, %q, %q", code, out, complaint)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || len(text) > 0 {
		t.Errorf("the log has %q, %v", text, err)
	}
	for _, row := range []struct{ old, new, want string }{
		{"expect = 301", "expect = 302", ":18:3: GET /old/x%20y?z: expected 302, got 301 to /new/x%20y?z"},
		{"location = '/new/x%20y?z'", "location = '/newer'", `:18:3: GET /old/x%20y?z: expected Location "/newer", got "/new/x%20y?z"`},
		{"'X-A: b', 'C", "'X-A: c', 'C", `:24:3: GET /a.txt: expected X-A "c", got "b"`},
		{"'Location:'", "'X-A:'", `:24:3: GET /a.txt: expected no X-A, got "b"`},
		{"of the tex'", "of no text'", `:24:3: GET /a.txt: expected "of no text" in the body, got 18 bytes without it`},
		{"expect = 401", "expect = 401\nscheme = 'https'", ":36:3: GET /a.txt: the site is not served over HTTPS: remove scheme"},
	} {
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(strings.Replace(config, row.old, row.new, 1), "DIR", dir)), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out, complaint := try([]string{"config", "test", "-c", file}, "", nil)
		if want := file + row.want + "\nbobbin: 1 of 7 tests in " + file + " have failed\n"; code != exitUsage || out != "" || complaint != want {
			t.Errorf("%d, %q, %q, want %q", code, out, complaint, want)
		}
	}
}

// TestTestsOfHTTPS asks over TLS, and in plain text for the redirect.
func TestTestsOfHTTPS(t *testing.T) {
	t.Parallel()
	made, _ := pair(t, t.TempDir())
	_, file := testedFolder(t, `path = 'DIR/site'
tls-cert = ['`+made.Pair.Cert+`']
tls-key = ['`+made.Pair.Key+`']
redirect-http = 'localhost:8081'
hsts = true
xray = true

[[test]]
get = '/a.txt'
expect = 200
header = ['Strict-Transport-Security: max-age=31536000']

[[test]]
get = '/a.txt'
scheme = 'http'
host = 'localhost:80'
expect = 308
location = 'https://localhost/a.txt'

[[test]]
get = '/-/metrics'
expect = 200
contains = 'bobbin_connections'

[[test]]
get = '/a.txt'
host = 'evil.example'
expect = 421
`)
	code, out, complaint := try([]string{"config", "test", "-c", file}, "", nil)
	if code != exitOK || out != "the configuration is valid, and passes its tests (4)\n" || complaint != "" {
		t.Errorf("%d, %q, %q", code, out, complaint)
	}
}

// TestConfigPrintWritesTheTables reads what is printed once more.
func TestConfigPrintWritesTheTables(t *testing.T) {
	t.Parallel()
	_, file := testedFolder(t, tested)
	code, out, complaint := try([]string{"config", "print", "-c", file}, "", nil)
	for _, want := range []string{"[[test]] # " + file + "\nget = '/old/x%20y?z'\nhost = 'localhost'\nfrom = '127.0.0.1'\nsend = ['Authorization: Basic YWxpOlUqVQ==']\nexpect = 301\nlocation = '/new/x%20y?z'\n",
		"header = ['X-A: b', 'Cache-Control: max-age=3600', 'Location: ', 'Content-Length: 18']\n"} {
		if code != exitOK || complaint != "" || !strings.Contains(out, want) {
			t.Fatalf("%d, %q, there is no %s in\n%s", code, complaint, want, out)
		}
	}
	again := filepath.Join(t.TempDir(), "again.toml")
	if err := os.WriteFile(again, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, twice, complaint := try([]string{"config", "print", "-c", again}, "", nil); code != exitOK || strings.Count(twice, "[[test]]") != 7 {
		t.Errorf("%d, %q, %s", code, complaint, twice)
	}
}

// TestAReloadWithAFailingTestIsRefused, and the old configuration goes on.
func TestAReloadWithAFailingTestIsRefused(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{"bobbin.toml": "path = 'DIR/site'\n", "site/index.html": "start"})
	const tests = "\n[[test]]\nget = '/old'\nexpect = 301\n\n[[test]]\nget = '/new'\nexpect = 404\n"
	r.write(t, "bobbin.toml", "path = 'DIR/site'\nheader = ['X-A: b']\nredirect = ['/older /']"+tests)
	r.hangUp(t, "SIGHUP: not reloaded, the old configuration stays in use")
	if want := filepath.Join(r.dir, "bobbin.toml") + ":4:3: GET /old: expected 301, got 404"; !strings.Contains(r.said.String(), want) {
		t.Errorf("it says %s, without %s", r.said, want)
	}
	r.ask(t, "with a failing test", "/", "200  start")
	r.write(t, "bobbin.toml", "path = 'DIR/site'\nheader = ['X-A: b']\nredirect = ['/old /']"+tests)
	r.hangUp(t, "SIGHUP: reloaded")
	r.ask(t, "with tests that pass", "/", "200 b start")
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}
