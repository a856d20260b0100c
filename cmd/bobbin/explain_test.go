package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnAnswerIsExplained has a URL, what is typed behind it, and what is said.
func TestAnAnswerIsExplained(t *testing.T) {
	files := map[string][]byte{}
	for name, text := range ofParts {
		files[name] = []byte(text)
	}
	dir := folder(t, files)
	config := filepath.Join(dir, "bobbin.toml")
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(ofParts["bobbin.toml"], "DIR", dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(dir, "main")
	for _, row := range []struct {
		name string
		args []string
		want []string
	}{
		{"a file of the folder", []string{"/a.txt", main}, []string{"GET http://localhost/a.txt\n  site    " + main + "\n  answer  200 OK, 9 bytes\n", "  Content-Type: text/plain; charset=utf-8\n", "  ETag: "}},
		{"the default site", []string{"/"}, []string{"  site    the default site\n  answer  200 OK, "}},
		{"a site of the file, by its name", []string{"blog.example/a.txt", "-c", config}, []string{"GET http://blog.example/a.txt\n  site    " + dir + "/blog: [[site]] of " + config + ":", "\n  rule    cache Cache-Control: max-age=3600\n  rule    header X-A: blog\n  answer  200 OK, 9 bytes\n"}},
		{"a site of the file, by its path", []string{"/docs/deep/", "-c", config}, []string{" at /docs/deep: [[site]] of "}},
		{"a redirect with precedence", []string{"http://moved.example/b", "-c", config}, []string{"  rule    redirect /* https://blog.example/:splat 301!\n", "  answer  301 Moved Permanently", "  Location: https://blog.example/b\n"}},
		{"a redirect of what is not there", []string{"/gone", "-c", config}, []string{"  rule    redirect /gone /a.txt (if there is no such file)\n", "  answer  301"}},
		{"a password", []string{"/members/a.txt", "-c", config}, []string{"  rule    auth " + dir + "/users\n", "  answer  401 Unauthorized", "  WWW-Authenticate: Basic"}},
		{"a link to what has a password", []string{"/members2", "-c", config, "--redirect", "/members2 /members/a.txt 200"}, []string{"  rule    " + dir + "/main/members is served by its own site alone, also where links and redirects lead to it\n", "  answer  404"}},
		{"an address with a port", []string{"http://[::1]:80/a.txt", main}, []string{"GET http://[::1]:80/a.txt\n", "  answer  200 OK"}},
		{"an address that is refused", []string{"closed.example", "-c", config}, []string{"  answer  403 Forbidden"}},
		{"a name that is not answered", []string{"other.example/", main}, []string{"  answer  421 Misdirected Request", "  because this server listens on this machine only and does not answer to the name other.example"}},
		{"a pattern", []string{"/a.txt", "-H", "*.txt: X-B: c", "--cache", "/b=1y", "--cache", "/a*=1h", main}, []string{"  rule    cache /a*: Cache-Control: max-age=3600\n  rule    header *.txt: X-B: c\n"}},
		{"a blank and a query", []string{"/a b?c=d#e", main}, []string{"GET http://localhost/a%20b?c=d\n", "  answer  404 Not Found"}},
		{"HTTPS, where it is on", []string{"/a.txt", "--tls", "self", main}, []string{"GET https://localhost/a.txt\n", "  answer  200 OK"}},
		{"plain HTTP beside it", []string{"http://localhost/a.txt", "--tls", "self", main}, []string{"  answer  308 Permanent Redirect", "Location: https://localhost/a.txt"}},
		{"a site that is worked on", []string{"/", "--maintenance", main}, []string{"  rule    maintenance is on\n", "  answer  503 Service Unavailable", "  because this site is being worked on"}},
	} {
		code, out, complaint := try(append([]string{"explain"}, row.args...), "", nil)
		if code != exitOK || complaint != "" {
			t.Errorf("%s: %d, %s", row.name, code, complaint)
		}
		for _, want := range row.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: there is no %q in\n%s", row.name, want, out)
			}
		}
	}
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"no URL", nil, "usage: bobbin explain URL"},
		{"a flag in its place", []string{"-c", config}, "URL comes first"},
		{"no URL of a site", []string{"a b", main}, `"a b" is no URL of a site`},
		{"an empty one", []string{"", main}, `"" is no URL of a site`},
		{"a method before it", []string{"POST", "/"}, "a path begins with a slash, as in /docs/"},
		{"a name in the folder", []string{"members/a.txt", main}, "a path begins with a slash"},
		{"another protocol", []string{"ftp://localhost/", main}, "is no URL of a site"},
		{"a password", []string{"http://a:b@localhost/", main}, "is no URL of a site"},
		{"no name", []string{"http://", main}, `"http://" is no URL of a site`},
		{"HTTPS that is not on", []string{"https://localhost/", main}, "the site is not served over HTTPS"},
		{"settings that are wrong", []string{"/", "--listing", "yes", main}, "choose one of"},
		{"a folder that is not there", []string{"/", filepath.Join(dir, "none")}, "no such folder or file"},
	} {
		code, out, complaint := try(append([]string{"explain"}, row.args...), "", nil)
		if code != exitUsage || out != "" || !strings.Contains(complaint, row.want) || strings.Count(complaint, "\n") != 1 {
			t.Errorf("%s: %d, %q, %q", row.name, code, out, complaint)
		}
	}
}
