package main

import (
	"context"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// admin returns the address of --admin from the first line.
func (p *program) admin() string {
	p.t.Helper()
	m := regexp.MustCompile(` admin=http://(\S+)/`).FindStringSubmatch(p.first)
	if m == nil {
		p.t.Fatalf("it says %q", p.first)
	}
	return m[1]
}

// fetch asks for a URL under a Host, by a connection of its own.
func fetch(t *testing.T, url, host string, fields ...string) (status int, body string) {
	t.Helper()
	q, err := nethttp.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Host, q.Close = host, true
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		q.Header.Set(name, value)
	}
	a, err := nethttp.DefaultClient.Do(q)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Error(err)
	}
	return a.StatusCode, string(text)
}

// TestTheOperatorsAddress has a site with a password, and asks beside it.
func TestTheOperatorsAddress(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"site/index.html": []byte("hello"), "users": []byte("ali:$2a$04$PHFbAhLLmHQkCVIvPJ1Ote5uMk.HGBmzIpnSgYHPQ5CgHHVYMNh9S\n")})
	p := start(t, "", "--admin", "127.0.0.1:0", "--host", "dev.example", "--auth", filepath.Join(dir, "users"), "--limit-rate", "1/h", filepath.Join(dir, "site"))
	for range 2 {
		p.visit("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	for _, row := range []struct {
		name, path, host string
		status           int
		says             string
		fields           []string
	}{
		{"its first page says what is there", "/", "localhost", 200, "/-/pprof/", nil},
		{"metrics need no password", "/-/metrics", "localhost", 200, "\nhttp_server_requests_total{class=\"4xx\"} 2\n", nil},
		{"those of the limit of rates are among them", "/-/metrics", "localhost", 200, "\nbobbin_ratelimited_total 1\n", nil},
		{"those of the files are", "/-/metrics", "localhost", 200, "\nbobbin_file_cache_hits_total 0\n", nil},
		{"those of the process are", "/-/metrics", "localhost", 200, "\nprocess_cpu_seconds_total ", nil},
		{"Prometheus may ask by any name", "/-/metrics", "bobbin.example", 200, "bobbin_loop_up{loop=\"0\"} 1\n", nil},
		{"through a proxy, too", "/-/metrics", "bobbin.example", 200, "", []string{"X-Forwarded-For: 192.0.2.1"}},
		{"health is told", "/-/healthy", "bobbin.example", 200, "healthy\n", nil},
		{"readiness is", "/-/ready", "bobbin.example", 200, "ready\n", nil},
		{"profiles are there", "/-/pprof/", "localhost", 200, "goroutine?debug=1", nil},
		{"one of them is made", "/-/pprof/goroutine?debug=1", "127.0.0.1:80", 200, "goroutine profile: total", nil},
		{"the command line is told", "/-/pprof/cmdline", "dev.example", 200, "--admin", nil},
		{"a symbol is looked up", "/-/pprof/symbol", "localhost", 200, "num_symbols: 1", nil},
		{"profiles need their slash, and get it", "/-/pprof", "localhost", 200, "goroutine?debug=1", nil},
		{"there is none of another name", "/-/pprof/nothing", "localhost", 404, "", nil},
		{"a page by a foreign name gets no profile", "/-/pprof/heap", "evil.example", 403, "", nil},
		{"nor does what comes through a proxy", "/-/pprof/heap", "localhost", 403, "", []string{"X-Forwarded-For: 192.0.2.1"}},
		{"the page of the loop is there", "/-/xray", "localhost", 200, "", nil},
		{"but not for a foreign name", "/-/xray", "evil.example", 403, "", nil},
		{"the site is not", "/index.html", "localhost", 404, "", nil},
	} {
		status, body := fetch(t, "http://"+p.admin()+row.path, row.host, row.fields...)
		if status != row.status || !strings.Contains(body, row.says) {
			t.Errorf("%s: %d %q", row.name, status, body)
		}
	}
	if answer := p.visit("GET /-/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"); strings.Contains(answer, "bobbin_") {
		t.Errorf("the site tells its metrics without --xray: %q", answer)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestTheOperatorsAddressMayBeAUnixSocket asks there, and looks for the file later.
func TestTheOperatorsAddressMayBeAUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "admin")
	p := start(t, "", "--admin", "unix:"+path+"?mode=0600")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	client := nethttp.Client{Transport: &nethttp.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	for _, where := range []string{"/-/ready", "/-/metrics", "/-/xray", "/-/pprof/cmdline"} {
		a, err := client.Get("http://localhost" + where)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != 200 {
			t.Errorf("%s is %d", where, a.StatusCode)
		}
	}
	client.CloseIdleConnections()
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket's file stays")
	}
}

