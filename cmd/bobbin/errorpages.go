package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The pages of errors. A browser gets a small page in the style of the default site, any
// other client a line of plain text. A folder's own 404.html goes before.

var (
	//go:embed site/error.html
	errorPage string

	//go:embed site/error.css
	errorStyle string

	errorPolicy = pagePolicy(errorStyle)
)

// An errorText explains a status to a person.
type errorText struct {
	title string
	text  string
	link  errorLink
}

// An errorLink is the way on from a page of an error.
type errorLink int

const (
	toStart errorLink = iota
	tryAgain
	noWay // every other request would have the same answer
)

// errorTexts has the statuses that the program answers with. Others have their phrase and
// the text of their kind.
var errorTexts = map[http.Status]errorText{
	400: {"This request was not understood", "There is an error in the address, or in what the browser has sent.", toStart},
	401: {"This page needs a password", "Load the page again to enter a name and a password.", tryAgain},
	403: {"This page is closed", "The address exists, but the server may not read what is there.", toStart},
	404: {"There is no page here", "Perhaps there is a typing error in the address, or the page has moved away.", toStart},
	405: {"This page cannot do that", "The page can be read, but it takes no other kind of request.", toStart},
	406: {"There is no version for this browser", "The page exists only in encodings that the browser does not take.", toStart},
	408: {"The request took too long", "The connection is slow or was interrupted.", tryAgain},
	410: {"This page is gone", "It was here once, and was removed for good.", toStart},
	412: {"The page has changed", "The request applies to another version of the page.", tryAgain},
	413: {"That is too large", "The server does not take that much at once.", toStart},
	414: {"This address is too long", "The server does not take addresses of this length.", toStart},
	416: {"The file is shorter than that", "The part that was requested lies behind the end of the file.", toStart},
	417: {"The server cannot promise that", "The request expects something that this server does not do.", toStart},
	421: {"This server has another name", "It does not answer to the one in the address.", noWay},
	429: {"Too many requests", "Wait a moment before the next one.", tryAgain},
	431: {"The browser sent too much", "Deleting the cookies of this site often helps.", tryAgain},
	500: {"Something went wrong", "The fault is the server’s, not yours. Its log has the reason.", tryAgain},
	501: {"The server does not know this", "It cannot answer this kind of request.", toStart},
	503: {"The server is busy", "It should be able to answer in a moment.", tryAgain},
	505: {"This version of HTTP is not served", "The server has HTTP/1.1 and HTTP/1.0.", noWay},
}

// textOf returns the explanation of any status from 400 to 599.
func textOf(s http.Status) errorText {
	t, ok := errorTexts[s]
	switch {
	case ok:
		return t
	case s < 500:
		t = errorText{s.Text(), "The server does not answer this request.", toStart}
	default:
		t = errorText{s.Text(), "The server cannot answer this request.", tryAgain}
	}
	if t.title == "" {
		t.title = "Error " + strconv.Itoa(int(s))
	}
	return t
}

// errorPages is the http.ErrorHandler of the program.
func errorPages(w *http.Response, r *http.Request, f http.Failure) error {
	w.Add("Vary", "Accept")
	if !wantsErrorPage(r, f.Status) {
		return nil
	}
	t, more := textOf(f.Status), ""
	if f.Reason != "" {
		more = "<p class=\"why\">" + html.EscapeString(strings.ToUpper(f.Reason[:1])+f.Reason[1:]) + ".</p>\n"
	}
	switch host := r.Host(); {
	case strings.HasPrefix(f.Reason, "this is HTTPS") && host != "":
		t = errorText{title: "This address needs HTTPS", text: "The browser has asked by plain HTTP."}
		to := addressOf(host, true) + string(r.PathBytes())
		if query, asked := r.QueryBytes(); asked {
			to += "?" + string(query)
		}
		more = "<a href=\"" + html.EscapeString(to) + "\">Open it by HTTPS</a>\n"
	case t.link == tryAgain:
		more += "<a href=\"\">Try again</a>\n"
	case t.link == toStart && r.Path() != "/":
		more += "<a href=\"/\">Back to the start</a>\n"
	}
	w.Add("Content-Type", "text/html; charset=utf-8").Add("Content-Security-Policy", errorPolicy)
	return w.WriteNoCopy([]byte(strings.NewReplacer(
		"{status}", strconv.Itoa(int(f.Status)), "{title}", html.EscapeString(t.title), "{text}", t.text, "{more}", more, "{style}", errorStyle,
	).Replace(errorPage)))
}

// wantsErrorPage reports whether the client is a browser that shows a page. A request
// whose head was refused has no Accept field; one that is too large for the server comes
// from a browser with many cookies as a rule.
func wantsErrorPage(r *http.Request, s http.Status) bool {
	accept := r.HeaderBytes("accept")
	if accept == nil && r.Refused() != nil {
		return s == http.StatusRequestHeaderFieldsTooLarge || s == http.StatusURITooLong
	}
	return acceptsHTML(accept)
}

// acceptsHTML reports whether an Accept field names HTML, and plain text with no larger
// weight (RFC 9110 section 12.5.1).
func acceptsHTML(accept []byte) bool {
	page, text := 0.0, 0.0
	for element := range bytes.SplitSeq(accept, []byte(",")) {
		name, parameters, _ := strings.Cut(string(element), ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "text/html":
			page = weightOf(parameters)
		case "text/plain":
			text = weightOf(parameters)
		}
	}
	return page > 0 && page >= text
}

// weightOf returns the weight among the parameters of an element, 1 if there is none.
func weightOf(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			q, _ := strconv.ParseFloat(value, 64) // 0 if it is no number
			return q
		}
	}
	return 1
}

// pagePolicy returns the Content-Security-Policy of a page with one style sheet in it and
// icons as data, which allows nothing else.
func pagePolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; img-src data:; style-src 'sha256-%s'",
		base64.StdEncoding.EncodeToString(sum[:]))
}
