package static

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// TestARememberedValueMeansTheSame asks for more values than are remembered, in random
// order, and compares the choices with those of values that are read anew.
func TestARememberedValueMeansTheSame(t *testing.T) {
	values := []string{
		"", "gzip", "gzip, deflate", "gzip, deflate, br", "gzip, deflate, br, zstd", "GZIP", "identity", "identity;q=0",
		"*", "*;q=0", "br;q=0.5, gzip", "zstd;q=0.1, *;q=0.2", "x-gzip", "gzip;q=0, identity;q=0.5, *",
		"gzip, " + strings.Repeat("x", acceptedMax), strings.Repeat("x", acceptedMax-6) + ", gzip",
	}
	r := rand.New(rand.NewPCG(1, 2))
	var c acceptCache
	for range 5000 {
		value := values[r.IntN(len(values))]
		o := offersKnown | offers(r.IntN(int(offersKnown)))
		var weights [codings + 1]int16
		negotiate.Weights(weights[:]).Read(codingNames[:], value)
		var there [codings]bool
		for i := range there {
			there[i] = o&(1<<i) != 0
		}
		want, wantOK := negotiate.Weights(weights[:]).Choose(there[:])
		got, ok := c.choose([]byte(value), o)
		if ok != wantOK || ok && int(got) != want {
			t.Fatalf("%q of %b: %v, %v, want %v, %v", value, o, got, ok, coding(want), wantOK)
		}
	}
}

// TestOffersFollowTheEntry asks for a file before, while and after it is
// compressed.
func TestOffersFollowTheEntry(t *testing.T) {
	files := open(t, tree(t, map[string]string{"a.txt": letters(5000), "b.txt": letters(5000)}), Options{Encoders: []Encoder{{"gzip", gzipped}}})
	visit(t, files, func(v *visitor) {
		for range 3 {
			for _, path := range []string{"/a.txt", "/b.txt"} {
				for _, accept := range []string{"gzip", "br", "gzip;q=0", "gzip, br"} {
					want := ""
					if accept == "gzip" || accept == "gzip, br" {
						want = "gzip"
					}
					got := v.ask("GET "+path, "Accept-Encoding: "+accept, "Referer: http://a/", "Accept-Language: en")
					if got.status != 200 || got.header.Get("Content-Encoding") != want {
						t.Errorf("%s as %s: %v", path, accept, got)
					}
				}
			}
		}
		e := files.cache.get([]byte("/a.txt"))
		if o := files.offered(e); o != offersKnown|1<<identity|1<<gzip {
			t.Errorf("the offers are %b", o)
		}
		e.encoding[gzip], e.representations[gzip], e.offers = true, nil, 0
		if o := files.offered(e); o != offersKnown|1<<identity {
			t.Errorf("while it is being compressed, the offers are %b", o)
		}
		(&encoded{e: e.retain(), coding: gzip}).over() // it was not, for a lack of memory perhaps
		if o := files.offered(e); o != offersKnown|1<<identity|1<<gzip {
			t.Errorf("when it could not be compressed, the offers are %b", o)
		}
	})
}
