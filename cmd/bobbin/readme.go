package main

import (
	"bytes"
	"html"
	"strings"
	"sync"
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

// converted are the latest results of markdownHTML, for all loops: a listing has a page for each
// order, and the README is the same below all.
var converted struct {
	mu   sync.Mutex
	list [16]struct{ from, to []byte }
	next int
}

// readmeHTML returns what is shown of a README, nil for nothing.
func readmeHTML(name string, text []byte) []byte {
	if !utf8.Valid(text) {
		return nil
	}
	if !strings.HasSuffix(strings.ToLower(name), ".md") {
		return []byte("<pre>" + html.EscapeString(string(text)) + "</pre>\n")
	}
	c := &converted
	c.mu.Lock()
	defer c.mu.Unlock() // one at a time: the others go on sooner with its core
	for i := range c.list {
		if c.list[i].from != nil && bytes.Equal(c.list[i].from, text) {
			return c.list[i].to
		}
	}
	page := markdownHTML(text)
	c.list[c.next] = struct{ from, to []byte }{append([]byte{}, text...), page}
	c.next = (c.next + 1) % len(c.list)
	return page
}

// markdownHTML converts Markdown.
func markdownHTML(text []byte) []byte {
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
