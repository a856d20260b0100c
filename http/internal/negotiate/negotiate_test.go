package negotiate

import "testing"

// Until there was this package, two copies answered these questions, one for files and
// one for middleware. A row that says so decides where they differed.

func TestWeights(t *testing.T) {
	for element, want := range map[string]int16{
		"gzip": 1000, "gzip;q=1": 1000, "gzip;q=1.0": 1000, "gzip;q=1.000": 1000, "gzip;q=1.": 1000,
		"gzip;q=0": 0, "gzip;q=0.5": 500, "gzip;Q=0.123": 123, "gzip;q=0.": 0, "gzip;q=0.05": 50,
		" gzip\t;\t q=0.5 ": 500, // blanks may be around the semicolon (RFC 9110 section 12.4.2)
		"gzip;q":            0, "gzip;q=": 0, "gzip;q=2": 0, "gzip;q=1.001": 0, "gzip;q=0.1234": 0, "gzip;q=0.a": 0,
		"gzip;q=-1": 0, "gzip;w=1": 0, "gzip;q=.5": 0, "gzip;q=00.5": 0, "gzip;q=yes": 0, "gzip;w=1;q=1": 0,
		"gzip;q = 0.5": 0, // and not around the sign, which files took
		"gzip;q =1":    0,
		"gzip;q= 1":    0,
		"gzip;":        0, // a semicolon announces a weight; files took none for 1
		"gzip; ":       0,
	} {
		if name, got := readWeighed(element); name != "gzip" || got != want {
			t.Errorf("%q: %q has %d, want %d", element, name, got, want)
		}
	}
}

func TestTheCodingOfTheLargestWeightIsChosen(t *testing.T) {
	names := []string{"identity", "br", "zstd", "gzip", "*"}
	const none = "none"
	tests := []struct {
		name   string
		fields []string
		want   string
	}{
		{"without a field bytes go as they are", nil, "identity"},
		{"and by an empty one", []string{""}, "identity"},
		{"the server prefers one of equal weights", []string{"gzip, deflate, br, zstd"}, "br"},
		{"and one that is compressed to the bytes as they are", []string{"identity, gzip"}, "gzip"},
		{"the client's weights go first", []string{"br;q=0.5, gzip;q=0.7"}, "gzip"},
		{"names have no case", []string{"GZip"}, "gzip"},
		{"but are ASCII", []string{"zſtd"}, "identity"}, // middleware took the long s for an s
		{"gzip has an old name", []string{"X-GZIP"}, "gzip"},
		{"several fields are one list", []string{"br;q=0.1", "gzip"}, "gzip"},
		{"a star is for all that is not named", []string{"br;q=0, *"}, "zstd"},
		{"and counts for identity, too", []string{"gzip;q=0.5, *"}, "br"},
		{"as in this", []string{"gzip;q=0.5, br;q=0, zstd;q=0, *"}, "identity"},
		{"identity stands behind all that is named", []string{"gzip;q=0.001"}, "gzip"},
		{"a weight of 0 refuses", []string{"gzip;q=0"}, "identity"},
		{"a weight that is none does as well", []string{"gzip;q=yes"}, "identity"},
		{"one with blanks around its sign is none", []string{"gzip; q = 0.5"}, "identity"}, // files took it
		{"of two weights the first counts", []string{"gzip;q=0, gzip"}, "identity"},        // files took the last
		{"in two fields as well", []string{"gzip;q=0", "gzip"}, "identity"},
		{"and for the old name", []string{"x-gzip;q=0, gzip"}, "identity"},
		{"identity may be refused", []string{"identity;q=0, gzip;q=0.1"}, "gzip"},
		{"with nothing else to be had", []string{"identity;q=0"}, none},
		{"or everything", []string{"*;q=0"}, none},
		{"but what is named", []string{"*;q=0, identity"}, "identity"},
		{"empty elements mean nothing", []string{" , ,gzip,"}, "gzip"},
		{"another name is not the one that it holds", []string{"xgzip, gzipped"}, "identity"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := make(Weights, len(names))
			for _, field := range test.fields {
				w.Read(names, field)
			}
			got := none
			if best, ok := w.Choose([]bool{true, true, true, true}); ok {
				got = names[best]
			}
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	w := make(Weights, len(names))
	w.Read(names, "br, gzip;q=0.5")
	if best, ok := w.Choose([]bool{true, false, true, true}); !ok || names[best] != "gzip" {
		t.Errorf("without br it is %d, %v", best, ok)
	}
	if n := testing.AllocsPerRun(100, func() { clear(w); w.Read(names, "gzip, deflate, br;q=0.5, zstd") }); n > 0 {
		t.Errorf("reading allocates %v times", n)
	}
}

func TestCompressible(t *testing.T) {
	for contentType, want := range map[string]bool{
		"text/html": true, "text/html; charset=utf-8": true, "application/json": true, "image/svg+xml": true, "application/ld+json": true,
		"font/ttf": true, "font/woff2": false, "image/png": false, "application/zip": false, "application/octet-stream": false, "": false,
		"TEXT/HTML":                       true, // types have no case (RFC 9110 section 8.3.1), which files did not know
		"Application/JSON; charset=utf-8": true,
		"text/plain ; charset=utf-8":      true,
		"application/json ;a=b":           true, // blanks may be before a parameter (section 5.6.6), which files did not know
		"application/yaml":                true, // files did not have these two
		"application/x-ndjson":            true,
		"text/event-stream":               false, // files had it as text
		"text/event-stream; a=b":          false,
		"text/Event-Stream":               false,
		"TEXT/event-stream ;a=b":          false,
		"image/PNG":                       false,
		"text":                            false,
	} {
		if got := Compressible(contentType); got != want {
			t.Errorf("%q: %v, want %v", contentType, got, want)
		}
	}
}

func TestHasTag(t *testing.T) {
	for _, test := range []struct {
		list         string
		strong, weak bool // in the comparison of that kind
	}{
		{`"a"`, true, true},
		{`W/"a"`, false, true},
		{`w/"a"`, false, false},
		{`"b", "a"`, true, true},
		{` , "b" ,W/"a", `, false, true},
		{"\"b\",\t\"a\"", true, true},
		{`"a, b", "a"`, true, true},
		{`"b, a"`, false, false},
		{`*`, true, true},
		{` * `, true, true},
		{`"b", *`, false, false},
		{`a`, false, false},
		{`"a`, false, false},
		{`b, "a"`, false, false}, // a list is read up to where it is malformed
		{``, false, false},
	} {
		if got := HasTag(test.list, `"a"`, false, false); got != test.strong {
			t.Errorf("%s, strongly: %v", test.list, got)
		}
		if got := HasTag(test.list, `"a"`, false, true); got != test.weak {
			t.Errorf("%s, weakly: %v", test.list, got)
		}
		if got := HasTag(test.list, `"a"`, true, false); got && test.list != "*" && test.list != " * " {
			t.Errorf("%s: a weak tag matches strongly", test.list)
		}
	}
}

func TestNamesHaveNoCase(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "a", true}, {"A", "a", true}, {"Content-TYPE", "content-type", true},
		{"a", "b", false}, {"a", "ab", false}, {"[", "{", false}, {"@", "`", false}, {"a-", "a\r", false},
		{"\u212a", "k", false}, {"\u017f", "s", false}, {"kel", "\u212ael", false},
		{"\u00c4", "\u00e4", false},
	} {
		if got := EqualFold(test.a, test.b); got != test.want {
			t.Errorf("%q and %q: %v", test.a, test.b, got)
		}
		if got := EqualFold([]byte(test.b), test.a); got != test.want {
			t.Errorf("%q and %q: %v", test.b, test.a, got)
		}
		if got := SameFold([]byte(test.a), test.b); got != test.want {
			t.Errorf("%q and %q, which is lower: %v", test.a, test.b, got)
		}
	}
}

