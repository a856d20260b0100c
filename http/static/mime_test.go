package static

import (
	"mime"
	"slices"
	"strings"
	"testing"
)

func TestTypeByExtension(t *testing.T) {
	tests := []struct {
		name string
		file string
		want string
	}{
		{"a page", "index.html", "text/html; charset=utf-8"},
		{"a page under its old name", "index.htm", "text/html; charset=utf-8"},
		{"a page that is XML", "index.xhtml", "application/xhtml+xml"},
		{"a style sheet", "site.css", "text/css; charset=utf-8"},
		{"a script", "site.js", "text/javascript; charset=utf-8"},
		{"a module", "site.mjs", "text/javascript; charset=utf-8"},
		{"a module of the other kind", "site.cjs", "text/javascript; charset=utf-8"},
		{"a program, which browsers only compile while it arrives under this type", "site.wasm", "application/wasm"},
		{"a source map", "site.js.map", "application/json; charset=utf-8"},
		{"an app's manifest", "site.webmanifest", "application/manifest+json; charset=utf-8"},

		{"data", "a.json", "application/json; charset=utf-8"},
		{"places", "a.geojson", "application/geo+json; charset=utf-8"},
		{"lines of data are no JSON text", "a.ndjson", "application/x-ndjson"},
		{"a tree", "a.xml", "application/xml"},
		{"a feed", "a.rss", "application/rss+xml"},
		{"another feed", "a.atom", "application/atom+xml"},
		{"a table", "a.csv", "text/csv; charset=utf-8"},
		{"a calendar", "a.ics", "text/calendar; charset=utf-8"},
		{"settings", "a.yaml", "text/yaml; charset=utf-8"},
		{"settings, shorter", "a.yml", "text/yaml; charset=utf-8"},

		{"text", "a.txt", "text/plain; charset=utf-8"},
		{"a log", "a.log", "text/plain; charset=utf-8"},
		{"a text with marks", "a.md", "text/markdown; charset=utf-8"},
		{"a program's source is shown", "main.go", "text/plain; charset=utf-8"},
		{"and so is a change to it", "a.patch", "text/plain; charset=utf-8"},
		{"Rust is more frequent than resource lists", "lib.rs", "text/plain; charset=utf-8"},
		{"a document", "a.pdf", "application/pdf"},
		{"a book", "a.epub", "application/epub+zip"},

		{"a drawing", "a.svg", "image/svg+xml"},
		{"a picture", "a.png", "image/png"},
		{"a photograph", "a.jpg", "image/jpeg"},
		{"a photograph, spelt out", "a.jpeg", "image/jpeg"},
		{"a picture that moves", "a.gif", "image/gif"},
		{"a newer picture", "a.webp", "image/webp"},
		{"the newest picture", "a.avif", "image/avif"},
		{"the small picture on the tab", "favicon.ico", "image/x-icon"},

		{"a film", "a.mp4", "video/mp4"},
		{"a film in the open", "a.webm", "video/webm"},
		{"a piece of a film, and not TypeScript", "a.ts", "video/mp2t"},
		{"a film's list of pieces", "a.m3u8", "application/vnd.apple.mpegurl"},
		{"a film's text", "a.vtt", "text/vtt; charset=utf-8"},
		{"music", "a.mp3", "audio/mpeg"},
		{"music without a film", "a.m4a", "audio/mp4"},
		{"music in the open", "a.ogg", "audio/ogg"},
		{"music without loss", "a.flac", "audio/flac"},
		{"a sound", "a.wav", "audio/wav"},

		{"a font", "a.woff2", "font/woff2"},
		{"an older font", "a.woff", "font/woff"},
		{"a font of the desktop", "a.ttf", "font/ttf"},

		{"a compressed file", "a.gz", "application/gzip"},
		{"a compressed folder", "a.tar.gz", "application/gzip"},
		{"a compressed folder in one word", "a.tgz", "application/gzip"},
		{"compressed anew", "a.zst", "application/zstd"},
		{"an archive", "a.zip", "application/zip"},
		{"bytes", "a.bin", "application/octet-stream"},

		{"capitals do not matter", "PHOTO.JpG", "image/jpeg"},
		{"folders do not matter", "/a.css/b/c.html", "text/html; charset=utf-8"},
		{"the first of the table is found", "a." + mimeTable[0].extension, mimeTable[0].contentType},
		{"the last of the table is found", "a." + mimeTable[len(mimeTable)-1].extension, mimeTable[len(mimeTable)-1].contentType},
		{"the longest of the table is found", "a.disposition-notification", "message/disposition-notification"},
		{"two dots in a row are one too many, and harmless", "a..png", "image/png"},

		{"nothing is known of a word", "a.frobnicate", "application/octet-stream"},
		{"nothing is known of a name without extension", "Makefile", "application/octet-stream"},
		{"a folder's extension is not its file's", "a.html/b", "application/octet-stream"},
		{"a hidden file is no extension", ".html", "application/octet-stream"},
		{"a hidden file in a folder is none either", "/a/.html", "application/octet-stream"},
		{"a hidden file may have one", "/a/.b.html", "text/html; charset=utf-8"},
		{"a dot at the end says nothing", "a.", "application/octet-stream"},
		{"one letter more than the longest is too long", "a.disposition-notifications", "application/octet-stream"},
		{"a name that never ends is not searched for its dot", "a." + strings.Repeat("x", 1<<16), "application/octet-stream"},
		{"letters beyond ASCII stay as they are", "a.\u212as", "application/octet-stream"},
		{"a folder", "/a/", "application/octet-stream"},
		{"a dot", ".", "application/octet-stream"},
		{"no name", "", "application/octet-stream"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := TypeByExtension(test.file); got != test.want {
				t.Errorf("TypeByExtension(%.40q) = %q, want %q", test.file, got, test.want)
			}
		})
	}
}

// The search needs order, and a browser needs types that parse.
func TestMIMETableIsInOrder(t *testing.T) {
	sorted := slices.IsSortedFunc(mimeTable[:], func(a, b mimeEntry) int { return strings.Compare(a.extension, b.extension) })
	if !sorted {
		t.Error("the table is not sorted by extension")
	}
	for i, entry := range mimeTable {
		if i > 0 && mimeTable[i-1].extension == entry.extension {
			t.Errorf("%q is there twice", entry.extension)
		}
		if entry.extension == "" || entry.extension != strings.ToLower(entry.extension) || len(entry.extension) > longestExtension {
			t.Errorf("%q is no extension in lower case of at most %d bytes", entry.extension, longestExtension)
		}
		_, parameters, err := mime.ParseMediaType(entry.contentType)
		if err != nil {
			t.Errorf("%q: %v", entry.extension, err)
		}
		if charset, has := parameters["charset"]; has && charset != "utf-8" {
			t.Errorf("%q has charset %q", entry.extension, charset)
		}
		if got := TypeByExtension("a." + entry.extension); got != entry.contentType {
			t.Errorf("%q is in the table as %q and found as %q", entry.extension, entry.contentType, got)
		}
	}
}

func TestTypeByExtensionAllocatesNothing(t *testing.T) {
	names := []string{"/a/b/index.html", "/a/b/PHOTO.JPEG", "/a/.hidden", "a.disposition-notification"}
	allocations := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			TypeByExtension(name)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations for %d names, want none", allocations, len(names))
	}
}

func BenchmarkTypeByExtension(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		TypeByExtension("/assets/site.min.CSS")
	}
}
