package static

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWhatConfiguresTheServerIsNeverServed: not by its name, nor by that of a link.
func TestWhatConfiguresTheServerIsNeverServed(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "key.pem"), secret)
	root := tree(t, map[string]string{
		"index.html": "start", "open.txt": "open", "sub/open.txt": "open", "users.txt.gz": secret, "sub/log.txt.br": secret,
		"keys/deep/c.pem": secret, "users.txt": secret, ".hidden/users": secret, "sub/log.txt": secret, "keys/a.pem": secret, "keys/b.pem": secret, "keys/index.html": secret,
	})
	at := func(name string) string { return filepath.Join(root, filepath.FromSlash(name)) }
	for link, to := range map[string]string{
		"soft.txt": "users.txt", "sub/soft.txt": "../users.txt", "404.html": "users.txt", "soft": "keys", "page.html": "users.txt",
		"KEYS": "keys", "deeper": "keys/deep", "sub/soft.pem": "../keys/deep/c.pem", // as a disk blind to case has them, and deeper
		"far.pem": filepath.Join(outside, "key.pem"),
	} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"hard.txt": at("users.txt"), "sub/hard.txt": at("sub/log.txt"), "hard.pem": filepath.Join(outside, "key.pem"), "open.txt.gz": at("keys/a.pem"), "sub/index.html": at("users.txt"),
		"USERS.txt": at("users.txt"), "sub/deep.pem": at("keys/deep/c.pem"),
	} {
		if err := os.Link(to, at(link)); err != nil {
			t.Skipf("no hard links here: %v", err)
		}
	}
	files := open(t, root, Options{
		Private:  []string{at("users.txt"), at(".hidden/users"), at("sub/../sub/log.txt"), at("keys"), filepath.Join(outside, "key.pem"), at("later.txt"), at("nowhere/at/all")},
		Dotfiles: true, Listing: true, CleanURLs: true, Symlinks: AllLinks, Fallback: "soft.txt",
	})
	visit(t, files, func(v *visitor) {
		for path, want := range map[string]int{
			"/": 200, "/open.txt": 200, "/sub/open.txt": 200, "/users.txt.gz": 404, "/sub/log.txt.br": 404,
			"/KEYS/a.pem": 404, "/KEYS/": 404, "/KEYS/deep/c.pem": 404, "/keys/deep/": 404, "/keys/deep/c.pem": 404, "/deeper/": 404, "/deeper/c.pem": 404, "/deeper": 404,
			"/sub/soft.pem": 404, "/sub/deep.pem": 404, "/USERS.txt": 404,
			"/users.txt": 404, "/.hidden/users": 404, "/sub/log.txt": 404, "/keys": 404, "/keys/": 404, "/keys/a.pem": 404, "/keys/new.pem": 404,
			"/soft.txt": 404, "/sub/soft.txt": 404, "/404.html": 404, "/soft": 404, "/soft/": 404, "/soft/b.pem": 404, "/page": 404, "/far.pem": 404,
			"/hard.txt": 404, "/sub/hard.txt": 404, "/hard.pem": 404, "/open.txt.gz": 404, "/sub/index.html": 404,
			"/x/../users.txt": 404, "/%75sers.txt": 404, "/keys%2fa.pem": 404, "/later.txt": 404, "/nothing": 404,
		} {
			for range 2 {
				got := v.ask("GET "+path, "Accept: text/html", "Accept-Encoding: gzip")
				if got.status != want || strings.Contains(got.body, secret) {
					t.Errorf("%s: %v, want %d", path, got, want)
				}
			}
		}
		for _, query := range []string{"", "?sort=name", "?sort=size", "?sort=date&order=desc"} {
			for _, accept := range []string{"text/html", "application/json"} {
				got := v.ask("GET /sub/"+query, "Accept: "+accept)
				if got.status != 200 || !strings.Contains(got.body, "open.txt") {
					t.Errorf("%s as %s: %v", query, accept, got)
				}
				for _, name := range []string{"log.txt", "soft.txt", "hard.txt", "index.html", "log.txt.br", "soft.pem", "deep.pem"} {
					if strings.Contains(got.body, name) {
						t.Errorf("%s as %s shows %s: %v", query, accept, name, got)
					}
				}
			}
		}
		// One that comes later, or takes another's place, is private at once.
		write(t, at("later.txt"), secret)
		write(t, at("new.txt"), secret)
		if err := os.Rename(at("new.txt"), at("users.txt")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/later.txt", "/users.txt", "/soft.txt"} {
			if got := v.ask("GET " + path); got.status != 404 || strings.Contains(got.body, secret) {
				t.Errorf("%s: %v", path, got)
			}
		}
	})
	for _, path := range []string{"users.txt", "soft.txt", "keys"} {
		if _, err := Open(at(path), Options{Private: []string{at("users.txt"), at("keys")}}); err == nil || !strings.Contains(err.Error(), "never served") {
			t.Errorf("%s itself is served: %v", path, err)
		}
	}
}

// TestPrivateFoldersAreWalkedOnceASecond has a file come into a private folder after a look.
func TestPrivateFoldersAreWalkedOnceASecond(t *testing.T) {
	first := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name  string
		first time.Time
		then  time.Time
		known bool
	}{
		{"a look within the second takes what was found", first, first.Add(walksFor - 1), false},
		{"a look after the second walks", first, first.Add(walksFor), true},
		{"a look after the clock was set back walks", first, first.Add(-1), true},
		{"a look without a time leaves nothing for the next", time.Time{}, first, true},
		{"two looks without a time walk both", time.Time{}, time.Time{}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := tree(t, map[string]string{"keys/old.pem": secret})
			p := newPrivacy(root, []string{filepath.Join(root, "keys")})
			have := func(name string, asked time.Time) bool {
				info, err := os.Stat(filepath.Join(root, "keys", name))
				if err != nil {
					t.Fatal(err)
				}
				return p.now(asked).have(info)
			}
			if !have("old.pem", row.first) {
				t.Fatal("a file in a private folder is not known")
			}
			write(t, filepath.Join(root, "keys", "new.pem"), secret)
			if have("new.pem", row.then) != row.known {
				t.Errorf("the new file is known: %v", !row.known)
			}
		})
	}
}
