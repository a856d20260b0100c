package static

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A listing links files by their names, which are any bytes but NUL and a slash.

// nastyNames are names that break a link, a page or JSON that is made without care, and why.
var nastyNames = []struct{ name, why string }{
	{"a\ttab.txt", "tab"},
	{"\tfirst", "tab first"},
	{"a\nline.txt", "line feed"},
	{"a\r\nLocation: x", "the end of a field"},
	{"\x01\x1b[31m\x7f", "controls of a terminal"},
	{`back\slash`, "backslash"},
	{`..\up`, "backslash behind dots"},
	{`"double" 'single'`, "quotes"},
	{"`tick`", "backquotes"},
	{"100%.txt", "percent"},
	{"%41", "an escape that is none"},
	{"%2e%2e", "escaped dots that are none"},
	{"a%2fb", "an escaped slash that is none"},
	{"#hash", "hash"},
	{"?query=1&b", "question mark"},
	{"a;b=c,d", "semicolon and comma"},
	{"a+b c", "plus and space"},
	{" blank ", "spaces around"},
	{"two  spaces", "two spaces"},
	{"trailing.", "trailing dot"},
	{"trailing...", "trailing dots"},
	{".well-known", "the one name with a dot that is served"},
	{"a:b", "colon"},
	{"javascript:alert(1)", "a scheme"},
	{"C:\\x", "a drive"},
	{"<b>bold</b>&amp;<!--", "markup"},
	{"</script><script>alert(1)</script>", "script"},
	{"{title}{rows}{script}", "the template's own braces"},
	{"name\u202efdp.exe", "right-to-left override"},
	{"\u2066isolate", "isolate that is not ended"},
	{"zero\u200bwidth", "zero width space"},
	{"line\u2028separator", "line separator"},
	{"תמונה 12.jpg", "Hebrew"},
	{"عکس\u200cها.png", "Persian with a non-joiner"},
	{"👩‍💻.txt", "emoji with a joiner"},
	{"latin-\xe9t\xe9.txt", "no UTF-8"},
	{"\xff\xfe", "nothing but bytes that are no UTF-8"},
	{"surrogate\xed\xa0\x80", "a surrogate"},
	{"overlong\xc0\xaf..", "overlong UTF-8"},
	{"cut\xe2\x82", "UTF-8 that is cut"},
	{strings.Repeat("long ", 51), "255 bytes with a space last"},
	{strings.Repeat("é", 127), "254 bytes of two each"},
	{strings.Repeat("x", 255), "255 bytes without a break"},
	{"...", "three dots"},
	{".hidden", "hidden"},
	{"..two dots", "hidden, too"},
}

// TestEveryLinkOfAListingIsServed makes files and folders of nasty names, walks through
// the page and the JSON of each folder, and requests every link.
func TestEveryLinkOfAListingIsServed(t *testing.T) {
	for _, dotfiles := range []bool{false, true} {
		root := tree(t, nil)
		served := make(map[string]string) // the content of each file that is to be reached, and its path
		for i, row := range nastyNames {
			folder := fmt.Sprintf("folder %d", i)
			for _, path := range []string{"files/" + row.name, "folders/" + row.name + "/" + row.name, folder + "/" + row.name} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(root, path), path)
				if dotfiles || row.name[0] != '.' || row.name == ".well-known" {
					served[path] = row.why
				}
			}
		}
		visit(t, open(t, root, Options{Listing: true, Dotfiles: dotfiles}), func(v *visitor) {
			for _, crawl := range []func(v *visitor, at string) []string{crawlHTML, crawlJSON} {
				missing := make(map[string]string)
				for path, why := range served {
					missing[path] = why
				}
				todo, seen := []string{"/"}, map[string]bool{}
				for len(todo) > 0 {
					at := todo[0]
					todo = todo[1:]
					if seen[at] {
						continue
					}
					seen[at] = true
					got := v.ask("GET "+at, "Connection: keep-alive")
					if got.status != 200 {
						t.Errorf("%s is linked: %v", at, got)
					}
					if strings.HasSuffix(at, "/") {
						todo = append(todo, crawl(v, at)...)
					} else if delete(missing, got.body); served[got.body] == "" {
						t.Errorf("%s is linked, and is %q", at, got.body)
					}
				}
				for path, why := range missing {
					t.Errorf("%s: no link leads to %q", why, path)
				}
			}
		})
	}
}

