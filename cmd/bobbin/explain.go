package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"net/netip"
	neturl "net/url"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// bobbin explain makes a request of the settings, over the simulated kernel as a [[test]] does,
// and says which of them decide the answer.

// explainCommand is "bobbin explain URL [flags] [PATH]".
func explainCommand(t *terminals, args []string, env func(string) string) int {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return t.fail(errors.New("usage: bobbin explain URL [flags] [PATH]; URL comes first, such as /docs/ or https://www.example.com/docs/"))
	}
	asked, err := readAsked(args[0])
	if err != nil {
		return t.fail(err)
	}
	o, err := parse(args[1:], env)
	if err != nil {
		return t.fail(err)
	}
	if asked.scheme == "https" && !o.https.on() {
		return t.fail(errors.New("the site is not served over HTTPS: write http:// in the URL, or add --tls self"))
	}
	alone := o.rehearsed()
	if asked.scheme == "" {
		asked.scheme = "http"
		if o.https.on() {
			asked.scheme = "https"
		}
	}
	s, err := prepare(&alone, io.Discard, slog.New(slog.DiscardHandler))
	if err != nil {
		return t.fail(err)
	}
	e := &explanation{asked: asked}
	err = errors.Join(s.rehearse(&alone, func(k *testKernel, script *sim.Script) {
		e.answer, e.body, e.wrong, e.cut = asked.ask(k, script, alone.https.on())
	}), s.close())
	if err == nil {
		err = e.find(s, &alone)
	}
	if err != nil {
		return t.fail(err)
	}
	if e.wrong != "" {
		return t.fail(errors.New(e.wrong))
	}
	e.print(t.out)
	return exitOK
}

// readAsked reads a URL as people type it.
func readAsked(text string) (*siteTest, error) {
	t := &siteTest{host: "localhost", from: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	rest := text
	for _, scheme := range []string{"http", "https"} {
		if after, ok := strings.CutPrefix(rest, scheme+"://"); ok {
			t.scheme, rest = scheme, after
		}
	}
	if rest != "" && rest[0] != '/' || t.scheme != "" {
		t.host, rest, _ = strings.Cut(rest, "/")
		rest = "/" + rest
	}
	rest, _, _ = strings.Cut(rest, "#") // stays in the browser
	if name := nameOf(t.host); checkHosts([]string{name}) != nil || strings.ContainsAny(t.host, "@?*") || !strings.ContainsAny(name, ".:") && name != "localhost" {
		return nil, fmt.Errorf("%q is no URL of a site: a path begins with a slash, as in /docs/, and a name is one such as www.example.com", text)
	}
	t.get = string(http.EscapeURI(nil, rest))
	if _, err := neturl.Parse("http://" + t.host + t.get); err != nil || t.host == "" || rest == "" || strings.ContainsFunc(t.host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fmt.Errorf("%q is no URL of a site: write /docs/, www.example.com/docs/ or https://www.example.com/docs/", text)
	}
	return t, nil
}

// An explanation is what is said of one request.
type explanation struct {
	asked  *siteTest
	answer *nethttp.Response
	body   []byte
	cut    error  // the body did not end
	wrong  string // there is no answer

	part  *part // nil for what is above the tables
	above string
	rules []string
}

// find finds the part and the rules for the request.
func (e *explanation) find(s *site, o *options) error {
	raw, _, _ := strings.Cut(e.asked.get, "?")
	path, err := http.CleanPath(nil, []byte(raw))
	if err != nil {
		return nil // the answer says so
	}
	own := o
	if c := s.loops[0].choose; c != nil {
		c.order(nameOf(e.asked.host))
		if n := c.at(path); n >= 0 {
			e.part, own = o.parts[n], o.parts[n].options
		}
	}
	if e.above = own.path; own.isDefault() {
		e.above = "the default site"
		return nil // which has no rules
	}
	if own.path == "" {
		e.above = "no site"
		return nil
	}
	from, err := own.site.readSources(own.path)
	if err != nil {
		return err
	}
	note := func(format string, args ...any) { e.rules = append(e.rules, fmt.Sprintf(format, args...)) }
	if own.closed.maintenance != "" || o.closed.maintenance != "" {
		note("maintenance is on")
	}
	if own.site.auth != "" {
		note("auth %s", own.site.auth)
	}
	if e.answer.StatusCode == nethttp.StatusNotFound {
		for _, other := range o.all() {
			if other != own && other.path != "" && other.isGuarded() && !own.isIn(other.path) {
				note("%s is served by its own site alone, also where links and redirects lead to it", other.path)
			}
		}
	}
	forced := from.redirects.For(e.asked.host, string(path), true)
	switch missing := from.redirects.For(e.asked.host, string(path), false); {
	case forced != nil:
		note("redirect %s", forced)
	case missing != nil:
		note("redirect %s (if there is no such file)", missing)
	}
	if e.answer.StatusCode >= 300 {
		return nil // the rules below are for files
	}
	if i := slices.IndexFunc(from.fields.cache, func(r fieldRule) bool { return r.match(string(path)) }); i >= 0 {
		note("cache %s", &from.fields.cache[i])
	}
	for i := range from.fields.header {
		if from.fields.header[i].match(string(path)) {
			note("header %s", &from.fields.header[i])
		}
	}
	return nil
}

// print writes the explanation.
func (e *explanation) print(w io.Writer) {
	fmt.Fprintf(w, "GET %s://%s%s\n", e.asked.scheme, e.asked.host, e.asked.get)
	switch {
	case e.part != nil && e.part.options.site.prefix != "":
		fmt.Fprintf(w, "  site    %s at %s: [[site]] of %s\n", e.part.options.path, e.part.options.site.prefix, e.part.place)
	case e.part != nil:
		fmt.Fprintf(w, "  site    %s: [[site]] of %s\n", e.part.options.path, e.part.place)
	case e.above != "":
		fmt.Fprintf(w, "  site    %s\n", e.above)
	}
	for _, rule := range e.rules {
		fmt.Fprintf(w, "  rule    %s\n", rule)
	}
	length := fmt.Sprintf("%d bytes", len(e.body))
	switch {
	case e.cut != nil:
		length += ", and cut off there: " + e.cut.Error()
	case e.answer.ContentLength > int64(len(e.body)):
		length = fmt.Sprintf("%d bytes", e.answer.ContentLength)
	}
	fmt.Fprintf(w, "  answer  %s, %s\n", e.answer.Status, length)
	var names []string
	for name := range e.answer.Header {
		if name != "Date" && name != "Server" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range e.answer.Header[name] {
			fmt.Fprintf(w, "          %s: %s\n", asWritten(name), value)
		}
	}
	if text, is := strings.CutPrefix(string(e.body), e.answer.Status); is && e.answer.StatusCode >= 400 {
		if why := strings.Trim(text, ": \n"); why != "" {
			fmt.Fprintf(w, "  because %s\n", why)
		}
	}
}

// asWritten returns the name of a field with the capitals of its RFC.
func asWritten(name string) string {
	switch name {
	case "Etag":
		return "ETag"
	case "Www-Authenticate":
		return "WWW-Authenticate"
	}
	return name
}

// String returns the rule for a person.
func (r *fieldRule) String() string {
	where := r.where.String()
	if where != "" {
		where += ": "
	}
	if r.removes {
		return where + "! " + r.field[0]
	}
	return where + r.field[0] + ": " + r.field[1]
}
