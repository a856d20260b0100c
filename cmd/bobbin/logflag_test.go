package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestTheFormatOfTheLog(t *testing.T) {
	for _, row := range []struct {
		args string
		log  string // that is set
		path string
		err  string
	}{
		{"", "off", "", ""},
		{"--log", "auto", "", ""},
		{"--log ./site", "auto", "./site", ""},
		{"--log json", "json", "", ""},
		{"--log json ./site", "json", "./site", ""},
		{"--log=json ./site", "json", "./site", ""},
		{"--log combined=access.log ./site", "combined=access.log", "./site", ""},
		{"--log off", "off", "", ""},
		{"--log short=s --log -q", "auto", "", ""},
		{"-q -- --log", "off", "--log", ""},
		{"--log access.log", "", "", "write --log combined=access.log"},
		{"--log json access.log", "", "", "write --log json=access.log"},
		{"--log yes", "", "", "write --log alone"},
		{"--log xml ./site", "", "", "--log=xml"},
		{"--log apache", "", "", "write combined, common, json or short; or ./apache for a folder"},
	} {
		o, err := parse(strings.Fields(row.args), func(string) string { return "" })
		switch {
		case row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)):
			t.Errorf("%q: the error is %v, and not %q", row.args, err, row.err)
		case row.err == "" && (err != nil || o.global.log != row.log || o.path != row.path):
			t.Errorf("%q: the log is %q and the path %q, and not %q and %q: %v", row.args, o.global.log, o.path, row.log, row.path, err)
		}
	}
}

// lastLog returns what a server has logged in a file, after its end.
func (p *program) lastLog(file string) string {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	text, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// TestALogThatIsAskedForAlone is combined in a file, and short on a terminal, with colours unless
// they are not wanted. A format that is named is that.
func TestALogThatIsAskedForAlone(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--log":       `127\.0\.0\.1 - - \[[^]]*\] "GET /bench HTTP/1\.1" 200 13 "-" "-"\n`,
		"--log short": `\d\d:\d\d:\d\d 200    13 B [0-9. ]* [mµ]s 127\.0\.0\.1 GET /bench\n`,
	} {
		file := filepath.Join(t.TempDir(), "out")
		p := start(t, "exec >'"+file+"'", strings.Fields(args)...)
		p.visit("GET /bench HTTP/1.1\r\nHost: a\r\n\r\n")
		if text := p.lastLog(file); !regexp.MustCompile("^" + want + "$").MatchString(text) {
			t.Errorf("%s: %q", args, text)
		}
	}
}