// crawlHTML returns the absolute links in the rows of a page.
func crawlHTML(v *visitor, at string) (links []string) {
	page := v.ask("GET "+at, "Accept: text/html").body
	if !utf8.ValidString(page) {
		v.t.Errorf("%s: the page is no UTF-8", at)
	}
	_, rows, _ := strings.Cut(page, "<tbody>")
	rows, _, _ = strings.Cut(rows, "</tbody>")
	for _, m := range regexp.MustCompile(`(?s)<a href="([^"]*)">(.*?)</a>`).FindAllStringSubmatch(rows, -1) {
		if m[1] == "../" {
			continue
		}
		if !strings.HasPrefix(m[2], "<bdi>") || strings.ContainsFunc(m[2], isInvisible) {
			v.t.Errorf("%s: the name %q is not isolated and visible", at, m[2])
		}
		links = append(links, resolve(v, at, strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(m[1])))
	}
	return links
}

// crawlJSON returns the absolute links in the JSON of a folder.
func crawlJSON(v *visitor, at string) (links []string) {
	list := v.ask("GET "+at, "Accept: application/json").body
	if !utf8.ValidString(list) {
		v.t.Errorf("%s: the JSON is no UTF-8", at)
	}
	var entries []struct{ Name, URL, Type string }
	if err := json.Unmarshal([]byte(list), &entries); err != nil {
		v.t.Fatalf("%s: %v", at, err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.URL, "/") != (e.Type == "directory") {
			v.t.Errorf("%s: %+v", at, e)
		}
		links = append(links, resolve(v, at, e.URL))
	}
	return links
}

// resolve makes a reference absolute, as a client does.
func resolve(v *visitor, at, reference string) string {
	base, err := url.Parse("http://a" + at)
	if err != nil {
		v.t.Fatal(err)
	}
	link, err := base.Parse(reference)
	if err != nil || link.Host != "a" || link.RawQuery != "" || link.Fragment != "" {
		v.t.Fatalf("%s: the link %q leads to %v, %v", at, reference, link, err)
	}
	return link.EscapedPath()
}

