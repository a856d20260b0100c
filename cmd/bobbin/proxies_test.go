package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// getFrom makes a request from an address of this machine.
func getFrom(t *testing.T, from, url string, config *tls.Config) (status int, body, proto string) {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &nethttp.Transport{
		DisableKeepAlives: true, TLSClientConfig: config, ForceAttemptHTTP2: config != nil,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}
	answer, err := (&nethttp.Client{Transport: transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Proto
}

// A front is a real proxy that passes bytes on, with a header before them.
type front struct {
	name  string
	start func(t *testing.T, at, to string) // from an address, to one of TCP or to unix:PATH
}

// fronts are HAProxy with both versions, and nginx, whose stream module sends version 1.
var fronts = []front{
	{"HAProxy with send-proxy", haproxyWith("send-proxy")},
	{"HAProxy with send-proxy-v2", haproxyWith("send-proxy-v2")},
	{"HAProxy with send-proxy-v2 and all options", haproxyWith("send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id")},
	{"nginx with proxy_protocol", nginxStream},
}

func haproxyWith(option string) func(t *testing.T, at, to string) {
	return func(t *testing.T, at, to string) {
		path, err := exec.LookPath("haproxy")
		if err != nil {
			t.Skip("skipped: haproxy is not installed (Debian's package of that name)")
		}
		to = strings.Replace(to, "unix:", "unix@", 1)
		startHAProxy(t, path, "defaults\n mode tcp\n timeout connect 10s\n timeout client 60s\n timeout server 60s\n"+
			"frontend f\n bind "+at+"\n unique-id-format %{+X}o\\ %ci:%cp_%Ts\n default_backend b\nbackend b\n server s "+to+" "+option+"\n")
	}
}

func nginxStream(t *testing.T, at, to string) {
	const module = "/usr/lib/nginx/modules/ngx_stream_module.so"
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("skipped: nginx is not installed")
	}
	if _, err := os.Stat(module); errors.Is(err, fs.ErrNotExist) {
		t.Skip("skipped: nginx has no stream module (Debian's package libnginx-mod-stream)")
	}
	blocks := "load_module " + module + ";\nstream { server { listen " + at + "; proxy_pass " + to + "; proxy_protocol on; } }\n"
	runNginx(t, path, t.TempDir(), at, blocks)
}

// TestRealProxiesNameTheirClients has real proxies pass on HTTP/1.1 and HTTP/2, over TCP and a
// Unix socket. Clients come from another address than the proxies, and the log has that.
func TestRealProxiesNameTheirClients(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("all of 127.0.0.0/8 is this machine on Linux only")
	}
	for _, front := range fronts {
		for _, over := range []string{"TCP", "TLS", "a Unix socket"} {
			t.Run(front.name+" over "+over, func(t *testing.T) {
				log := filepath.Join(t.TempDir(), "log")
				args := []string{"--trust", "127.0.0.1", "--proxy-protocol", "--log", "json=" + log}
				scheme, proto := "http", "HTTP/1.1"
				var config *tls.Config
				to := ""
				switch over {
				case "TLS":
					scheme, proto = "https", "HTTP/2.0"
					config = &tls.Config{InsecureSkipVerify: true}
					args = append(args, "--tls", "self")
				case "a Unix socket":
					to = "unix:" + filepath.Join(t.TempDir(), "s")
					args = append(args, "-l", to)
				}
				p := start(t, "", args...)
				if to == "" {
					_, to, _ = strings.Cut(strings.TrimSuffix(p.url, "/"), "://")
				}
				at := free(t)
				front.start(t, at, to)
				const requests = 20
				for i := range requests {
					from := fmt.Sprintf("127.0.0.%d", 2+i%3)
					status, body, got := getFrom(t, from, scheme+"://"+at+"/bench", config)
					if status != 200 || body != "Hello, World!" || got != proto {
						t.Fatalf("%s: %d, %q by %s, and not by %s", from, status, body, got, proto)
					}
				}
				p.signal(syscall.SIGTERM)
				p.ends(exitOK)
				text, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range map[string]int{`"client.address":"127.0.0.2"`: 7, `"client.address":"127.0.0.3"`: 7, `"client.address":"127.0.0.4"`: 6, "\n": requests} {
					if n := strings.Count(string(text), i); n != want {
						t.Errorf("the log has %s %d times, and not %d: %s", i, n, want, text)
					}
				}
				if strings.Contains(p.said.String(), "PROXY") {
					t.Errorf("it says %s", p.said)
				}
			})
		}
	}
}

// TestHAProxyChecksByThePROXYProtocol: HAProxy's own checks begin with a header that names no
// client.
func TestHAProxyChecksByThePROXYProtocol(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("skipped: haproxy is not installed (Debian's package of that name)")
	}
	for _, option := range []string{"send-proxy", "send-proxy-v2"} {
		p := start(t, "", "--trust", "127.0.0.1", "--proxy-protocol")
		stats := filepath.Join(t.TempDir(), "stats")
		startHAProxy(t, path, "global\n stats socket "+stats+"\ndefaults\n mode tcp\n timeout connect 10s\n timeout client 10s\n timeout server 10s\n timeout check 10s\n"+
			"frontend f\n bind unix@"+stats+".f\n default_backend b\nbackend b\n option httpchk\n server s "+p.host()+" check inter 100ms "+option+"\n")
		if got := checkOf(t, stats); got != "L7OK 204" {
			t.Errorf("with %s, the check says %s", option, got)
		}
	}
}

