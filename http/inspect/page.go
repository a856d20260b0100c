package inspect

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"regexp"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The page is written as several files, and sent as one answer: its style sheets and scripts
// are put into it, and the policy of the answer allows these and no others, by their hashes.

//go:embed page
var pageFiles embed.FS

// A page is an answer as it is, and compressed.
type page struct{ plain, gzipped *http.Prepared }

// thePage makes the page once, for all Inspectors.
var thePage = sync.OnceValue(func() page {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // a bug: the folder is embedded
	}
	p, err := assemble(files)
	if err != nil {
		panic(err) // a bug: a file is not embedded
	}
	return p
})

// showPage answers with the page.
func (v *visit) showPage() error {
	names := []string{"identity", "gzip", "*"}
	weights := make(negotiate.Weights, len(names))
	for _, field := range v.r.HeaderValues("Accept-Encoding") {
		weights.Read(names, field)
	}
	if i, ok := weights.Choose([]bool{true, true}); ok && i == 1 {
		return v.w.WritePrepared(thePage().gzipped)
	}
	return v.w.WritePrepared(thePage().plain)
}

// parts are the elements of index.html that stand for files, one for each line.
var parts = regexp.MustCompile(`<link rel="stylesheet" href="([a-z0-9_-]+\.css)">|<script src="([a-z0-9_-]+\.js)"></script>`)

// assemble puts the files of a page together.
func assemble(files fs.FS) (page, error) {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return page{}, err
	}
	var styles, scripts []string
	body := parts.ReplaceAllFunc(index, func(element []byte) []byte {
		found := parts.FindSubmatch(element)
		name, tag, hashes := string(found[1]), "style", &styles
		if name == "" {
			name, tag, hashes = string(found[2]), "script", &scripts
		}
		text, failed := fs.ReadFile(files, name)
		if failed != nil {
			err = failed
		}
		*hashes = append(*hashes, hashOf(text))
		return []byte("<" + tag + ">" + string(text) + "</" + tag + ">")
	})
	if err != nil {
		return page{}, err
	}
	fields := [][2]string{
		{"Content-Type", "text/html; charset=utf-8"},
		{"Content-Security-Policy", policy(styles, scripts)},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Vary", "Accept-Encoding"},
	}
	var p page
	if p.plain, err = http.Prepare(body, fields...); err != nil {
		return page{}, err
	}
	var small bytes.Buffer
	z, _ := gzip.NewWriterLevel(&small, gzip.BestCompression)
	_, _ = z.Write(body) // into memory, which does not fail
	_ = z.Close()
	p.gzipped, err = http.Prepare(small.Bytes(), append(fields, [2]string{"Content-Encoding", "gzip"})...)
	return p, err
}

// hashOf names a text in a policy (CSP level 3, section 2.3.1).
func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy is the Content-Security-Policy of a page with these hashes: no request goes to
// any other server, and no other page may frame this one.
func policy(styles, scripts []string) string {
	const rest = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; img-src data: blob:"
	return rest + "; style-src " + listOrNone(styles) + "; script-src " + listOrNone(scripts)
}

func listOrNone(hashes []string) string {
	if len(hashes) == 0 {
		return "'none'"
	}
	return strings.Join(hashes, " ")
}
