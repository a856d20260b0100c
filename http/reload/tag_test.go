package reload

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestThePagesThatCanHaveTheScript(t *testing.T) {
	const policy = "Content-Security-Policy"
	for _, row := range []struct {
		name   string
		page   string
		fields [][2]string
		why    string // "" if it can
	}{
		{"a page", "<!doctype html><title>a</title><p>b", nil, ""},
		{"one that is complete", "<html><head></head><body><p>a</p></body></html>\n", nil, ""},
		{"an empty one", "", nil, ""},
		{"text alone", "hello", nil, ""},
		{"one in another charset", "<meta charset=iso-8859-1>\xe9\xff", nil, ""},
		{"a comment that is closed", "<p>a<!-- b -->", nil, ""},
		{"a bare less-than sign", "a < b", nil, ""},
		{"a select", "<select><option>a", nil, ""},
		{"a table", "<table><tr><td>a", nil, ""},
		{"a form and a link that are open", "<form><a href=b>c", nil, ""},
		{"its own script", "<script>if (a < b) c()</script>", nil, ""},
		{"a template that is closed", "<template><p></template>", nil, ""},
		{"an image of SVG that is closed", "<svg><path/></svg>", nil, ""},

		{"an open comment", "<p>a<!-- b", nil, "is open at its end"},
		{"an open script", "<script>a(", nil, "is open at its end"},
		{"an open style", "<style>a {", nil, "is open at its end"},
		{"an open textarea", "<textarea>a", nil, "is open at its end"},
		{"an open title", "<title>a", nil, "is open at its end"},
		{"a noscript that is open in the body", "<body><noscript>a", nil, "is open at its end"},
		{"plain text to the end", "<plaintext>a", nil, "is open at its end"},
		{"an open tag", "<p>a<b", nil, "is open at its end"},
		{"an open attribute", "<a href=\"b", nil, "is open at its end"},
		{"an open template", "<template><p>a", nil, "is open at its end"},
		{"an open image of SVG", "<svg><g>", nil, "is open at its end"},
		{"frames", "<frameset><frame src=a></frameset>", nil, "is open at its end"},
		{"a tower of elements", strings.Repeat("<div>", 2000), nil, "cannot be parsed"},

		{"UTF-16, the lower byte first", "\xff\xfe<\x00p\x00", nil, "UTF-16"},
		{"UTF-16, the higher byte first", "\xfe\xff\x00<\x00p", nil, "UTF-16"},
		{"UTF-16 without a mark", "<\x00p\x00>\x00", nil, "UTF-16"},
		{"gzip", "\x1f\x8b\x08\x00", nil, "stored compressed"},
		{"a coding by a rule", "\x8b\x01", [][2]string{{"content-encoding", "br"}}, "stored compressed"},
		{"ISO-2022-JP", "\x1b$B%F\x1b(B", nil, "ISO-2022"},

		{"a policy that allows its own scripts", "a", [][2]string{{policy, "default-src 'self'"}}, ""},
		{"all scripts", "a", [][2]string{{policy, "script-src *; connect-src http: https:"}}, ""},
		{"nothing about scripts", "a", [][2]string{{policy, "img-src 'none'; upgrade-insecure-requests"}}, ""},
		{"a policy that only reports", "a", [][2]string{{policy + "-Report-Only", "default-src 'none'"}}, ""},
		{"scripts, and a sandbox with them", "a", [][2]string{{policy, "sandbox allow-scripts allow-same-origin"}}, ""},
		{"no script at all", "a", [][2]string{{policy, "default-src 'none'"}}, "does not allow"},
		{"an empty list", "a", [][2]string{{policy, "script-src"}}, "does not allow"},
		{"inline scripts only", "a", [][2]string{{policy, "SCRIPT-SRC 'unsafe-inline'"}}, "does not allow"},
		{"scripts by a nonce", "a", [][2]string{{policy, "script-src 'nonce-abc' 'strict-dynamic' 'self'"}}, "does not allow"},
		{"elements apart", "a", [][2]string{{policy, "script-src 'self'; script-src-elem https://a.example"}}, "does not allow"},
		{"scripts, and no connection", "a", [][2]string{{policy, "default-src 'self'; connect-src 'none'"}}, "does not allow"},
		{"the second of two policies", "a", [][2]string{{policy, "default-src 'self', script-src 'none'"}}, "does not allow"},
		{"the second of two fields", "a", [][2]string{{policy, "default-src 'self'"}, {policy, "script-src 'none'"}}, "does not allow"},
		{"the first of two directives", "a", [][2]string{{policy, "script-src 'none'; script-src 'self'"}}, "does not allow"},
		{"a sandbox", "a", [][2]string{{policy, "sandbox"}}, "does not allow"},
		{"a policy in the page", "<meta http-equiv=content-security-policy content=\"script-src 'none'\">a", nil, "in a meta element"},
		{"one that allows it", "<meta http-equiv=Content-Security-Policy content=\"default-src 'self'; sandbox\">a", nil, ""},
		{"a policy in a comment", "<!-- <meta http-equiv=Content-Security-Policy content=\"script-src 'none'\"> -->a", nil, ""},
	} {
		if why := untaggable(row.fields, []byte(row.page)); (why == "") != (row.why == "") || !strings.Contains(why, row.why) {
			t.Errorf("%s: %q, want %q", row.name, why, row.why)
		}
	}
	if why := untaggable(nil, nil); why != "it is too large" {
		t.Errorf("a page that is not in memory: %q", why)
	}
}

func TestTheLogHasALineForEachPageWithoutTheScript(t *testing.T) {
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	other := r.Sibling(nil)
	for range 3 {
		for _, one := range []*Reloader{r, other} {
			if one.MayInject("/a.html", nil, []byte("<!--")) || !one.MayInject("/b.html", nil, []byte("b")) {
				t.Error("the pages are taken for each other")
			}
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), `path=/a.html because="a comment or an element is open at its end"`) {
		t.Errorf("the log is %q", log.String())
	}
	for i := range 2 * toldMax {
		r.MayInject(strings.Repeat("/", i), nil, []byte("<!--"))
	}
	if lines := strings.Count(log.String(), "\n"); lines != toldMax {
		t.Errorf("the log has %d lines", lines)
	}
}

// FuzzTags looks at anything: it must not panic, and text in UTF-16 is left alone.
func FuzzTags(f *testing.F) {
	f.Add("<p>a<!-- b", "default-src 'self'; sandbox")
	f.Add("<svg><script>", "script-src 'none', ;;")
	f.Fuzz(func(t *testing.T, page, policy string) {
		if untaggable([][2]string{{"Content-Security-Policy", policy}}, []byte(page)) == "" && strings.ContainsRune(page, 0) {
			t.Errorf("%q gets the script", page)
		}
	})
}
