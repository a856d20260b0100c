package static

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesThatAreStoredCompressed: they are sent as they are, and never compressed again.
func TestFilesThatAreStoredCompressed(t *testing.T) {
	const drawing = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	big := drawing + strings.Repeat("<!-- more -->\n", 1000)
	noise := strings.Builder{}
	for i := range 200_000 {
		fmt.Fprintf(&noise, "%x ", uint64(i)*0x9e3779b97f4a7c15)
	}
	half := noise.String()[:700_000]
	pack := func(s string) string { return string(gzipped(nil, []byte(s))) }
	root := tree(t, map[string]string{
		"small.svgz": pack(drawing), "big.svgz": pack(big), "huge.svgz": pack(noise.String()), "open.svgz": pack(half),
		"plain.svgz": drawing, "named.svg": pack(big), "app.wasm": pack("\x00asm" + big),
		"beside.svgz": pack(big), "beside.svgz.gz": "a sibling", "beside.svgz.br": "a sibling", "beside.svgz.zst": "a sibling",
		"empty.svgz": "", "broken.svgz": pack(big)[:100], "z.txt": "\x28\xb5\x2f\xfd and so on",
		"x.tar.gz": pack("folder"), "a.gz": pack("bytes"), "404.html": pack(drawing),
	})
	const any, gz, none = "X: y", "Accept-Encoding: gzip, zstd, br", "Accept-Encoding: identity"
	files := open(t, root, Options{EncodeMax: 1 << 20, Encoders: []Encoder{{"gzip", gzipped}, {"zstd", gzipped}}})
	const svg = "image/svg+xml"
	tests := []struct {
		name   string
		ask    string
		accept string
		typ    string
		coding string
		vary   string
		body   string
	}{
		{"a compressed drawing has its coding", "GET /small.svgz", gz, svg, "gzip", "Accept-Encoding", pack(drawing)},
		{"a client that says nothing takes any coding", "GET /small.svgz", any, svg, "gzip", "Accept-Encoding", pack(drawing)},
		{"a large one is not compressed again", "GET /big.svgz", gz, svg, "gzip", "Accept-Encoding", pack(big)},
		{"not even if the client prefers another coding", "GET /big.svgz", "Accept-Encoding: zstd, gzip;q=0.1", svg, "gzip", "Accept-Encoding", pack(big)},
		{"a client that declines gzip gets it decompressed", "GET /big.svgz", none, svg, "", "Accept-Encoding", big},
		{"so does one that takes another coding only", "GET /big.svgz", "Accept-Encoding: br", svg, "", "Accept-Encoding", big},
		{"so does one with an empty list", "GET /big.svgz", "Accept-Encoding:", svg, "", "Accept-Encoding", big},
		{"so does one that excludes it", "GET /small.svgz", "Accept-Encoding: *, gzip;q=0", svg, "", "Accept-Encoding", drawing},
		{"its head has the decompressed length", "HEAD /big.svgz", none, svg, "", "Accept-Encoding", ""},
		{"one that is not kept in memory is decompressed, too", "GET /open.svgz", none, svg, "", "Accept-Encoding", half},
		{"and sent as it is", "GET /open.svgz", gz, svg, "gzip", "Accept-Encoding", pack(half)},
		{"one that is larger than a worker decompresses stays compressed", "GET /huge.svgz", none, svg, "gzip", "Accept-Encoding", pack(noise.String())},
		{"so does one that is damaged", "GET /broken.svgz", none, svg, "gzip", "Accept-Encoding", pack(big)[:100]},
		{"a drawing that is not compressed has no coding, whatever its name", "GET /plain.svgz", gz, svg, "", "Accept-Encoding", drawing},
		{"nor has an empty one", "GET /empty.svgz", gz, svg, "", "Accept-Encoding", ""},
		{"one that is compressed has it, whatever its name", "GET /named.svg", gz, svg, "gzip", "Accept-Encoding", pack(big)},
		{"so has a program", "GET /app.wasm", gz, "application/wasm", "gzip", "Accept-Encoding", pack("\x00asm" + big)},
		{"a compressed file has no compressed siblings", "GET /beside.svgz", "Accept-Encoding: br", svg, "", "Accept-Encoding", big},
		{"whatever the client takes", "GET /beside.svgz", gz, svg, "gzip", "Accept-Encoding", pack(big)},
		{"a text that begins as zstd does has that coding", "GET /z.txt", gz, "text/plain", "zstd", "Accept-Encoding", "\x28\xb5\x2f\xfd and so on"},
		{"and is not decompressed here", "GET /z.txt", none, "text/plain", "zstd", "Accept-Encoding", "\x28\xb5\x2f\xfd and so on"},
		{"an archive is no text, and has no coding", "GET /x.tar.gz", gz, "application/gzip", "", "", pack("folder")},
		{"nor has a compressed file without another type", "GET /a.gz", gz, "application/gzip", "", "", pack("bytes")},
	}
	if n := len(pack(half)); n < 256<<10 || n > 1<<20 {
		t.Fatalf("the file has %d bytes compressed, and is to be open", n)
	}
	visit(t, files, func(v *visitor) {
		for range 2 {
			for _, test := range tests {
				got := v.ask(test.ask, test.accept)
				if got.status != 200 || got.body != test.body {
					t.Errorf("%s: %v, want %.80q", test.name, got, test.body)
				}
				for field, want := range map[string]string{"Content-Type": test.typ, "Content-Encoding": test.coding, "Vary": test.vary} {
					if values := got.header[field]; len(values) > 1 || got.header.Get(field) != want {
						t.Errorf("%s: %s is %q, want %q", test.name, field, values, want)
					}
				}
			}
		}
		compressed, plain := tagOf(v, "/big.svgz", gz), tagOf(v, "/big.svgz", none)
		if compressed == plain {
			t.Errorf("one tag for both: %s", compressed)
		}
		for _, row := range []struct {
			accept, tag string
			status      int
		}{{gz, compressed, 304}, {gz, plain, 200}, {none, plain, 304}, {none, compressed, 200}} {
			if got := v.ask("GET /big.svgz", row.accept, "If-None-Match: "+row.tag); got.status != row.status {
				t.Errorf("%s, %s: %v, want %d", row.accept, row.tag, got, row.status)
			}
		}
		if got := v.ask("GET /big.svgz", gz, "Range: bytes=2-5"); got.status != 206 || got.body != pack(big)[2:6] || got.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("a part: %v", got)
		}
		if got := v.ask("GET /big.svgz", none, "Range: bytes=1-3"); got.status != 206 || got.body != big[1:4] || got.header.Get("Content-Encoding") != "" {
			t.Errorf("a part of the text: %v", got)
		}
		if got := v.ask("GET /missing"); got.status != 404 || strings.Contains(got.body, "\x1f\x8b") {
			t.Errorf("an error page that is compressed is not sent: %v", got)
		}
		write(t, filepath.Join(root, "small.svgz"), drawing+" as plain text again")
		v.s.Sleep(2 * checkEvery)
		if got := v.ask("GET /small.svgz", gz); got.header.Get("Content-Encoding") != "" || got.body != drawing+" as plain text again" {
			t.Errorf("the file has been decompressed on the disk: %v", got)
		}
	})
}

