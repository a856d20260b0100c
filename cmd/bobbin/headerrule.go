package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// A value of --header is "NAME: VALUE" for all files, or "PATTERN: NAME: VALUE" for
// some. A pattern may look like a name, such as sw.js, and a value may have
// colons. A value that may be both is an error, so that no file's name is sent as a header.

// parseHeaderRule parses a value of --header.
func parseHeaderRule(text string) (rule fieldRule, err error) {
	first, rest, _ := strings.Cut(text, ":")
	first = strings.TrimSpace(first)
	isPattern := strings.ContainsAny(first, "/*?.")
	if next := fieldAhead(rest); !isPattern && next != "" && !isKnownField(first) {
		if !isKnownField(next) {
			return rule, fmt.Errorf("%q is a header %s, or a rule for a file %s: write '**: %s' or '/%s'", text, first, first, text, text)
		}
		isPattern = true
	}
	if isPattern {
		if rule.where, err = middleware.ParseGlob(first); err != nil {
			return rule, err
		}
		text = strings.TrimSpace(rest)
	}
	name, value, ok := strings.Cut(text, ":")
	rule.field = [2]string{strings.TrimSpace(name), strings.TrimSpace(value)}
	switch {
	case !ok && isPattern:
		return rule, fmt.Errorf("%q is a pattern, and %q behind it has no colon: write '%s: NAME: VALUE'", first, text, first)
	case !ok:
		return rule, fmt.Errorf("%q has no colon: write 'NAME: VALUE' or '/path/**: NAME: VALUE'", text)
	case isPattern && !isKnownField(rule.field[0]) && fieldAhead(value) != "":
		return rule, fmt.Errorf("%q has two colons behind its pattern: write ? for a colon in a pattern", text)
	case !isPattern && isKind(rule.field[0]):
		return rule, fmt.Errorf("%s would be that of all files: name them, as in '/path/**: %s'", name, text)
	}
	return rule, checkField(rule.field)
}

// fieldAhead returns the name of a header if s looks like "NAME: VALUE", and "" if it does
// not. A URL does not.
func fieldAhead(s string) string {
	name, value, ok := strings.Cut(strings.TrimSpace(s), ":")
	inName := func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || r == '-' }
	if !ok || strings.HasPrefix(value, "//") || strings.Trim(name, "0123456789") == "" {
		return ""
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !inName(r) }) {
		return ""
	}
	return name
}

// isKind reports whether a header says what a file is.
func isKind(name string) bool {
	return strings.EqualFold(name, "Content-Type") || strings.EqualFold(name, "Content-Encoding")
}

// isKnownField reports whether a name is that of a header of responses.
func isKnownField(name string) bool {
	known := func(s string) bool { return strings.EqualFold(s, name) }
	return len(name) > 2 && strings.EqualFold(name[:2], "x-") || slices.ContainsFunc(knownFields, known)
}

// knownFields are those that a site may send for a file: of RFC 9110, Fetch, and the
// policies of browsers.
var knownFields = []string{
	"Accept-CH", "Accept-Ranges", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers",
	"Access-Control-Allow-Methods", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
	"Access-Control-Max-Age", "Age", "Allow", "Alt-Svc", "Basic-Auth", "Cache-Control", "CDN-Cache-Control",
	"Clear-Site-Data", "Connection", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Length", "Content-Location", "Content-Range", "Content-Security-Policy",
	"Content-Security-Policy-Report-Only", "Content-Type", "Cross-Origin-Embedder-Policy",
	"Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Date", "Deprecation", "ETag", "Expect-CT",
	"Expires", "Feature-Policy", "Last-Modified", "Link", "Location", "NEL", "Netlify-CDN-Cache-Control",
	"No-Vary-Search", "Observe-Browsing-Topics", "Origin-Agent-Cluster", "P3P", "Permissions-Policy", "Pragma",
	"Referrer-Policy", "Refresh", "Report-To", "Reporting-Endpoints", "Retry-After", "Server", "Server-Timing",
	"Service-Worker-Allowed", "Set-Cookie", "SourceMap", "Speculation-Rules", "Strict-Transport-Security",
	"Sunset", "Supports-Loading-Mode", "Surrogate-Control", "Surrogate-Key", "Timing-Allow-Origin", "Tk",
	"Trailer", "Transfer-Encoding", "Vary", "Via", "Warning", "WWW-Authenticate",
}

// ownFields are those that the server sets, because they describe its answer.
var ownFields = []string{
	"ETag", "Last-Modified", "Accept-Ranges", "Content-Range", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Trailer", "Server", "Date",
}

// checkField refuses headers that the server does not send or sets itself.
func checkField(field [2]string) error {
	name, value := field[0], field[1]
	for _, own := range ownFields {
		if strings.EqualFold(name, own) {
			return fmt.Errorf("%s is set by the server itself: remove it", own)
		}
	}
	switch {
	case strings.EqualFold(name, "Basic-Auth"):
		return errors.New("Basic-Auth sets a password on Netlify, but here it would be sent to clients: remove it and use --auth")
	case strings.Contains(name, "."):
		return fmt.Errorf("%q is the name of a file, not of a header", name)
	case strings.EqualFold(name, "Content-Type") && !isMediaType(value):
		return fmt.Errorf("Content-Type: %q is not a media type, such as application/json", value)
	case strings.EqualFold(name, "Content-Encoding") && !slices.Contains([]string{"br", "zstd", "gzip", "identity"}, value):
		return fmt.Errorf("Content-Encoding: %q is not a coding of stored files: write br, zstd, gzip, or identity for a file that is not compressed", value)
	}
	if _, err := http.Prepare(nil, field); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "http: "))
	}
	return nil
}

// isMediaType reports whether a text looks like one, perhaps with parameters.
func isMediaType(t string) bool {
	kind, sub, ok := strings.Cut(t, "/")
	if !ok || kind == "" || sub == "" || strings.ContainsAny(kind, " \t,;") {
		return false
	}
	_, err := http.Prepare(nil, [2]string{"Content-Type", t})
	return err == nil
}
