package main

import (
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/bobbin-http/bobbin/http"
)

// A [[test]] table in the configuration file says what a request is to be answered with. The
// tests run before each reload, which a test that fails refuses, and in bobbin config test:
// see testrun.go.

// A siteTest is one of these tables.
type siteTest struct {
	place string // FILE:LINE:COLUMN

	// The request.
	get    string
	host   string
	scheme string     // http or https; that of the site if ""
	from   netip.Addr // the client
	send   []string   // NAME: VALUE

	// The answer.
	expect   int
	header   []string // NAME: VALUE; without a value the field is not to be there
	location string
	contains string
}

// testKeys are the keys of a table, in the order in which config print writes them.
var testKeys = []string{"get", "host", "scheme", "from", "send", "expect", "header", "location", "contains"}

// readTests reads the tables of a file.
func (o *options) readTests(file string, text []byte, value any, at place) error {
	tables, _ := value.([]any)
	places := tablePlaces(text, "test")
	if len(tables) == 0 || len(tables) != len(places) {
		return fmt.Errorf("%s:%s: each test is a table of its own: write [[test]], and below it get = \"/\" and expect = 200", file, at.key)
	}
	for i, one := range tables {
		table, _ := one.(map[string]any)
		t := siteTest{place: fmt.Sprintf("%s:%s", file, places[i][""].key), host: "localhost", from: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		for _, key := range slices.SortedFunc(maps.Keys(table), func(a, b string) int { return places[i][a].compare(places[i][b]) }) {
			if !slices.Contains(testKeys, key) {
				return fmt.Errorf("%s:%s: unknown key %q of a test%s", file, places[i][key].key, key, meant(key, testKeys))
			}
			if wrong := t.set(key, table[key]); wrong != "" {
				return fmt.Errorf("%s:%s: %s", file, places[i][key].value, wrong)
			}
		}
		switch {
		case t.get == "":
			return fmt.Errorf("%s: the test has no get: write get = \"/\", or another path", t.place)
		case t.expect == 0:
			return fmt.Errorf("%s: the test has no expect: write expect = 200, or another status", t.place)
		}
		o.tests = append(o.tests, t)
	}
	return nil
}

// set sets one key, or returns what is wrong with its value.
func (t *siteTest) set(key string, value any) (wrong string) {
	text, isText := value.(string)
	switch key {
	case "expect":
		n, ok := value.(int64)
		if !ok || n < 200 || n > 599 {
			return fmt.Sprintf("expect must be a status from 200 to 599, not %v: write expect = 200", inQuotes(value))
		}
		t.expect = int(n)
		return ""
	case "send", "header":
		list, wrong := fieldList(key, value)
		if key == "send" {
			t.send = list
		} else {
			t.header = list
		}
		return wrong
	}
	switch {
	case !isText:
		return fmt.Sprintf("%s must be a string, not %s: write %s = \"…\"", key, typeName(value), key)
	case text == "":
		return fmt.Sprintf("%s is empty: give it a value, or leave it out", key)
	}
	switch key {
	case "get":
		t.get = text
		switch {
		case strings.Contains(text, "://"):
			return fmt.Sprintf("get is a path, and not %q: write the name with host = \"…\"", text)
		case text[0] != '/' || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
			return fmt.Sprintf("get must be a path as it is sent, such as /a%%20b?c=d, not %q", text)
		}
	case "host":
		t.host = text
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '/' }) {
			return fmt.Sprintf("host must be a name, such as www.example.com, not %q", text)
		}
	case "scheme":
		t.scheme = text
		if text != "http" && text != "https" {
			return fmt.Sprintf("scheme must be http or https, not %q", text)
		}
	case "from":
		var err error
		if t.from, err = netip.ParseAddr(text); err != nil || t.from.Zone() != "" {
			return fmt.Sprintf("from must be the IP address of a client, such as 192.0.2.1, not %q", text)
		}
	case "location":
		t.location = text
	case "contains":
		t.contains = text
	}
	return ""
}

