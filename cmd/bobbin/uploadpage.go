package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The page on which people choose files for a folder. Without its script it is a plain form.

var (
	//go:embed uploadpage/page.html
	uploadPage string

	//go:embed uploadpage/page.css
	uploadStyle string

	//go:embed uploadpage/page.js
	uploadScript string

	// uploadPolicy allows the page's own style and script, and to send to the site.
	uploadPolicy = fmt.Sprintf("default-src 'none'; base-uri 'none'; frame-ancestors 'self'; img-src data:; form-action 'self'; connect-src 'self'; style-src 'sha256-%s'; script-src 'sha256-%s'",
		sumOf(uploadStyle), sumOf(uploadScript))
)

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// showForm answers with the page for a folder, which is looked for when a file comes.
func showForm(w *http.Response, folder string) error {
	w.Set("Content-Security-Policy", uploadPolicy).Set("Cache-Control", "no-cache")
	return w.HTML(strings.NewReplacer("{title}", html.EscapeString(strings.ToValidUTF8(folder, "�")), "{style}", uploadStyle, "{script}", uploadScript).Replace(uploadPage))
}
