package main

import (
	"compress/gzip"
	"crypto/tls"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// TestPairsOfNginxAndBobbinAnswerAlike runs each pair of docs/from-nginx.md: its
// command, its server block if nginx is installed, and the requests below them
// against both.
func TestPairsOfNginxAndBobbinAnswerAlike(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/from-nginx.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)\n## ([^\n]+)\n[^#]*?```nginx\n(.*?)```\n\n```sh\n(bobbin [^\n]*)\n```\n\n```text\n(.*?)```")
	pairs := blocks.FindAllStringSubmatch(string(page), -1)
	if written := strings.Count(string(page), "```nginx\n"); written == 0 || len(pairs) != written {
		t.Fatalf("the page has %d blocks for nginx, and %d of them are pairs with requests", written, len(pairs))
	}
	nginx, _ := exec.LookPath("nginx") // "" if it is not installed
	for _, each := range pairs {
		block, command, requests := each[2], each[3], strings.Split(strings.TrimSpace(each[4]), "\n")
		t.Run(each[1], func(t *testing.T) {
			etc, site := siteOfNginx(t)
			// Where the page has a place of a real machine, the test has its own.
			place := strings.NewReplacer("/srv/site", site, "/etc/site.", etc+"/site.").Replace
			scheme := "http"
			if strings.Contains(command, "--tls-cert") {
				scheme = "https"
			}
			t.Run("bobbin", func(t *testing.T) {
				p := start(t, "", argumentsOf(t, place(command))...)
				for _, request := range requests {
					answersAs(t, p.url, request)
				}
			})
			t.Run("nginx", func(t *testing.T) {
				if nginx == "" {
					t.Skip("nginx is not installed")
				}
				address := startNginx(t, nginx, place(block), scheme == "https")
				for _, request := range requests {
					answersAs(t, scheme+"://"+address+"/", request)
				}
			})
		})
	}
}

// siteOfNginx makes the site that the page speaks of, and a folder with what is
// in /etc there.
func siteOfNginx(t *testing.T) (etc, site string) {
	script := []byte(strings.Repeat("console.log('something that is worth compressing');\n", 40))
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	z.Write(script)
	z.Close()
	site = folder(t, map[string][]byte{
		"index.html": []byte("front"), "page.html": []byte("some page"), "404.html": []byte("not here"),
		"sub/x.txt": []byte("x"), "assets/app.js": script, "assets/app.js.gz": []byte(packed.String()),
		"long.txt": script, "one.thing": []byte("thing"), ".env": []byte("SECRET=1"), ".well-known/security.txt": []byte("Contact:"),
	})
	etc = t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	made, _ := pair(t, t.TempDir())
	users := append([]byte("me:"), append(hash, '\n')...)
	if err := errors.Join(os.WriteFile(filepath.Join(etc, "site.users"), users, 0o644),
		os.Rename(made.Pair.Cert, filepath.Join(etc, "site.pem")), os.Rename(made.Pair.Key, filepath.Join(etc, "site.key"))); err != nil {
		t.Fatal(err)
	}
	// Nginx lets its workers read as another user, when it is started as root.
	for _, place := range []string{etc, site} {
		for ; len(place) > len(os.TempDir()); place = filepath.Dir(place) {
			if err := os.Chmod(place, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return etc, site
}

// argumentsOf are the arguments in a line for a shell. The test listens on loopback
// and a free port, so what --public does to a listing is said by its flag.
func argumentsOf(t *testing.T, line string) []string {
	var arguments []string
	for _, word := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(line, -1)[1:] {
		arguments = append(arguments, strings.Trim(word, "'"))
	}
	if at := slices.Index(arguments, "-p"); at >= 0 {
		arguments = slices.Delete(arguments, at, at+2)
	}
	if at := slices.Index(arguments, "--public"); at < 0 {
		t.Errorf("%s: only this machine is served", line)
	} else if slices.Contains(arguments, "--listing") {
		arguments = slices.Delete(arguments, at, at+1)
	} else {
		arguments[at] = "--listing=off"
	}
	return arguments
}

// startNginx has nginx serve a block on loopback, and returns its address.
func startNginx(t *testing.T, nginx, block string, secure bool) string {
	// Nginx does not say which port it was given: it is told one that was free.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	listen := "listen " + address
	if secure {
		listen += " ssl"
	}
	var outside []string
	block = regexp.MustCompile(`(?m)^(limit_req_zone|listen) .*\n`).ReplaceAllStringFunc(block, func(line string) string {
		if !strings.HasPrefix(line, "listen") {
			outside = append(outside, line)
		}
		return ""
	})
	dir := t.TempDir()
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += kind + "_temp_path " + dir + "/" + kind + ";\n"
	}
	runNginx(t, nginx, dir, address, "http {\n"+
		"types { text/html html; text/plain txt; application/javascript js; }\n"+temporary+"access_log off;\nabsolute_redirect off;\n"+
		strings.Join(outside, "")+"server {\n"+listen+";\n"+block+"}\n}\n")
	return address
}

// runNginx has nginx run in a folder with a configuration, and waits until it listens at an
// address.
func runNginx(t *testing.T, nginx, dir, address, config string) {
	t.Helper()
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte("daemon off;\nmaster_process off;\npid "+dir+"/pid;\n"+config+"events {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", dir, "-c", conf, "-e", "stderr")
	said := &transcript{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-over
	})
	for {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return
		}
		select {
		case err := <-over:
			over <- err
			t.Fatalf("nginx: %v\n%s", err, said)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// answersAs makes a request of the page, such as
//
//	GET /page.html, Range: bytes=0-3 -> 206, Content-Range: bytes 0-3/9
//
// and fails if the answer is another.
func answersAs(t *testing.T, url, line string) {
	t.Helper()
	request, answer, ok := strings.Cut(line, " -> ")
	if !ok {
		t.Fatalf("%q has no answer", line)
	}
	fields := strings.Split(request, ", ")
	method, path, _ := strings.Cut(fields[0], " ")
	r, err := nethttp.NewRequest(method, strings.TrimSuffix(url, "/")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields[1:] {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	client := nethttp.Transport{DisableCompression: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	got, err := client.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	// A comma is also part of a value, so a field goes on to the next that has a name.
	want := regexp.MustCompile(`, (no [A-Z]|body: |[A-Z][A-Za-z-]+: )`).Split(answer, -1)
	names := regexp.MustCompile(`, (no [A-Z]|body: |[A-Z][A-Za-z-]+: )`).FindAllStringSubmatch(answer, -1)
	if !slices.Contains(strings.Split(want[0], " or "), strconv.Itoa(got.StatusCode)) {
		t.Errorf("%s: the status is %d", line, got.StatusCode)
	}
	for i, name := range names {
		value := want[i+1]
		switch n := name[1]; {
		case n == "body: ":
			if !strings.Contains(string(body), value) {
				t.Errorf("%s: the body is %q", line, body)
			}
		case strings.HasPrefix(n, "no "):
			if v, there := got.Header[n[3:]+value]; there {
				t.Errorf("%s: there is %q", line, v)
			}
		default:
			v := got.Header.Get(strings.TrimSuffix(n, ": "))
			if n == "Content-Type: " {
				v, _, _ = strings.Cut(v, ";") // charset
			}
			if v != value {
				t.Errorf("%s: %s%q", line, n, v)
			}
		}
	}
}
