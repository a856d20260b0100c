package main

import (
	"strings"
	"testing"
)

// TestMarkdown: what is shown of a README.
func TestMarkdown(t *testing.T) {
	wide := strings.Repeat("|a", 400) + "\n" + strings.Repeat("|-", 400) + "\n" + strings.Repeat("|\n", 400)
	for _, row := range []struct{ is, name, text, want string }{
		{"Markdown becomes HTML", "README.md", "# A *b*\n\n- c\n", "<h1>A <em>b</em></h1>\n<ul>\n<li>c</li>\n</ul>\n"},
		{"tables do", "readme.MD", "|a|\n|-|\n|b|\n", "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>\n"},
		{"tables that would be huge do not", "README.md", wide, "<p>|a|a"},
		{"tasks do", "README.md", "- [x] a\n", "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> a</li>\n</ul>\n"},
		{"headings have no ids, which could be those of the page", "README.md", "# none\n", "<h1>none</h1>\n"},
		{"HTML is left out", "README.md", "a <script>alert(1)</script> <b onclick=x>b</b>\n", "<p>a <!-- raw HTML omitted -->alert(1)<!-- raw HTML omitted --> <!-- raw HTML omitted -->b<!-- raw HTML omitted --></p>\n"},
		{"also as a block", "README.md", "<div>\n<script>x</script>\n</div>\n", "<!-- raw HTML omitted -->\n"},
		{"links that run a script are", "README.md", "[a](javascript:alert(1)) <javascript:alert(1)>\n", "<p><a href=\"\">a</a> <a href=\"\">javascript:alert(1)</a></p>\n"},
		{"other text is as it is", "README.txt", "# <b>\n", "<pre># &lt;b&gt;\n</pre>\n"},
		{"so is that without an ending", "README", "a & b", "<pre>a &amp; b</pre>\n"},
		{"what is no UTF-8 is not shown", "README", "a\xff", ""},
		{"nor as Markdown", "README.md", "a\xff", ""},
		{"an empty one is empty", "README.md", "", ""},
	} {
		got := string(readmeHTML(row.name, []byte(row.text)))
		if row.name == "README.md" && row.text == wide && strings.HasPrefix(got, row.want) {
			continue
		}
		if got != row.want {
			t.Errorf("%s: %q", row.is, got)
		}
	}
}

// TestTheProgramShowsReadmes with --readme, and not without.
func TestTheProgramShowsReadmes(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"README.md": []byte("# Hello\n\n![](a.png)\n")})
	for _, row := range []struct {
		flags []string
		want  bool
	}{{[]string{"--readme", dir}, true}, {[]string{dir}, false}} {
		p := start(t, "", row.flags...)
		if _, page := send(t, "GET", p.url, ""); strings.Contains(page, "<h1>Hello</h1>\n<p><img src=\"a.png\" alt=\"\"></p>") != row.want {
			t.Errorf("%v: %s", row.flags, page[len(page)-3000:])
		}
	}
}