// TestKindByRule: the rules of Options.Fields go before the content, and that before the
// name.
func TestKindByRule(t *testing.T) {
	data := `{"a":` + strings.Repeat("1", 2000) + "}"
	root := tree(t, map[string]string{
		".well-known/apple-app-site-association": data, "app.wasm.gz": string(gzipped(nil, []byte("\x00asm"))),
		"data.json.br": "brotli", "page.txt": "<p>", "kept.svgz": string(gzipped(nil, []byte("<svg/>"))), "LICENSE": "free", "bad": "",
		"404.html": "<p>lost", "lost.html": "<p>", "large": letters(300_000),
	})
	rules := map[string][][2]string{
		"/.well-known/apple-app-site-association": {{"X-A", "1"}, {"Content-Type", "application/json"}, {"X-B", "2"}},
		"/app.wasm.gz":  {{"CONTENT-ENCODING", "x-gzip"}},
		"/data.json.br": {{"Content-Encoding", "br"}, {"X-A", "1"}},
		"/page.txt":     {{"Content-Type", "text/html"}},
		"/kept.svgz":    {{"Content-Encoding", "identity"}, {"Content-Type", "application/gzip"}},
		"/LICENSE":      {{"Content-Type", "text/plain"}},
		"/bad":          {{"Content-Encoding", "pack200-gzip"}},
		"/missing":      {{"Content-Type", "application/json"}},
		"/large":        {{"Content-Type", "text/csv"}, {"Content-Encoding", "zstd"}},
	}
	files := open(t, root, Options{
		Types:    map[string]string{"json": "application/x-json"},
		Encoders: []Encoder{{"gzip", gzipped}},
		Fields:   func(path string) [][2]string { return rules[path] },
	})
	const gz = "Accept-Encoding: gzip, br, zstd"
	visit(t, files, func(v *visitor) {
		for range 2 {
			for _, row := range []struct {
				name        string
				path        string
				typ, coding string
			}{
				{"a file without extension has the type of its rule", "/.well-known/apple-app-site-association", "application/json", "gzip"},
				{"a compressed file has the type of the name before its suffix", "/app.wasm.gz", "application/wasm", "gzip"},
				{"of the operator's types, too", "/data.json.br", "application/x-json", "br"},
				{"a rule goes before the extension", "/page.txt", "text/html", ""},
				{"a rule may say that a file is not compressed", "/kept.svgz", "application/gzip", ""},
				{"a type of a rule is sent as it is", "/LICENSE", "text/plain", ""},
				{"a large file has its rules, too", "/large", "text/csv", "zstd"},
			} {
				got := v.ask("GET "+row.path, gz)
				if got.status != 200 || got.header.Get("Content-Type") != row.typ || got.header.Get("Content-Encoding") != row.coding || len(got.header["Content-Type"]) != 1 {
					t.Errorf("%s: %v", row.name, got)
				}
			}
		}
		if got := v.ask("GET /.well-known/apple-app-site-association"); got.header.Get("X-A") != "1" || got.header.Get("X-B") != "2" || got.body != data {
			t.Errorf("the other fields of a rule: %v", got)
		}
		if got := v.ask("GET /data.json.br", "Accept-Encoding: identity"); got.body != "brotli" || got.header.Get("Content-Encoding") != "br" {
			t.Errorf("what cannot be decompressed here is sent as it is: %v", got)
		}
		if got := v.ask("GET /bad"); got.status != 500 {
			t.Errorf("an unknown coding: %v", got)
		}
		if got := v.ask("GET /missing"); got.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("the rules of a missing file are not for the error page: %v", got)
		}
	})
	if rules["/.well-known/apple-app-site-association"][1][0] != "Content-Type" {
		t.Error("the fields belong to the caller, and have changed")
	}
}

