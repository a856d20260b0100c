package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestWhatConfiguresTheProgramIsNeverServed: everything that it was told by lies in the
// folder, and links to it.
func TestWhatConfiguresTheProgramIsNeverServed(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"site/open.txt":     []byte("open"),
		"site/_headers":     []byte("/*\n  X-A: b\n"),
		"site/_redirects":   []byte("/a /b\n"),
		"site/sub/_headers": []byte("no configuration here"),
		"site/.users":       []byte("a:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"),
	})
	at := func(name string) string { return filepath.Join(dir, "site", name) }
	made, _ := pair(t, at("tls"))
	config := "path = '" + at("") + "'\nnetlify = true\ndotfiles = true\nlisting = 'on'\nsymlinks = 'all'\nauth = '" + at(".users") + "'\nlog = 'common=" + at("access.log") +
		"'\ntls-cert = ['" + made.Pair.Cert + "']\ntls-key = ['" + made.Pair.Key + "']\n"
	if err := os.WriteFile(at("bobbin.toml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bobbin.toml.gz", "_headers.br", ".users.zst"} { // as a build leaves them
		if err := os.WriteFile(at(name), []byte("packed"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	private := []string{"_headers", "_redirects", ".users", "bobbin.toml", "access.log", "tls/" + filepath.Base(made.Pair.Cert), "tls/" + filepath.Base(made.Pair.Key)}
	f, _ := prepared(t, "-c", at("bobbin.toml"))
	var links []string
	for i, name := range private {
		soft, hard := "soft"+string(rune('0'+i)), "hard"+string(rune('0'+i))
		if err := os.Symlink(at(name), at(soft)); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(at(name), at(hard)); err != nil {
			t.Skipf("no hard links here: %v", err)
		}
		links = append(links, soft, hard)
	}
	httptest.Run(t, httptest.Config{Handler: f.loops[0].files.Serve}, func(c *httptest.Client) {
		for _, name := range append(append(private, "bobbin.toml.gz", "_headers.br", ".users.zst"), links...) {
			if a := c.Get("/" + name); a.Status != 404 {
				t.Errorf("%s: %v", name, a)
			}
		}
		for _, name := range []string{"open.txt", "sub/_headers"} {
			if a := c.Get("/" + name); a.Status != 200 {
				t.Errorf("%s: %v", name, a)
			}
		}
		list := c.Get("/")
		for _, name := range append(private[:5], links...) {
			if strings.Contains(list.Body, name) {
				t.Errorf("%s is listed", name)
			}
		}
		if !strings.Contains(list.Body, "open.txt") || list.Status != 200 {
			t.Errorf("the list is %v", list)
		}
	})
}

// TestTheAuthoritysKeyIsNeverServed has the home folder served, with what bobbin cert has
// written below it.
func TestTheAuthoritysKeyIsNeverServed(t *testing.T) {
	home := folder(t, map[string][]byte{"open.txt": []byte("open"), "certs/README": []byte("open")})
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	if code, _, complaint := try([]string{"cert"}, "", nil); code != exitOK {
		t.Fatal(complaint)
	}
	made, _ := pair(t, filepath.Join(home, "certs"))
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	config = strings.TrimPrefix(filepath.Join(config, "bobbin"), home)
	if files, err := os.ReadDir(filepath.Join(home, config)); err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	s, _ := prepared(t, "--dotfiles", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key, home)
	httptest.Run(t, httptest.Config{Handler: s.loops[0].files.Serve}, func(c *httptest.Client) {
		for path, want := range map[string]int{
			"/open.txt": 200, "/certs/README": 200, "/certs/ca.pem": 200,
			"/certs/ca-key.pem": 404, config + "/": 404, config + "/ca-key.pem": 404, config + "/localhost-key.pem": 404,
		} {
			if a := c.Get(path); a.Status != want {
				t.Errorf("%s: %v, want %d", path, a, want)
			}
		}
	})
}

func TestItsOutputIsNotServedIfItIsAFileInTheFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"open.txt": []byte("open")})
	p := start(t, "exec >"+filepath.Join(dir, "out.log"), "--log", "common", dir)
	for path, want := range map[string]string{"/open.txt": "200", "/out.log": "404"} {
		if answer := p.visit("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %q", path, answer)
		}
	}
}

func TestAPasswordThatWouldNotBeAskedForIsRefused(t *testing.T) {
	dir := folder(t, map[string][]byte{"_headers": []byte("/*\n  X-A: b\n/private/*\n  basic-auth: user:password\n")})
	code, _, complaint := try([]string{"--netlify", dir}, "", nil)
	for _, want := range []string{filepath.Join(dir, "_headers") + ":4: ", "Basic-Auth", "--auth"} {
		if code != exitUsage || !strings.Contains(complaint, want) || strings.Contains(complaint, "user:password") {
			t.Errorf("%d, %q, want %q", code, complaint, want)
		}
	}
	if code, _, complaint := try([]string{"-H", "Basic-Auth: user:password", dir}, "", nil); code != exitUsage || !strings.Contains(complaint, "--auth") {
		t.Errorf("%d, %q", code, complaint)
	}
}