func TestANameIsShownWithEscapes(t *testing.T) {
	for _, row := range []struct{ name, in, want string }{
		{"letters are themselves", "ü 漢字.txt", "<bdi>ü 漢字.txt</bdi>"},
		{"markup is text", `<a>&"'`, "<bdi>&lt;a&gt;&amp;&#34;&#39;</bdi>"},
		{"a tab and a line's end are marked", "a\tb\nc", `<bdi>a<i>\t</i>b<i>\n</i>c</bdi>`},
		{"a written escape is not", `a\tb`, `<bdi>a\tb</bdi>`},
		{"an override is seen, and overrides nothing", "a\u202eb", `<bdi>a<i>\u202e</i>b</bdi>`},
		{"bytes that are no UTF-8 are told apart", "a\xe9\xe8", `<bdi>a<i>\xe9</i><i>\xe8</i></bdi>`},
		{"the character for unknown bytes is itself", "a\ufffd", "<bdi>a\ufffd</bdi>"},
		{"a joiner stays, as emoji need it", "👩‍💻", "<bdi>👩‍💻</bdi>"},
		{"an emoji of next year is not invisible", "\U0001fae9", "<bdi>\U0001fae9</bdi>"},
	} {
		if got := isolated(row.in); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	if got := readable("a\u202e<b>\xff"); got != `a\u202e<b>\xff` {
		t.Errorf("in a title: %s", got)
	}
}

// FuzzShownName checks any name: what is shown is UTF-8 without markup, invisible characters
// and a change of direction, and the reference leads back to the name.
func FuzzShownName(f *testing.F) {
	for _, row := range nastyNames {
		f.Add(row.name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		shown := strings.NewReplacer("<bdi>", "", "</bdi>", "", "<i>", "", "</i>", "").Replace(isolated(name))
		if !utf8.ValidString(shown) || strings.ContainsAny(shown, "<>\"'") || strings.ContainsFunc(shown, isInvisible) {
			t.Errorf("%q is shown as %q", name, shown)
		}
		if strings.ContainsAny(name, "/\x00") || name == "" || name == "." || name == ".." {
			return
		}
		base, _ := url.Parse("http://a/folder/")
		link, err := base.Parse((&listEntry{name: name}).reference())
		if err != nil || link.Path != "/folder/"+name {
			t.Errorf("%q is linked as %v, %v", name, link, err)
		}
	})
}

// TestAPageWithoutAnyNameThatIsServedLeadsOn: the names of the first page are links to a
// private file, which is known when a page is chosen, and not before.
func TestAPageWithoutAnyNameThatIsServedLeadsOn(t *testing.T) {
	root := tree(t, map[string]string{"z1.txt": "", "z2.txt": "", "few/b.txt": "", "few/z.txt": ""})
	private := filepath.Join(t.TempDir(), "key.pem")
	write(t, private, "private")
	links := []string{"few/a.txt"}
	for i := range listPage {
		links = append(links, fmt.Sprintf("a%d.txt", i))
	}
	for _, name := range links {
		if err := os.Link(private, filepath.Join(root, name)); err != nil {
			t.Skip(err) // another file system
		}
	}
	files := open(t, root, Options{Listing: true, Private: []string{private}})
	visit(t, files, func(v *visitor) {
		if got := v.ask("GET /few/").body; !strings.Contains(got, "<p>0 folders, 2 files</p>") {
			t.Errorf("a name that is not shown is counted: %s", got)
		}
		first := v.ask("GET /")
		if got := linked(first.body); !slices.Equal(got, []string{"few/"}) || !strings.Contains(first.header.Get("Link"), `rel="next"`) {
			t.Errorf("the first page: %q, %s", got, first.header.Get("Link"))
		}
		_, link, _ := strings.Cut(first.header.Get("Link"), "<")
		link, _, _ = strings.Cut(link, ">")
		next := v.ask("GET /" + link)
		if got := linked(next.body); !slices.Equal(got, []string{"z1.txt", "z2.txt"}) {
			t.Errorf("the next page: %q", got)
		}
		if strings.Contains(next.header.Get("Link"), `rel="next"`) || !strings.Contains(next.header.Get("Link"), `rel="prev"`) {
			t.Errorf("the next page: %v", next)
		}
	})
}

// TestTheListingAllowsWhatItUses, and nothing else.
func TestTheListingAllowsWhatItUses(t *testing.T) {
	visit(t, open(t, tree(t, map[string]string{"a.txt": ""}), Options{Listing: true}), func(v *visitor) {
		a := v.ask("GET /")
		policy := strings.Split(a.header.Get("Content-Security-Policy"), "; ")
		for element, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
			inside := regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(a.body, -1)
			if len(inside) != 1 || !slices.Contains(policy, directive+" 'sha256-"+digest(inside[0][1])+"'") {
				t.Errorf("%d elements %s, and the policy %q", len(inside), element, policy)
			}
		}
		if !slices.Contains(policy, "default-src 'none'") || !slices.Contains(policy, "img-src data:") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "url(\"http") {
			t.Errorf("the policy is %q", policy)
		}
	})
}

// TestAListingHasNoNameThatCannotBeRead: their links would be refused.
func TestAListingHasNoNameThatCannotBeRead(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read every file")
	}
	root := tree(t, map[string]string{"open.txt": "", "closed.txt": "", "owner.txt": "", "sub/a.txt": "", "shut/a.txt": ""})
	for name, mode := range map[string]os.FileMode{"closed.txt": 0, "shut": 0o311, "owner.txt": 0o600} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "shut"), 0o755) })
	visit(t, open(t, root, Options{Listing: true}), func(v *visitor) {
		want := []string{"/sub/", "/open.txt", "/owner.txt"}
		for _, query := range []string{"", "?sort=size", "?sort=date"} {
			got := crawlHTML(v, "/"+query)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q", query, got)
			}
		}
		if got := v.ask("GET /").body; !strings.Contains(got, "1 folder, 2 files") {
			t.Errorf("they are counted: %s", got)
		}
	})
}