func TestALogInATerminal(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		args, env string
		coloured  bool
		want      string
	}{
		{"--log", "", true, "127.0.0.1 GET /bench?a"},
		{"--log", "NO_COLOR=1", false, "127.0.0.1 GET /bench?a"},
		{"--log short", "", true, "127.0.0.1 GET /bench?a"},
		{"--log combined", "", false, `"GET /bench?a HTTP/1.1" 200 13`},
	} {
		at := free(t)
		env := []string{"BOBBIN_HOST=a"}
		if row.env != "" {
			env = append(env, row.env)
		}
		m := openTmux(t, 120, 24, `"$bobbin" -q -l `+at+` `+row.args+`; cat`, env...)
		p := &program{t: t, url: "http://" + at + "/"}
		m.until("it listens", func() bool {
			c, err := net.Dial("tcp", at)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		p.visit("GET /bench?a HTTP/1.1\r\nHost: a\r\n\r\n")
		screen := m.shows(row.want)
		if coloured := strings.Contains(screen, "\x1b[32m"); coloured != row.coloured {
			t.Errorf("%s with %q: it is in colours: %v\n%q", row.args, row.env, coloured, screen)
		}
		m.do("send-keys", "C-c") // its terminal's end alone would not end it
		m.until("it has ended", func() bool {
			c, err := net.Dial("tcp", at)
			if err == nil {
				c.Close()
			}
			return err != nil
		})
	}
}

// linesOf returns the lines of docs/operating.md that begin so.
func linesOf(t *testing.T, begin string) (lines []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, begin) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// logOfAll makes requests of all kinds, and returns how many lines the log has, and the log.
func logOfAll(t *testing.T, format string) (lines int, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "access.log")
	dir := folder(t, map[string][]byte{"users": []byte("ali" + hashOfUU), "site/a b": []byte("hello")})
	p := start(t, "", "--log", format+"="+file, "--tls", "self", "--auth", filepath.Join(dir, "users"), "--limit-rate", "1/h,10", filepath.Join(dir, "site"))
	client := &nethttp.Client{Transport: &nethttp.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	for i := range 12 {
		r, err := nethttp.NewRequest("GET", strings.Replace(p.url, "127.0.0.1", "localhost", 1)+[]string{"a%20b?c=%22d", "nothing", ""}[i%3], nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Referer", `http://b.example/"x.y":`)
		r.Header.Set("User-Agent", `Mozilla/5.0 (X11; Linux x86_64) "q" \`)
		r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		if i%2 == 1 {
			r.SetBasicAuth("ali", "U*U")
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		lines++
	}
	p.lastLog(file)
	return lines, file
}

// TestTheLogInJSONHasWhatIsKnown of each request, by HTTP/2 over TLS: a time for what is answered from
// memory, too.
func TestTheLogInJSONHasWhatIsKnown(t *testing.T) {
	t.Parallel()
	lines, file := logOfAll(t, "json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"client.address":"127.0.0.1"`, `"url.scheme":"https","server.address":"localhost","server.port":`, `"network.protocol.version":"2"`, `"tls.protocol.version":"1.3"`,
		`"http.request.header.referer":"http://b.example/\"x.y\":"`, `"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"`, `"duration_s":`,
	} {
		if n := strings.Count(string(text), want); n != lines {
			t.Errorf("%d of %d lines have %s:\n%s", n, lines, want, text)
		}
	}
	if strings.Contains(string(text), `"duration_s":0.000000`) {
		t.Errorf("a time was not measured:\n%s", text)
	}
}

// TestGoAccessReadsTheLog has GoAccess read the log in each of the formats for programs, by the lines
// of docs/operating.md.
func TestGoAccessReadsTheLog(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("goaccess"); err != nil {
		t.Skip("skipped: goaccess is not installed (Debian's package of that name)")
	}
	commands := append(linesOf(t, "goaccess access.log "), linesOf(t, "sed ")...)
	if len(commands) != 3 {
		t.Fatalf("the page has the lines %q", commands)
	}
	for i, format := range []string{"common", "combined", "json"} {
		lines, log := logOfAll(t, format)
		report := filepath.Join(t.TempDir(), "report.json")
		cmd := exec.Command("sh", "-c", commands[i]+" --no-global-config --no-progress -o "+report)
		cmd.Dir = filepath.Dir(log)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", format, err, out)
			continue
		}
		text, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			General struct {
				Total  int `json:"total_requests"`
				Valid  int `json:"valid_requests"`
				Failed int `json:"failed_requests"`
			}
		}
		if err := json.Unmarshal(text, &got); err != nil || got.General.Total != lines || got.General.Valid != lines || got.General.Failed != 0 {
			t.Errorf("%s: of %d lines, it has read %+v: %v", format, lines, got.General, err)
		}
	}
}

// TestFail2banFindsWhomToBan has fail2ban's own tool apply the filter of deploy to a log with
// requests of each kind, and with some that look like others to a careless expression.
func TestFail2banFindsWhomToBan(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("fail2ban-regex"); err != nil {
		t.Skip("skipped: fail2ban is not installed (Debian's package of that name)")
	}
	for _, format := range []string{"common", "combined"} {
		dir := folder(t, map[string][]byte{"users": []byte("ali" + hashOfUU), "site/index.html": []byte("hello")})
		file := filepath.Join(t.TempDir(), "access.log")
		p := start(t, "", "--log", format+"="+file, "--auth", filepath.Join(dir, "users"), "--limit-rate", "1/h,9", filepath.Join(dir, "site"))
		const known = "Authorization: Basic YWxpOlUqVQ==\r\n" // ali, U*U
		for _, row := range []struct{ request, status string }{
			{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "401"},
			{"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \" 401 5\r\n\r\n", "401"},
			{"GET / HTTP/1.1\r\nHost: a\r\n" + known + "\r\n", "200"},
			{"GET /?\" 401 5 HTTP/1.1\r\nHost: a\r\n\r\n", "400"}, // no URI has a blank
			{"GET /?\"_401_5 HTTP/1.1\r\nHost: a\r\n" + known + "\r\n", "200"},
			{"GET / HTTP/1.1\r\nHost: a\r\n" + known + "User-Agent: \\\" 400 5 \"\r\n\r\n", "200"},
			{"GET / HTTP/1.1\r\nHost: a\r\n" + known + "Referer: 127.0.0.9 - - [28/Nov/2026:01:00:00 +0000] \"GET / HTTP/1.1\" 401 5\r\n\r\n", "200"},
			{"\x16\x03\x01\r\n\r\n", "400"},
			{"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501"},
			{"GET / HTTP/1.1\r\nHost: a\r\n" + known + "\r\n", "429"},
		} {
			if answer := p.visit(row.request); !strings.HasPrefix(answer, "HTTP/1.1 "+row.status+" ") {
				t.Errorf("%q: %.60q, and not %s", row.request, answer, row.status)
			}
		}
		p.lastLog(file)
		filter, err := filepath.Abs("../../deploy/fail2ban/filter.d/bobbin.conf")
		if err != nil {
			t.Fatal(err)
		}
		for mode, want := range map[string]int{"auth": 2, "rate": 1, "probe": 3, "all": 6} {
			out, err := exec.Command("fail2ban-regex", file, filter+"[mode="+mode+"]").CombinedOutput()
			if err != nil || !strings.Contains(string(out), fmt.Sprintf("Lines: 10 lines, 0 ignored, %d matched, %d missed", want, 10-want)) {
				t.Errorf("%s, mode %s: %v\n%s", format, mode, err, out)
			}
		}
	}
}
