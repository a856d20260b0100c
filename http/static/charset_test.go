package static

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/net/html/charset"
)

// utf16Of returns s in UTF-16, in one of both orders.
func utf16Of(s string, order string) string {
	var p []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if order == "le" {
			p = append(p, byte(u), byte(u>>8))
		} else {
			p = append(p, byte(u>>8), byte(u))
		}
	}
	return string(p)
}

func TestCharset(t *testing.T) {
	const (
		html = "text/html; charset=utf-8"
		text = "text/plain; charset=utf-8"
		css  = "text/css; charset=utf-8"
		json = "application/json; charset=utf-8"
		cafe = "caf\xe9" // in ISO-8859-1
	)
	long := strings.Repeat("<p>x</p>\n", 2000)
	cut := strings.Repeat("a", headSize-1) + "\xc3"
	tests := []struct {
		name string
		typ  string
		head string
		want string
	}{
		{"a page that declares UTF-8 has the parameter", html, "<meta charset=utf-8>" + cafe, html},
		{"a page that declares another charset has none", html, `<html><head><meta charset="iso-8859-1">` + cafe, "text/html"},
		{"even if it is ASCII, which may be ISO-2022-JP", html, `<meta charset="iso-2022-jp">`, "text/html"},
		{"the older form declares, too", html, `<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=ISO-8859-1">`, "text/html"},
		{"an XML declaration counts if nothing else does", html, `<?xml version="1.0" encoding="ISO-8859-15"?><html>`, "text/html"},
		{"a meta element comes before it", html, `<?xml version="1.0" encoding="ISO-8859-15"?><meta charset=utf8>`, html},
		{"a page without declaration is UTF-8 if it can be", html, "<p>caf\xc3\xa9", html},
		{"or else is left to the browser", html, "<p>" + cafe, "text/html"},
		{"a declaration behind a long licence is found", html, "<!--" + strings.Repeat("x", 4000) + "--><meta charset=koi8-r>", "text/html"},
		{"one far behind the head of a page is not", html, long + "<meta charset=koi8-r>", html},
		{"an empty page is UTF-8", html, "", html},
		{"a byte order mark of UTF-8 overrules the declaration", html, "\xef\xbb\xbf<meta charset=koi8-r>", html},
		{"one of UTF-16 does, too", html, "\xff\xfe" + utf16Of("<meta charset=utf-8>é", "le"), "text/html; charset=utf-16"},
		{"in the other order", html, "\xfe\xff" + utf16Of("<p>é", "be"), "text/html; charset=utf-16"},
		{"UTF-16 without a mark is recognised in a page", html, utf16Of("<p>é", "le"), "text/html; charset=utf-16le"},
		{"in the other order as well", html, utf16Of("<!DOCTYPE html>é", "be"), "text/html; charset=utf-16be"},
		{"UTF-32 is read by no browser", html, "\xff\xfe\x00\x00<\x00\x00\x00", "text/html"},

		{"plain text in UTF-8 has the parameter", text, "caf\xc3\xa9", text},
		{"so has ASCII", text, "cafe", text},
		{"in ISO-8859-1 it has none", text, cafe, "text/plain"},
		{"nothing declares anything in plain text", text, "<meta charset=koi8-r>", text},
		{"in UTF-16 it says so", text, "\xff\xfe" + utf16Of("é", "le"), "text/plain; charset=utf-16"},
		{"a NUL does not matter, and without a charset browsers would save the text", text, "a\x00b", text},
		{"one broken byte in a log in UTF-8 does not, either", text, strings.Repeat("\xc3\xa9", 20) + "\xff", text},
		{"some of them do", text, strings.Repeat("\xc3\xa9", 20) + "\xff \xff", "text/plain"},
		{"one sequence of UTF-8 among other letters is not enough", text, "\xc3\xa9 caf\xe9", "text/plain"},
		{"the head of a large file may end inside a character", text, cut, text},
		{"a whole file may not", text, cut[1:], "text/plain"},
		{"a page with Japanese letters in Shift_JIS is not UTF-8", text, strings.Repeat("\x93\xfa\x96\x7b\x8c\xea\x82\xc5\x82\xb7", 50), "text/plain"},
		{"nor with Chinese ones in GBK", text, strings.Repeat("\xd6\xd0\xce\xc4\xb2\xe2\xca\xd4\xc4\xe3\xba\xc3", 50), "text/plain"},
		{"nor with Russian ones in KOI8-R", text, strings.Repeat("\xf0\xd2\xc9\xd7\xc5\xd4 ", 50), "text/plain"},
		{"a script in another charset has that of its page", "text/javascript; charset=utf-8", "'" + cafe + "'", "text/javascript"},

		{"a style sheet declares by its first bytes", css, `@charset "iso-8859-1"; a{}`, "text/css"},
		{"it may declare UTF-8", css, `@charset "UTF-8";` + cafe, css},
		{"other quotes declare nothing", css, `@charset 'iso-8859-1'; a{}`, css},
		{"nor does a blank in front", css, ` @charset "iso-8859-1"; a{}`, css},

		{"JSON is UTF-8", json, `"caf` + "\xc3\xa9" + `"`, json},
		{"JSON in anything else has no name for it", json, "\xff\xfe" + utf16Of("{}", "le"), "application/json"},
		{"a type without parameter stays", "image/svg+xml", cafe, "image/svg+xml"},
		{"a type with another parameter stays", "text/html; charset=koi8-r", "<meta charset=utf-8>", "text/html; charset=koi8-r"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := withCharset(test.typ, []byte(test.head)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// prescanned are pages and the encodings that they declare.
var prescanned = []struct {
	name string
	page string
	want string // "utf-8", "other", or ""
}{
	{"nothing is declared", "<html><head><title>x</title>", ""},
	{"without quotes", "<meta charset=koi8-r>", "other"},
	{"in double quotes", `<meta charset="koi8-r">`, "other"},
	{"in single quotes", "<meta charset='koi8-r'>", "other"},
	{"with blanks around", "<meta \n charset \t = \f 'koi8-r' />", "other"},
	{"a slash separates, too", "<meta/charset=koi8-r>", "other"},
	{"in capitals", "<MeTa ChArSeT=KOI8-R>", "other"},
	{"labels may have blanks around", `<meta charset=" koi8-r	">`, "other"},
	{"the older form needs the word", `<meta http-equiv=refresh content="1;charset=koi8-r">`, ""},
	{"its attributes may have any order", `<meta content='text/html;charset=koi8-r' http-equiv=content-type>`, "other"},
	{"it may have quotes in quotes", `<meta http-equiv=content-type content="text/html; charset='koi8-r' x">`, "other"},
	{"those must be closed", `<meta http-equiv=content-type content="text/html; charset='koi8-r">`, ""},
	{"the word may come twice", `<meta http-equiv=content-type content="charset charset = koi8-r; x">`, "other"},
	{"it may end without a charset", `<meta http-equiv=content-type content="text/html; charset">`, ""},
	{"the newer form overrules the older", `<meta http-equiv=content-type content="charset=koi8-r" charset=utf-8>`, "utf-8"},
	{"also if it stands in front", `<meta charset=utf-8 http-equiv=content-type content="charset=koi8-r">`, "utf-8"},
	{"of two attributes the first counts", `<meta charset=utf-8 charset=koi8-r>`, "utf-8"},
	{"of two elements as well", `<meta charset=utf-8><meta charset=koi8-r>`, "utf-8"},
	{"an unknown label is none", `<meta charset=klingon><meta charset=koi8-r>`, "other"},
	{"UTF-16 inside a page that was read by bytes is UTF-8", `<meta charset=utf-16>`, "utf-8"},
	{"a comment declares nothing", `<!-- <meta charset=koi8-r> --><meta charset=utf-8>`, "utf-8"},
	{"a comment may be short", `<!--><meta charset=koi8-r>`, "other"},
	{"and may not end", `<!-- <meta charset=koi8-r>`, ""},
	{"an attribute of another element declares nothing", `<a title="<meta charset=koi8-r>"><meta charset=utf-8>`, "utf-8"},
	{"nor does an end of an element", `</meta charset=koi8-r>`, ""},
	{"nor a declaration", `<!meta charset=koi8-r><?meta charset=koi8-r>`, ""},
	{"nor another element", `<metal charset=koi8-r>`, ""},
	{"nor an element that does not end", `<meta charset=koi8-r`, ""},
	{"nor one whose value does not", `<meta charset="koi8-r>`, ""},
	{"an attribute may have no value", `<meta foo charset=koi8-r bar>`, "other"},
	{"an attribute may begin with =", `<meta =charset=utf-8 charset=koi8-r>`, "other"},
	{"a < alone is text", `a < b <meta charset=koi8-r>`, "other"},
	{"an XML declaration", `<?xml encoding="koi8-r"?><p>`, "other"},
	{"with blanks", `<?xml version='1.0' encoding = 'utf-8' ?><p>`, "utf-8"},
	{"it must be the first", ` <?xml encoding="koi8-r"?>`, ""},
	{"and must end", `<?xml encoding="koi8-r"`, ""},
	{"and its label has no blank", `<?xml encoding="koi8-r "?>`, ""},
	{"and has quotes", `<?xml encoding=koi8-r?>`, ""},
}

func TestPrescan(t *testing.T) {
	for _, test := range prescanned {
		t.Run(test.name, func(t *testing.T) {
			if got := prescan([]byte(test.page)); got != test.want {
				t.Errorf("%q: %q, want %q", test.page, got, test.want)
			}
		})
	}
}

// FuzzPrescan: what a page declares does not depend on what follows, or on a comment in
// front; and never takes longer than its length allows.
func FuzzPrescan(f *testing.F) {
	for _, test := range prescanned {
		f.Add([]byte(test.page))
	}
	f.Add([]byte("<meta" + strings.Repeat(" a", 8000)))
	f.Fuzz(func(t *testing.T, page []byte) {
		found := prescan(page)
		if found != "" && found != "utf-8" && found != "other" {
			t.Fatalf("%q", found)
		}
		if bytes.HasPrefix(page, []byte("<?xml")) {
			return // it must be the first
		}
		if got := prescan(append([]byte("<!-- <meta charset=koi8-r> -->"), page...)); got != found {
			t.Errorf("%q declares %q, and %q behind a comment", page, found, got)
		}
		if got := prescan(append(bytes.Clone(page), "<meta charset=utf-8>"...)); found != "" && got != found {
			t.Errorf("%q declares %q, and %q with more behind it", page, found, got)
		}
	})
}

// TestLabels compares the labels with those of another implementation.
func TestLabels(t *testing.T) {
	n := 0
	for want, list := range map[string]string{"utf-8": utf8Labels, "other": legacyLabels} {
		for label := range strings.FieldsSeq(list) {
			n++
			_, name := charset.Lookup(label)
			wide := name == "utf-16le" || name == "utf-16be"
			if name == "" || (name == "utf-8" || wide) != (want == "utf-8") {
				t.Errorf("%q is %q elsewhere", label, name)
			}
			if got := declaredEncoding(strings.ToUpper(label)); got != want {
				t.Errorf("%q: %q, want %q", label, got, want)
			}
		}
	}
	if n < 228 {
		t.Errorf("%d labels: the standard has more", n)
	}
	for _, label := range []string{"", " ", "utf", "-8", "koi8-r koi8-u", "latin1 latin2"} {
		if got := declaredEncoding(label); got != "" {
			t.Errorf("%q is known as %q", label, got)
		}
	}
}

// TestPagesInOtherCharsets: small and large, compressed and not, from the disk and from
// memory; and the answer changes with the file.
func TestPagesInOtherCharsets(t *testing.T) {
	latin := `<html><head><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">` + "caf\xe9"
	more := strings.Repeat("<p>\xe9\n", 60_000)
	root := tree(t, map[string]string{
		"small.html": latin, "large.html": latin + more, "compressed.html": string(gzipped(nil, []byte(latin))),
		"utf8.html": "<p>é", "wide.html": "\xff\xfe" + utf16Of("<p>é", "le"), "late.txt": strings.Repeat("a", 100_000) + "\xe9",
		"a.svg": `<?xml version="1.0" encoding="ISO-8859-1"?><svg>` + "\xe9</svg>", "a.xml": "<a/>", "a.xhtml": "<html/>",
		"404.html": latin, "given.htm": latin, "rule.html": "<p>é",
	})
	files := open(t, root, Options{
		Types: map[string]string{"htm": "text/html"},
		Fields: func(path string) [][2]string {
			if path == "/rule.html" {
				return [][2]string{{"content-type", "text/html; charset=koi8-r"}}
			}
			return nil
		},
	})
	visit(t, files, func(v *visitor) {
		for range 2 {
			for path, want := range map[string]string{
				"/small.html": "text/html", "/large.html": "text/html", "/compressed.html": "text/html", "/missing": "text/html",
				"/utf8.html": "text/html; charset=utf-8", "/wide.html": "text/html; charset=utf-16", "/late.txt": "text/plain",
				"/a.svg": "image/svg+xml", "/a.xml": "application/xml", "/a.xhtml": "application/xhtml+xml",
				"/given.htm": "text/html", "/rule.html": "text/html; charset=koi8-r",
			} {
				got := v.ask("GET " + path)
				if all := got.header.Values("Content-Type"); len(all) != 1 || all[0] != want {
					t.Errorf("%s: %q, want %q", path, all, want)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(root, "utf8.html"), []byte(latin), 0o644); err != nil {
			t.Fatal(err)
		}
		v.s.Sleep(2 * checkEvery)
		if got := v.ask("GET /utf8.html"); got.header.Get("Content-Type") != "text/html" {
			t.Errorf("the file has changed its charset: %v", got)
		}
	})
}

// TestOnlyPagesThatCanTakeMoreGetIt: ASCII behind UTF-16, or behind compressed bytes, would
// break the page.
func TestOnlyPagesThatCanTakeMoreGetIt(t *testing.T) {
	pages := map[string]string{
		"a.html": "<p>\xc3\xa9", "latin.html": "<meta charset=latin1>\xe9", "le.html": "\xff\xfe" + utf16Of("<p>é", "le"), "be.html": utf16Of("<p>é", "be"),
		"compressed.html": string(gzipped(nil, []byte("<p>"))),
	}
	const more = "<script>1</script>"
	visit(t, open(t, tree(t, pages), Options{Inject: more}), func(v *visitor) {
		for path, page := range pages {
			want := page
			if path == "a.html" || path == "latin.html" {
				want += more
			}
			if got := v.ask("GET /" + path); got.status != 200 || got.body != want {
				t.Errorf("%s: %v, want %q", path, got, want)
			}
		}
	})
}
