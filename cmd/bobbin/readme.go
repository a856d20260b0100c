package main

import (
	"bytes"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// With --readme a listing has the README of its folder below it.

// Markdown as at GitHub, and the same without tables. HTML in a text, and links that run a
// script, are left out.
var (
	markdown      = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList))
	withoutTables = goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.TaskList))
)

// cellsMax is the most cells that the tables of a README may have. A short row is filled up to
// the width of its table: 64 KiB of short rows below a wide one became 1 GB, in five minutes.
const cellsMax = 100_000

// readmeHTML returns what is shown of a README, nil for nothing.
func readmeHTML(name string, text []byte) []byte {
	if !utf8.Valid(text) {
		return nil
	}
	if !strings.HasSuffix(strings.ToLower(name), ".md") {
		return []byte("<pre>" + html.EscapeString(string(text)) + "</pre>\n")
	}
	widest, lines := 0, 0
	for line := range bytes.Lines(text) {
		widest, lines = max(widest, bytes.Count(line, []byte("|"))), lines+1
	}
	how := markdown
	if widest*lines > cellsMax {
		how = withoutTables
	}
	var page bytes.Buffer
	if how.Convert(text, &page) != nil {
		return nil
	}
	return page.Bytes()
}
