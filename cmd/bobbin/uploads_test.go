package main

import (
	"bytes"
	"io"
	"mime/multipart"
	nethttp "net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// send sends a body and returns the answer, without following a redirect.
func send(t *testing.T, method, url, body string, fields ...string) (*nethttp.Response, string) {
	t.Helper()
	r, err := nethttp.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	answer, err := nethttp.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// formWith returns a form with files, given as name and content, and its type.
func formWith(t *testing.T, files ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		part, err := w.CreateFormFile("files", files[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(part, files[i+1])
	}
	w.Close()
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

// namesIn returns what is in a folder, with hidden names.
func namesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		names = append(names, d.Name())
	}
	return names
}

// TestUploadsAddFiles has a program with two loops take files, and refuse what would change what
// others get.
func TestUploadsAddFiles(t *testing.T) {
	before := map[string][]byte{
		"index.html": []byte("start"), "there.txt": []byte("there"), "app.js": []byte("app"), "only.txt.gz": []byte("gz"),
		"drop/a.txt": []byte("a"), ".hidden/a.txt": []byte("a"), "users.txt": []byte("lee:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ=\n"),
		"log/x": nil, "_redirects": []byte("/from /to 301\n"), "page.html": []byte("page"),
	}
	dir := folder(t, before)
	if err := os.Symlink("drop", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--upload", "1m", "--loops", "2", "--netlify", "--redirect", "/ruled/* /login 302!", "--redirect", "/drop/forced /login 302!", "--readme", "--clean-urls", dir)
	forced, forcedType := formWith(t, "forced", "x")
	one, oneType := formWith(t, "form.txt", "from a form")
	two, twoType := formWith(t, "two.txt", "2", "three.txt", "3")
	clash, clashType := formWith(t, "four.txt", "4", "there.txt", "replaced")
	none, noneType := formWith(t)
	up, upType := formWith(t, "../../up.txt", "up")
	hidden, hiddenType := formWith(t, ".bashrc", "shell")
	for _, row := range []struct {
		name   string
		method string
		path   string
		fields []string
		body   string
		status int
		want   string
	}{
		{"a file is added", "PUT", "drop/new.txt", nil, "new", 201, "new.txt: 3 bytes"},
		{"also beside an index", "PUT", "new.txt", nil, "new", 201, "new.txt: 3 bytes"},
		{"an empty one, too", "PUT", "drop/empty", nil, "", 201, "empty: 0 bytes"},
		{"its name may have blanks and letters of any script", "PUT", "drop/%C3%BCber%20uns%3F.txt", nil, "ü", 201, "über uns?.txt: 2 bytes"},
		{"a form adds one", "POST", "drop/", []string{oneType}, one, 200, "form.txt: 11 bytes"},
		{"a form adds two", "POST", "drop/", []string{twoType}, two, 200, "two.txt: 1 bytes\nthree.txt: 1 bytes"},
		{"names of forms have no folders", "POST", "drop/", []string{upType}, up, 200, "up.txt: 2 bytes"},
		{"names of forms are not hidden", "POST", "drop/", []string{hiddenType}, hidden, 200, "bashrc: 5 bytes"},
		{"a browser without a script is sent to the folder", "POST", "drop/", []string{"Accept: text/html", twoType}, strings.NewReplacer("two.txt", "five.txt", "three.txt", "six.txt").Replace(two), 303, ""},
		{"a page of the site may", "PUT", "drop/own.txt", []string{"Origin: " + strings.TrimSuffix(p.url, "/"), "Sec-Fetch-Site: same-origin"}, "own", 201, ""},
		{"so may an old browser's", "PUT", "drop/old.txt", []string{"Origin: " + strings.TrimSuffix(p.url, "/")}, "old", 201, ""},

		{"a file is not replaced", "PUT", "there.txt", nil, "replaced", 409, "replace none"},
		{"nor by a form, which is taken whole or not at all", "POST", "", []string{clashType}, clash, 409, `"there.txt"`},
		{"nor is a folder", "PUT", "drop", nil, "x", 409, "replace none"},
		{"a folder has no content", "PUT", "drop/", nil, "x", 409, "write the name of the file"},
		{"a form is for a folder", "POST", "drop/a.txt", []string{oneType}, one, 409, "ends with a slash"},
		{"a form has a file", "POST", "drop/", []string{noneType}, none, 400, ""},
		{"a folder is not made", "PUT", "nowhere/a.txt", nil, "x", 404, "no such folder"},
		{"a hidden folder is none", "PUT", ".hidden/b.txt", nil, "x", 404, "no such folder"},
		{"a link is not followed", "PUT", "link/b.txt", nil, "x", 404, "or it is a link"},
		{"a file is no folder", "PUT", "there.txt/b.txt", nil, "x", 404, "no such folder"},
		{"dots lead nowhere", "PUT", "%2e%2e/%2e%2e/up.txt", nil, "x", 404, ""},
		{"a hidden name is refused", "PUT", "drop/.htaccess", nil, "x", 409, "begins with a dot"},
		{"also below .well-known", "PUT", ".well-known/acme", nil, "x", 404, ""},
		{"an index is refused", "PUT", "drop/index.html", nil, "x", 409, "sends of itself"},
		{"in letters of either case, for disks that are blind to it", "PUT", "drop/INDEX.html", nil, "x", 409, "sends of itself"},
		{"so is a page of errors", "PUT", "drop/404.html", nil, "x", 409, "sends of itself"},
		{"so is what configures the server", "PUT", "_headers", nil, "x", 409, "configures the server"},
		{"in letters of either case, too", "PUT", "_HEADERS", nil, "x", 409, "configures the server"},
		{"so is the path of a redirect", "PUT", "from", nil, "x", 409, "in place of a redirect"},
		{"so is that of one that goes before files", "POST", "drop/", []string{forcedType}, forced, 409, "in place of a redirect"},
		{"so is a README, which is shown", "PUT", "drop/ReadMe.md", nil, "x", 409, "shown with the folder"},
		{"so is a page with its clean path", "PUT", "page", nil, "x", 409, "in place of"},
		{"so is one with that of a folder", "PUT", "drop.html", nil, "x", 409, "in place of"},
		{"so is a name with a backslash", "PUT", "drop/a%5Cb", nil, "x", 409, "cannot have"},
		{"so is one with the end of a line", "PUT", "drop/a%0Ab", nil, "x", 409, "cannot have"},
		{"so is one that is no UTF-8", "PUT", "drop/%FF", nil, "x", 409, "cannot have"},
		{"so is one with a zero", "PUT", "drop/a%00b", nil, "x", 400, ""},
		{"so is one with a slash", "PUT", "drop/a%2Fb", nil, "x", 404, ""},
		{"so is one too long for the disk", "PUT", "drop/" + strings.Repeat("x", 256), nil, "x", 409, "too long"},
		{"a compressed copy of a file is refused", "PUT", "app.js.br", nil, "x", 409, "in place of"},
		{"in letters of either case, again", "PUT", "app.js.GZ", nil, "x", 409, "in place of"},
		{"so is a file that has one", "PUT", "only.txt", nil, "x", 409, "in place of"},
		{"a part of a file is refused", "PUT", "drop/part", []string{"Content-Range: bytes 0-0/3"}, "x", 400, "a part"},
		{"so is an encoded one", "PUT", "drop/coded", []string{"Content-Encoding: gzip"}, "x", 415, "as it is sent"},
		{"so is what has no room", "PUT", "drop/large", nil, strings.Repeat("x", 1<<20), 507, "no room"},
		{"a page of another site may not", "PUT", "drop/cross", []string{"Origin: https://example.com"}, "x", 403, "other sites"},
		{"nor one of a sister site", "PUT", "drop/cross", []string{"Sec-Fetch-Site: same-site"}, "x", 403, "other sites"},
		{"nor a page without an origin", "POST", "drop/", []string{"Origin: null", oneType}, one, 403, "other sites"},
		{"a rule goes before", "PUT", "ruled/a.txt", nil, "x", 302, ""},
		{"nothing is removed", "DELETE", "there.txt", nil, "", 405, ""},
		{"methods are told", "OPTIONS", "drop/", nil, "", 204, ""},
		{"the page is for a folder", "GET", "drop/?upload", nil, "", 200, "<h1>Upload to /drop/</h1>"},
		{"a listing links it", "GET", "drop/", nil, "", 200, `href="?upload"`},
		{"and shows what has come", "GET", "drop/", nil, "", 200, "new.txt"},
		{"which is served", "GET", "drop/new.txt", nil, "", 200, "new"},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer, body := send(t, row.method, p.url+row.path, row.body, row.fields...)
			if answer.StatusCode != row.status || !strings.Contains(body, row.want) {
				t.Errorf("got %d %q", answer.StatusCode, body)
			}
			switch {
			case row.status == 201 && answer.Header.Get("Location") == "":
				t.Error("the answer has no Location")
			case row.status < 300 && row.method != "GET" && row.method != "OPTIONS" && answer.Header.Get("X-Content-Type-Options") != "nosniff":
				t.Error("a browser may guess the type")
			case row.method == "OPTIONS" && answer.Header.Get("Allow") != "GET, HEAD, PUT, POST, OPTIONS":
				t.Errorf("Allow: %s", answer.Header.Get("Allow"))
			}
		})
	}
	want := []string{"a.txt", "bashrc", "empty", "five.txt", "form.txt", "new.txt", "old.txt", "own.txt", "six.txt", "three.txt", "two.txt", "up.txt", "über uns?.txt"}
	if got := namesIn(t, filepath.Join(dir, "drop")); !slices.Equal(got, want) {
		t.Errorf("the folder has %q", got)
	}
	if got := namesIn(t, dir); slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, ".upload") || name == "four.txt" }) {
		t.Errorf("the site has %q", got)
	}
	for name, content := range before {
		if is, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(is, content) {
			t.Errorf("%s was changed: %q, %v", name, is, err)
		}
	}
}

// TestUploadsStayBelowTheirQuota has many clients send at a time.
func TestUploadsStayBelowTheirQuota(t *testing.T) {
	dir := folder(t, map[string][]byte{"there": bytes.Repeat([]byte("x"), 100_000)})
	p := start(t, "", "--upload", "500000", dir)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			// Without a length the server cannot refuse at once.
			r, err := nethttp.NewRequest("PUT", p.url+"new"+string(rune('a'+i)), io.MultiReader(bytes.NewReader(make([]byte, 90_000))))
			if err != nil {
				t.Error(err)
				return
			}
			r.ContentLength = -1
			answer, err := nethttp.DefaultTransport.RoundTrip(r)
			if err != nil {
				return // refused while it was sent
			}
			answer.Body.Close()
			if s := answer.StatusCode; s != 201 && s != 507 && s != 503 {
				t.Errorf("the answer is %d", s)
			}
		})
	}
	all.Wait()
	fill := 0
	for range 8 { // what was refused is counted no more
		if answer, _ := send(t, "PUT", p.url+"more"+string(rune('a'+fill)), strings.Repeat("x", 50_000)); answer.StatusCode != 201 {
			break
		}
		fill++
	}
	total := int64(0)
	for _, name := range namesIn(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || strings.HasPrefix(name, ".") {
			t.Fatalf("%s is left: %v", name, err)
		}
		total += info.Size()
	}
	if total > 500_000 || total < 450_000 {
		t.Errorf("the folder has %d bytes of 500000", total)
	}
}

// TestEmptyFilesHaveTheirQuota, too: each takes something of the disk.
func TestEmptyFilesHaveTheirQuota(t *testing.T) {
	dir := folder(t, map[string][]byte{"there": nil})
	nameless, namelessType := formWith(t, "", strings.Repeat("x", 10_000))
	p := start(t, "", "--upload", "20k", dir)
	for range 3 { // a file without a name is not kept, and counts no more then
		if answer, body := send(t, "POST", p.url, nameless, namelessType); answer.StatusCode != 400 {
			t.Errorf("a form without a name: %d, %s", answer.StatusCode, body)
		}
	}
	for i, want := range []int{201, 201, 201, 201, 507, 507} {
		if answer, body := send(t, "PUT", p.url+string(rune('a'+i)), ""); answer.StatusCode != want {
			t.Errorf("file %d: %d, %s", i, answer.StatusCode, body)
		}
	}
	two, twoType := formWith(t, "x", "", "y", "")
	if answer, _ := send(t, "POST", p.url, two, twoType); answer.StatusCode != 507 {
		t.Errorf("a form: %d", answer.StatusCode)
	}
	if names := namesIn(t, dir); !slices.Equal(names, []string{"a", "b", "c", "d", "there"}) {
		t.Errorf("the folder has %q", names)
	}
}

// TestUploadsNeedAFolderAndANumber shows what an operator reads.
func TestUploadsNeedAFolderAndANumber(t *testing.T) {
	dir := folder(t, map[string][]byte{"page.html": []byte("x")})
	for _, row := range []struct{ args, want string }{
		{"--upload=1m " + dir + "/page.html", "--upload needs a folder"},
		{"--upload=much " + dir, `"much" is not a number`},
		{"--upload=0 " + dir, "not a number above 0"},
		{"--upload " + dir, "is not a number above 0"},
		{"--upload=1m --spa=page.html " + dir, "--upload and --spa contradict each other"},
		{"--readme " + dir + "/page.html", "--readme needs a folder"},
		{"--readme --listing=off " + dir, "--readme needs listings"},
		{"--compress=" + dir, "unknown coding"},
		{"--compress=quick", "unknown coding"},
		{"--listing=maybe", `unknown value "maybe"`},
	} {
		if code, _, text := try(strings.Fields(row.args), "", nil); code != exitUsage || !strings.Contains(text, row.want) {
			t.Errorf("%s: %d, %s", row.args, code, text)
		}
	}
}

// TestBrowserUploads chooses files on the page, one of which is refused.
func TestBrowserUploads(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"drop/there.txt": []byte("there")})
	p := start(t, "", "--upload", "10m", dir)
	tab := openTab(t)
	tab.open(p.url + "drop/")
	tab.eval(`document.querySelector("a[href='?upload']").click()`, nil)
	tab.until("the page is there", `document.title === "Upload to /drop/"`)
	tab.eval(`(() => {
		const chosen = new DataTransfer();
		chosen.items.add(new File(["x".repeat(3 << 20)], "große Datei #1?.txt"));
		chosen.items.add(new File(["replaced"], "there.txt"));
		chosen.items.add(new File(["last"], "<b>last.txt"));
		document.getElementById("files").files = chosen.files;
		document.querySelector("button").click();
	})()`, nil)
	tab.until("all files have their answers", `document.querySelectorAll("li").length === 3 && !document.querySelector("progress") && !document.querySelector("button").disabled`)
	for i, want := range []string{"große Datei #1?.txt 3.1 MB, uploaded", `there.txt Not uploaded: 409 Conflict: there is a file "there.txt", and uploads replace none`, "<b>last.txt 4 B, uploaded"} {
		if got := strings.Join(strings.Fields(tab.text("document.querySelectorAll('li')["+string(rune('0'+i))+"].innerText")), " "); got != want {
			t.Errorf("the page says %q, want %q", got, want)
		}
	}
	tab.eval(`document.querySelector("a[href='./']").click()`, nil)
	tab.until("the listing shows what came", `document.title === "/drop/" && document.body.innerText.includes("<b>last.txt")`)
	if got := namesIn(t, filepath.Join(dir, "drop")); !slices.Equal(got, []string{"<b>last.txt", "große Datei #1?.txt", "there.txt"}) {
		t.Errorf("the folder has %q", got)
	}
	for _, text := range tab.complaints() {
		if !strings.Contains(text, "409") {
			t.Errorf("the browser complains: %s", text)
		}
	}
}

// TestUploadsAreWarnedOf where they cannot work as a reader thinks.
func TestUploadsAreWarnedOf(t *testing.T) {
	dir := folder(t, map[string][]byte{"a": make([]byte, 9000), "drop/b": nil})
	config := filepath.Join(t.TempDir(), "bobbin.toml")
	text := "path = '" + dir + "'\nupload = '1m'\n[[site]]\nat = '/x'\npath = '" + dir + "/drop'\nupload = '1m'\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--upload", "10k", dir}, "nothing can be uploaded"},
		{[]string{"--config", config}, "both take uploads"},
		{[]string{"--public", "--upload", "1m", dir}, "lets everyone who reaches the server add files"},
		{[]string{"--upload", "1m", dir}, ""},
	} {
		_, o := prepared(t, row.args...)
		all := strings.Join(o.warnings, "\n")
		if !strings.Contains(all, row.want) || row.want == "" && all != "" {
			t.Errorf("%v: %s", row.args, all)
		}
	}
}

// TestUploadsRespectTheTables: a folder with a password takes none by another way, and a table has
// its own quota or none.
func TestUploadsRespectTheTables(t *testing.T) {
	dir := folder(t, map[string][]byte{"www/members/a": []byte("a"), "docs/a": []byte("a"), "users.txt": []byte("lee:$2a$10$y6HbSqXqojtNB.uR8S0vIuRpYtmF3.orBlO/7bJMJhJd.3BN9jMyu\n")})
	config := filepath.Join(t.TempDir(), "bobbin.toml")
	text := "path = '" + dir + "/www'\nupload = '1m'\n" +
		"[[site]]\nhost = 'members.example.com'\npath = '" + dir + "/www/members'\nauth = '" + dir + "/users.txt'\nupload = '1m'\n" +
		"[[site]]\nat = '/docs'\npath = '" + dir + "/docs'\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--config", config)
	for _, row := range []struct {
		name, path string
		fields     []string
		status     int
	}{
		{"the settings above the tables take files", "x", nil, 201},
		{"not into a folder with a password", "members/x", nil, 404},
		{"which is closed under its name, too", "x", []string{"Host: members.example.com"}, 401},
		{"but for those who know it", "x", []string{"Host: members.example.com", "Authorization: Basic bGVlOnBhc3M="}, 201},
		{"uploads are not inherited", "docs/x", nil, 405},
	} {
		if answer, body := send(t, "PUT", p.url+row.path, "x", row.fields...); answer.StatusCode != row.status {
			t.Errorf("%s: %d, %s", row.name, answer.StatusCode, body)
		}
	}
	if names := namesIn(t, filepath.Join(dir, "www/members")); !slices.Equal(names, []string{"a", "x"}) {
		t.Errorf("members have %q", names)
	}
}