// inQuotes returns a value for an error.
func inQuotes(value any) string {
	if text, ok := value.(string); ok {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprint(value)
}

// fieldList returns a list of fields, or what is wrong with it.
func fieldList(key string, value any) (list []string, wrong string) {
	all, ok := value.([]any)
	if !ok {
		return nil, fmt.Sprintf("%s must be a list of strings, not %s: write %s = [\"Name: value\"]", key, typeName(value), key)
	}
	for _, one := range all {
		text, ok := one.(string)
		name, field, colon := strings.Cut(text, ":")
		field = strings.TrimSpace(field)
		if !ok || !colon {
			return nil, fmt.Sprintf("%s has %v, which is no field: write \"Name: value\"", key, inQuotes(one))
		}
		if _, err := http.Prepare(nil, [2]string{name, field}); err != nil && !serversOwn(name) {
			return nil, fmt.Sprintf("%s: %s", key, strings.TrimPrefix(err.Error(), "http: "))
		}
		if key == "send" && strings.EqualFold(name, "host") {
			return nil, "send has a Host: write host = \"…\" in its place"
		}
		list = append(list, name+": "+field)
	}
	return list, ""
}

// serversOwn reports whether a field is one that handlers cannot set, and answers have.
func serversOwn(name string) bool {
	return slices.ContainsFunc([]string{"Connection", "Content-Length", "Date", "ETag", "Last-Modified", "Accept-Ranges", "Content-Range", "Content-Encoding", "Transfer-Encoding"},
		func(own string) bool { return strings.EqualFold(own, name) })
}

// tablePlaces returns the places of the keys of each table [[name]], and its own as that of "".
func tablePlaces(text []byte, name string) (tables []map[string]place) {
	var p unstable.Parser
	p.Reset(text)
	var in map[string]place
	for p.NextExpression() {
		e := p.Expression()
		keys := e.Key()
		if !keys.Next() {
			continue
		}
		first := keys.Node()
		isTable := e.Kind == unstable.Table || e.Kind == unstable.ArrayTable
		if isTable {
			in = nil
		}
		note := func(in map[string]place, as string, key *unstable.Node) {
			if in[as] == (place{}) {
				in[as] = placeOf(&p, text, key)
			}
		}
		switch nested := isTable && keys.Next(); {
		case isTable && string(first.Data) != name:
		case nested && len(tables) > 0: // a key whose value is a table
			note(tables[len(tables)-1], string(keys.Node().Data), keys.Node())
		case e.Kind == unstable.ArrayTable && !nested:
			in = make(map[string]place)
			tables = append(tables, in)
			note(in, "", first)
		case !isTable && in != nil:
			note(in, string(first.Data), first)
		}
	}
	return tables
}

// printTests writes the tables.
func printTests(w io.Writer, o *options) {
	for _, t := range o.tests {
		fmt.Fprintf(w, "\n[[test]] # %s\n", onlyFile.ReplaceAllString(t.place, ""))
		for _, key := range testKeys {
			if text := t.written(key); text != "" {
				fmt.Fprintf(w, "%s = %s\n", key, text)
			}
		}
	}
}

// written returns the value of a key in TOML, "" if it is not set.
func (t *siteTest) written(key string) string {
	one, list := "", []string(nil)
	switch key {
	case "get":
		one = t.get
	case "host":
		one = t.host
	case "scheme":
		one = t.scheme
	case "from":
		one = t.from.String()
	case "location":
		one = t.location
	case "contains":
		one = t.contains
	case "expect":
		return fmt.Sprint(t.expect)
	case "send":
		list = slices.Clone(t.send)
	case "header":
		list = slices.Clone(t.header)
	}
	switch {
	case one != "":
		return quote(one)
	case len(list) > 0:
		for i := range list {
			list[i] = quote(list[i])
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	return ""
}