// TestAnotherTypeIsAnotherTag: a browser that asks with its old ETag gets the new type,
// because a 304 would leave it the old one.
func TestAnotherTypeIsAnotherTag(t *testing.T) {
	root := tree(t, map[string]string{"a.html": "<p>a", "b": "b"})
	tags := make(map[string]bool)
	for _, typ := range []string{"", "text/html", "text/html; charset=koi8-r"} {
		fields := func(path string) [][2]string {
			if typ == "" || path != "/a.html" {
				return nil
			}
			return [][2]string{{"Content-Type", typ}}
		}
		visit(t, open(t, root, Options{Fields: fields}), func(v *visitor) {
			tag := tagOf(v, "/a.html")
			if tags[tag] {
				t.Errorf("%q has the tag %s of another type", typ, tag)
			}
			tags[tag] = true
			if got := v.ask("GET /a.html", "If-None-Match: "+tag); got.status != 304 {
				t.Errorf("%q: %v", typ, got)
			}
			tags[tagOf(v, "/b")] = true
		})
	}
	if len(tags) != 4 {
		t.Errorf("three types of one file, and a file of the usual type, have the tags %v", tags)
	}
}

func TestContentCoding(t *testing.T) {
	for head, want := range map[string]string{
		"\x1f\x8b\x08\x00": "gzip", "\x28\xb5\x2f\xfd": "zstd", "": "", "\x1f\x8b": "", "<svg": "", "\x1f\x8b\x07": "", "(\xb5": "",
	} {
		if got := ContentCoding([]byte(head)); got != want {
			t.Errorf("%q is compressed as %q, want %q", head, got, want)
		}
	}
}