// TestWhoIsTakenForAProxy: with --proxy-protocol, a header is expected of those that --trust
// names, at the listeners that are named.
func TestWhoIsTakenForAProxy(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("all of 127.0.0.0/8 is this machine on Linux only")
	}
	one, two := free(t), free(t)
	for _, row := range []struct {
		name, flag, from, at string
		status               int
	}{
		{"a trusted peer has to begin with a header", "--proxy-protocol", "127.0.0.1", one, 400},
		{"another peer speaks HTTP", "--proxy-protocol", "127.0.0.2", one, 200},
		{"all listeners are meant", "--proxy-protocol", "127.0.0.1", two, 400},
		{"or the one that is named", "--proxy-protocol=" + one, "127.0.0.1", one, 400},
		{"and no other", "--proxy-protocol=" + one, "127.0.0.1", two, 200},
	} {
		p := start(t, "", "--trust", "127.0.0.1", row.flag, "-l", one, "-l", two)
		status, body, _ := getFrom(t, row.from, "http://"+row.at+"/bench", nil)
		if status != row.status {
			t.Errorf("%s: %d %q, and not %d", row.name, status, body, row.status)
		}
		if says := strings.Contains(body, "PROXY header"); says != (status == 400) {
			t.Errorf("%s: it is told %q", row.name, body)
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		if said := strings.Contains(p.said.String(), "no PROXY header from a peer that is to send one"); said != (status == 400) {
			t.Errorf("%s: the log has %s", row.name, p.said)
		}
	}
}

func TestProxyProtocolThatIsMistyped(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"it needs to know of whom", []string{"--proxy-protocol"}, "--proxy-protocol needs --trust"},
		{"a listener is one of --listen", []string{"--trust", "10.0.0.7", "-l", ":8081", "--proxy-protocol=:8080"}, "no such listener; did you mean :8081? Write it"},
		{"the listeners there are are named", []string{"--trust", "10.0.0.7", "-l", ":8081", "--proxy-protocol=unix:/run/s"}, "one of :8081"},
		{"a value follows a =", []string{"--trust", "10.0.0.7", "--proxy-protocol", "on"}, "write --proxy-protocol alone"},
		{"so does an address", []string{"--trust", "10.0.0.7", "--proxy-protocol", ":8080"}, "write --proxy-protocol=:8080"},
	} {
		o, err := parse(row.args, func(string) string { return "" })
		if err == nil {
			var s *site
			if s, err = prepare(&o, io.Discard, logTo(io.Discard, o)); err == nil {
				s.close()
			}
		}
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: the error is %v, and not %q", row.name, err, row.want)
		}
	}
}

// TestAReloadChangesWhoIsTakenForAProxy: connections that come after SIGHUP are what the file says
// then.
func TestAReloadChangesWhoIsTakenForAProxy(t *testing.T) {
	t.Parallel()
	const plain = "path = 'DIR/site'\n"
	r := reloadable(t, map[string]string{"bobbin.toml": plain, "site/index.html": "start"})
	for i, row := range []struct {
		name, config string
		status       int
	}{
		{"a proxy has to send a header from now on", plain + "trust = ['127.0.0.1']\nproxy-protocol = ['all']\n", 400},
		{"another one has to", plain + "trust = ['192.0.2.1']\nproxy-protocol = ['all']\n", 200},
		{"none has to", plain, 200},
	} {
		r.write(t, "bobbin.toml", row.config)
		r.hangUp(t, "SIGHUP: reloaded")
		if status, body, _ := getFrom(t, "127.0.0.1", r.url, nil); status != row.status {
			t.Errorf("%d, %s: it answers %d %q, and not %d", i, row.name, status, body, row.status)
		}
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}

// TestTheFieldOfTheProxies: --trust-field names it, and another one is named in the log, once.
func TestTheFieldOfTheProxies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, flag, field, want string
		warned                  bool
	}{
		{"X-Forwarded-For, unless another one is named", "", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", `"client.address":"192.0.2.1","http.request.method":"GET","url.path":"/bench","url.scheme":"https"`, false},
		{"Forwarded, if it is", "Forwarded", "Forwarded: for=192.0.2.1;proto=https\r\n", `"client.address":"192.0.2.1","http.request.method":"GET","url.path":"/bench","url.scheme":"https"`, false},
		{"one with an address alone", "X-Real-IP", "X-Real-IP: 192.0.2.1\r\n", `"client.address":"192.0.2.1"`, false},
		{"the other one tells nothing", "", "Forwarded: for=192.0.2.1;proto=https\r\n", `"client.address":"127.0.0.1","http.request.method":"GET","url.path":"/bench","url.scheme":"http"`, true},
	} {
		file := filepath.Join(t.TempDir(), "log")
		args := []string{"--trust", "127.0.0.1", "--log", "json=" + file}
		if row.flag != "" {
			args = append(args, "--trust-field", row.flag)
		}
		p := start(t, "", args...)
		for range 3 {
			p.visit("GET /bench HTTP/1.1\r\nHost: a\r\n" + row.field + "\r\n")
		}
		if text := p.lastLog(file); strings.Count(text, row.want) != 3 {
			t.Errorf("%s: %s", row.name, text)
		}
		if n := strings.Count(p.said.String(), "--trust-field"); n != map[bool]int{true: 1}[row.warned] {
			t.Errorf("%s: it is said %d times: %s", row.name, n, p.said)
		}
	}
	for _, args := range [][]string{{"--trust-field", "Forwarded"}, {"--trust", "10.0.0.7", "--trust-field", "a b"}} {
		if code, _, complaint := try(append([]string{"config", "test"}, args...), "", nil); code != exitUsage || !strings.Contains(complaint, "--trust-field") {
			t.Errorf("%q: %d, %s", args, code, complaint)
		}
	}
}
