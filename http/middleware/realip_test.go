package middleware

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

func TestForWhomAProxySpeaks(t *testing.T) {
	const peer = "10.0.0.1" // whom the simulated kernel has as every peer
	for _, row := range []struct {
		name    string
		trusted string
		field   string
		fields  []string
		want    string
	}{
		{"nobody says anything", "10.0.0.0/8", "", nil, peer},
		{"a proxy speaks for one", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1"},
		{"a stranger is not believed", "172.16.0.0/12", "", []string{"X-Forwarded-For: 192.0.2.1"}, peer},
		{"what the client made up is not believed", "10.0.0.0/8", "", []string{"X-Forwarded-For: 127.0.0.1, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies, one behind the other", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.9, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"in fields of their own", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.9", "x-forwarded-FOR: 192.0.2.1", "X-Forwarded-For:10.0.0.2"}, "192.0.2.1"},
		{"a proxy asks for itself", "10.0.0.0/8", "", []string{"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"one address is trusted, and not its neighbours", "10.0.0.1", "", []string{"X-Forwarded-For: 192.0.2.1, 10.0.0.2"}, "10.0.0.2"},
		{"nonsense behind a proxy is that proxy", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1, nonsense, 10.0.0.2"}, "10.0.0.2"},
		{"nonsense alone is the peer", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1, 1.2.3"}, peer},
		{"nothing is no address", "10.0.0.0/8", "", []string{"X-Forwarded-For: "}, peer},
		{"elements may be empty", "10.0.0.0/8", "", []string{"X-Forwarded-For: ,192.0.2.1 ,\t,"}, "192.0.2.1"},
		{"a port is left out", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1:1234"}, "192.0.2.1"},
		{"IPv6", "10.0.0.0/8", "", []string{"X-Forwarded-For: 2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.0/8", "", []string{"X-Forwarded-For: [2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 with a port", "10.0.0.0/8", "", []string{"X-Forwarded-For: [2001:db8::1]:1234"}, "2001:db8::1"},
		{"IPv6 with a zone", "10.0.0.0/8", "", []string{"X-Forwarded-For: fe80::1%eth0"}, "fe80::1"},
		{"IPv4 in brackets is nonsense", "10.0.0.0/8", "", []string{"X-Forwarded-For: [192.0.2.1]"}, peer},
		{"IPv4 in the form of IPv6 is IPv4", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.2"}, "192.0.2.1"},
		{"the other field is not looked at", "10.0.0.0/8", "", []string{"Forwarded: for=192.0.2.1"}, peer},
		{"nor the first, if it is the other", "10.0.0.0/8", "Forwarded", []string{"X-Forwarded-For: 192.0.2.1"}, peer},
		{"another field", "10.0.0.0/8", "X-Real-IP", []string{"X-Real-Ip: 192.0.2.1"}, "192.0.2.1"},

		{"Forwarded", "10.0.0.0/8", "forwarded", []string{"Forwarded: for=192.0.2.1"}, "192.0.2.1"},
		{"names have no case", "10.0.0.0/8", "Forwarded", []string{"Forwarded: proto=http;FOR=192.0.2.1;by=10.0.0.1"}, "192.0.2.1"},
		{"quoted", "10.0.0.0/8", "Forwarded", []string{`Forwarded: for="[2001:db8::1]:1234"`}, "2001:db8::1"},
		{"with escapes", "10.0.0.0/8", "Forwarded", []string{`Forwarded: for="192\.0.2.1" ; by="\"a,b;c\""`}, "192.0.2.1"},
		{"quotes hide no comma", "10.0.0.0/8", "Forwarded", []string{`Forwarded: for=192.0.2.1;by=",for=192.0.2.9,", for=10.0.0.2`}, "192.0.2.1"},
		{"from the right", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.9, for=192.0.2.1", "Forwarded: for=10.0.0.2"}, "192.0.2.1"},
		{"who is hidden is not found", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1, for=_hidden, for=10.0.0.2"}, "10.0.0.2"},
		{"nor who is unknown", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1, for=unknown"}, peer},
		{"nor who is not mentioned", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1, proto=https"}, peer},
		{"twice is malformed", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1;for=192.0.2.2"}, peer},
		{"a quote that does not end", "10.0.0.0/8", "Forwarded", []string{`Forwarded: for=192.0.2.1, by="a`}, peer},
		{"something behind a quote", "10.0.0.0/8", "Forwarded", []string{`Forwarded: for="192.0.2.1"x`}, peer},
		{"no value", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for="}, peer},
		{"no name", "10.0.0.0/8", "Forwarded", []string{"Forwarded: 192.0.2.1"}, peer},
		{"what is malformed spoils its field alone", "10.0.0.0/8", "Forwarded", []string{`Forwarded: for="`, "Forwarded: for=192.0.2.1, for=10.0.0.2"}, "192.0.2.1"},
	} {
		prefixes, err := ParsePrefixes(row.trusted)
		if err != nil {
			t.Fatal(err)
		}
		ip := RealIP{Trusted: prefixes, Field: row.field}
		with(t, ip.Wrap(func(w *http.Response, r *http.Request) error { return w.Text(r.ClientAddr().String()) }), func(ask asker) {
			if got := body(ask("GET", "/", row.fields...)); got != row.want {
				t.Errorf("%s: %s, want %s", row.name, got, row.want)
			}
		})
	}
}

// TestByWhatSchemeTheClientHasAsked: the proxy tells, and nobody else.
func TestByWhatSchemeTheClientHasAsked(t *testing.T) {
	for _, row := range []struct {
		name    string
		trusted string
		field   string
		fields  []string
		want    string
	}{
		{"a proxy tells nothing", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1"}, "http"},
		{"a proxy has TLS", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"}, "https"},
		{"in large letters", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: HTTPS"}, "https"},
		{"a stranger is not believed", "172.16.0.0/12", "", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"}, "http"},
		{"without a client there is none to ask", "10.0.0.0/8", "", []string{"X-Forwarded-Proto: https"}, "http"},
		{"two values tell nothing", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Proto: https"}, "http"},
		{"nor does a list", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https, http"}, "http"},
		{"nor another scheme", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: wss"}, "http"},
		{"Forwarded has it beside the client", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1;proto=https"}, "https"},
		{"of the client, and not of a proxy", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"}, "https"},
		{"what is before the client may be forged", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.9;proto=https, for=192.0.2.1"}, "http"},
		{"twice is malformed", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1;proto=https;proto=https"}, "http"},
		{"the other field is not looked at", "10.0.0.0/8", "Forwarded", []string{"Forwarded: for=192.0.2.1", "X-Forwarded-Proto: https"}, "http"},
		{"in either direction", "10.0.0.0/8", "", []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1;proto=https"}, "http"},
	} {
		prefixes, err := ParsePrefixes(row.trusted)
		if err != nil {
			t.Fatal(err)
		}
		ip := RealIP{Trusted: prefixes, Field: row.field}
		with(t, ip.Wrap(func(w *http.Response, r *http.Request) error { return w.Text(r.Scheme()) }), func(ask asker) {
			if got := body(ask("GET", "/", row.fields...)); got != row.want {
				t.Errorf("%s: %s, want %s", row.name, got, row.want)
			}
			if got := body(ask("GET", "/")); got != "http" {
				t.Errorf("%s: the next request is %s", row.name, got)
			}
		})
	}
}

func TestAUnixSocketIsTrustedIfWanted(t *testing.T) {
	for _, unix := range []bool{false, true} {
		ip := RealIP{UnixSocket: unix}
		if ip.trusts(netip.Addr{}) != unix || ip.trusts(netip.MustParseAddr("127.0.0.1")) {
			t.Errorf("%v", unix)
		}
	}
}

func TestPrefixes(t *testing.T) {
	got, err := ParsePrefixes("192.0.2.1, 10.0.0.0/8,2001:db8::/32 ,::1, ::ffff:192.0.2.0/120")
	if want := "[192.0.2.1/32 10.0.0.0/8 2001:db8::/32 ::1/128 192.0.2.0/24]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v", got, err)
	}
	for list, want := range map[string]string{
		"":             "is not an address or",
		"10.0.0.0/8,":  "is not an address or",
		"proxy":        `"proxy" is not an address`,
		"10.0.0.0/33":  "is not an address or",
		"10.1.2.3/8":   `did you mean "10.0.0.0/8" or "10.1.2.3"?`,
		"fe80::1%eth0": `did you mean "fe80::1"?`,
	} {
		if _, err := ParsePrefixes(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// Whatever is sent, it is an address that was there, or none.
func FuzzForwarded(f *testing.F) {
	f.Add(`for=192.0.2.1;by="a,\"b", for="[2001:db8::1]:80"`)
	f.Fuzz(func(t *testing.T, field string) {
		for _, one := range append(readForwarded(field), readAddrs(field)...) {
			a := one.addr
			if a.Is4() && !strings.Contains(strings.ReplaceAll(field, `\`, ""), a.String()) && !strings.Contains(field, ":") {
				t.Errorf("%s is not in %q", a, field)
			}
		}
	})
}

func ExampleParsePrefixes() {
	trusted, err := ParsePrefixes("127.0.0.1, ::1, 10.0.0.0/8")
	fmt.Println(trusted, err)
	_, err = ParsePrefixes("10.1.2.3/8")
	fmt.Println(err)
	// Output:
	// [127.0.0.1/32 ::1/128 10.0.0.0/8] <nil>
	// "10.1.2.3/8" is an address in the network 10.0.0.0/8: did you mean "10.0.0.0/8" or "10.1.2.3"?
}