func TestLists(t *testing.T) {
	for list, want := range map[string]bool{
		"": false, "close": true, "te,\tClose ": true, "closed": false, "close=1": true, " close = 1": true, "a=close": false, ",,close": true,
	} {
		if got := Lists(list, "close"); got != want {
			t.Errorf("%q: %v", list, got)
		}
	}
}

func TestNextElement(t *testing.T) {
	for list, want := range map[string][]string{
		"": {""}, "a": {"a"}, " a ,\tb": {"a", "b"}, ",a,, ": {"", "a", "", ""}, "a b": {"a b"},
	} {
		var got []string
		for rest, again := []byte(list), true; again; {
			var element []byte
			element, rest, again = NextElement(rest)
			got = append(got, string(element))
		}
		if len(got) != len(want) {
			t.Errorf("%q: %q", list, got)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%q: %q", list, got)
			}
		}
	}
}

// FuzzNegotiate checks any text: a weight is from 0 to 1000, a strong match is a weak one
// as well, and the case of letters does not matter for types and names of codings.
func FuzzNegotiate(f *testing.F) {
	for _, text := range []string{
		"gzip;q=0.5, br, *;q=0", "identity;q=0,x-gzip;q = 1", `W/"a", "b", "a"`, "*", "text/html ;charset=utf-8", "text/Event-Stream", "application/ld+JSON;",
	} {
		f.Add(text)
	}
	names := []string{"identity", "br", "zstd", "gzip", "*"}
	f.Fuzz(func(t *testing.T, text string) {
		w, folded := make(Weights, len(names)), make(Weights, len(names))
		w.Read(names, text)
		folded.Read(names, swapCase(text))
		for i := range names[:4] {
			if q := w.Of(i); q < 0 || q > 1000 || q != folded.Of(i) {
				t.Errorf("%q gives %s %d, and %d in the other case", text, names[i], q, folded.Of(i))
			}
		}
		if HasTag(text, `"a"`, false, false) && !HasTag(text, `"a"`, true, true) {
			t.Errorf("%q has the tag in the strong comparison only", text)
		}
		if Compressible(text) != Compressible(swapCase(text)) {
			t.Errorf("%q is a type of which the case matters", text)
		}
		if !EqualFold(text, swapCase(text)) {
			t.Errorf("%q is not equal to itself in the other case", text)
		}
	})
}

// swapCase returns s with the other case of its ASCII letters.
func swapCase(s string) string {
	p := []byte(s)
	for i, c := range p {
		if 'a' <= c|0x20 && c|0x20 <= 'z' {
			p[i] ^= 0x20
		}
	}
	return string(p)
}
