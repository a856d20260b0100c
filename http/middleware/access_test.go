package middleware

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestWhoIsServed(t *testing.T) {
	for _, row := range []struct {
		name        string
		allow, deny string
		client      string
		served      bool
	}{
		{"without a list, everyone is", "", "", "192.0.2.1", true},
		{"an address that is denied is not", "", "192.0.2.1", "192.0.2.1", false},
		{"its neighbour is", "", "192.0.2.1", "192.0.2.2", true},
		{"nor is a network that is denied", "", "192.0.2.0/24", "192.0.2.77", false},
		{"with a list of those who are, others are not", "10.0.0.0/8", "", "192.0.2.1", false},
		{"and those on it are", "10.0.0.0/8, 2001:db8::/32", "", "2001:db8::7", true},
		{"an exception is denied", "10.0.0.0/8", "10.1.2.3", "10.1.2.3", false},
		{"whichever list is narrower", "10.1.2.3", "10.0.0.0/8", "10.1.2.3", false},
		{"IPv4 in the form of IPv6 is IPv4", "", "192.0.2.0/24", "::ffff:192.0.2.9", false},
		{"a network of IPv6 has no address of IPv4", "::/0", "", "192.0.2.1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			access := Access{Allow: networks(t, row.allow), Deny: networks(t, row.deny)}
			client := func(next http.Handler) http.Handler {
				return func(w *http.Response, r *http.Request) error {
					r.SetClientAddr(netip.MustParseAddr(row.client))
					return next(w, r)
				}
			}
			config := httptest.Config{
				Handler:    func(w *http.Response, r *http.Request) error { return w.Text("here\n") },
				Middleware: http.Chain(client, access.Wrap),
			}
			httptest.Run(t, config, func(c *httptest.Client) {
				a := c.Get("/")
				if served := a.Status == 200; served != row.served || !served && a.Status != 403 {
					t.Errorf("%s gets %d %q", row.client, a.Status, a.Body)
				}
				conn := c.Dial()
				defer conn.Close()
				conn.Send("GET  / HTTP/1.1\r\n\r\n")
				if answer, err := conn.Next("\r\n\r\n"); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
					t.Errorf("a request that is none gets %.40q (%v)", answer, err)
				}
			})
		})
	}
}

func networks(t *testing.T, list string) []netip.Prefix {
	t.Helper()
	if list == "" {
		return nil
	}
	prefixes, err := ParsePrefixes(list)
	if err != nil {
		t.Fatal(err)
	}
	return prefixes
}