// TestInAStopReadinessEndsFirstAndTheOperatorsAddressLast holds a stop up by a request that is
// not complete.
func TestInAStopReadinessEndsFirstAndTheOperatorsAddressLast(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--admin", "127.0.0.1:0", "--limit", "Drain=30s")
	slow := p.dial()
	say(t, slow, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na")
	p.signal(syscall.SIGTERM)
	for status := 0; status != 503; { // the signal is on its way
		if status, _ = fetch(t, "http://"+p.admin()+"/-/ready", "localhost"); status != 200 && status != 503 {
			t.Fatalf("ready is %d", status)
		}
	}
	for _, row := range []struct {
		path   string
		status int
		says   string
	}{
		{"/-/ready", 503, "stopping\n"}, {"/-/healthy", 200, "healthy\n"}, {"/-/metrics", 200, "bobbin_connections{state=\"reading\"} 1\n"},
	} {
		if status, body := fetch(t, "http://"+p.admin()+row.path, "localhost"); status != row.status || !strings.Contains(body, row.says) {
			t.Errorf("during the stop %s is %d %q", row.path, status, body)
		}
	}
	say(t, slow, "b")
	if _, err := io.ReadAll(slow); err != nil {
		t.Error(err)
	}
	p.ends(exitOK)
	if c, err := net.Dial("tcp", p.admin()); err == nil {
		c.Close()
		t.Error("the operator's address is open after the end")
	}
}

// TestXrayIsAroundTheSite has a folder with a password, a limit of rates and a log.
func TestXrayIsAroundTheSite(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"site/index.html": []byte("hello"), "users": []byte("ali:$2a$04$PHFbAhLLmHQkCVIvPJ1Ote5uMk.HGBmzIpnSgYHPQ5CgHHVYMNh9S\n")})
	log := filepath.Join(dir, "log")
	p := start(t, "", "--xray", "--auth", filepath.Join(dir, "users"), "--limit-rate", "1/h", "--log", "common="+log, filepath.Join(dir, "site"))
	for _, row := range []struct {
		name, path, host string
		status           int
	}{
		{"the page needs no password", "/-/xray", "localhost", 200},
		{"metrics are limited by no rate", "/-/metrics", "127.0.0.1", 200},
		{"nor is health", "/-/healthy", "localhost", 200},
		{"nor is readiness", "/-/ready", "localhost", 200},
		{"a foreign name sees nothing", "/-/metrics", "evil.example", 403},
		{"profiles are not on the site", "/-/pprof/", "localhost", 401},
		{"and the rest has its limit", "/", "localhost", 429},
	} {
		if status, body := fetch(t, p.url+strings.TrimPrefix(row.path, "/"), row.host); status != row.status {
			t.Errorf("%s: %d %q", row.name, status, body)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	text, err := os.ReadFile(log)
	if lines := string(text); err != nil || strings.Count(lines, "\n") != 1 || !strings.Contains(lines, `"GET / HTTP/1.1" 429`) {
		t.Errorf("the log is %q, %v", text, err)
	}
}

// TestTheDefaultSiteTellsItsMetricsToThisMachineOnly has it alone, with middleware, and public.
func TestTheDefaultSiteTellsItsMetricsToThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		args   []string
		status int
	}{
		{"alone", nil, 200},
		{"behind a limit of rates", []string{"--limit-rate", "1/h"}, 200},
		{"in public", []string{"-l", ":0"}, 404},
		{"in public and meant so", []string{"-l", ":0", "--xray"}, 200},
	} {
		p := start(t, "", row.args...)
		for range 2 {
			if status, body := fetch(t, p.url+"-/metrics", "localhost"); status != row.status {
				t.Errorf("%s: %d %q", row.name, status, body)
			}
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
	}
}

// TestAnOperatorsAddressThatIsOpenIsWarnedOf counts the lines.
func TestAnOperatorsAddressThatIsOpenIsWarnedOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]int{":0": 1, "0.0.0.0:0": 1, "127.0.0.1:0": 0, "localhost:0": 0} {
		p := start(t, "", "--admin", address)
		if n := strings.Count(p.said.String(), "--admin "+address+" is open to the network"); n != want {
			t.Errorf("%s: %d warnings in %s", address, n, p.said)
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
	}
}

// TestAnOperatorsAddressThatIsTakenIsNamed has another program there.
func TestAnOperatorsAddressThatIsTakenIsNamed(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	at := other.Addr().String()
	code, _, complaint := try([]string{"-p", "0", "--admin", at}, "", nil)
	if code != exitFailed || !strings.Contains(complaint, at) || !strings.Contains(complaint, "choose another port with --admin") || strings.Count(complaint, "\n") != 1 {
		t.Errorf("%d, %q", code, complaint)
	}
}

func TestMemoryOfTheProcess(t *testing.T) {
	for text, want := range map[string][2]int64{
		"100 25 3 4 0 5 0\n": {400, 100}, "": {}, "1": {}, "a b": {}, "1 b": {}, "-1 99999999999999999999": {},
	} {
		virtual, resident := memoryOf([]byte(text), 4)
		if [2]int64{virtual, resident} != want {
			t.Errorf("%q: %d, %d", text, virtual, resident)
		}
	}
	if p := processFigures(); p.CPU <= 0 || p.Started.IsZero() {
		t.Errorf("of this process it tells %+v", p)
	}
}

// TestXrayBehindAProxyIsWarnedOf starts it with and without --trust.
func TestXrayBehindAProxyIsWarnedOf(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{"--xray --trust 127.0.0.1": 1, "--xray": 0, "--trust 127.0.0.1": 0} {
		p := start(t, "", append(strings.Fields(args), ".")...)
		if n := strings.Count(p.said.String(), "use --admin in place of --xray"); n != want {
			t.Errorf("%s: %d warnings in %s", args, n, p.said)
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
	}
}
