package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"io"
	"math"
	nethttp "net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// The pages that the program brings: the default site, errors and listings.

// TestThePagesAllowWhatTheyUse requests each page and looks for anything that its policy
// would keep a browser from using, and for anything that would need another request.
func TestThePagesAllowWhatTheyUse(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: defaultSite(nil), ErrorHandler: errorPages}, func(c *httptest.Client) {
		for name, a := range map[string]httptest.Answer{
			"start": c.Do("GET", "/", "", "Accept: text/html"), "about": c.Do("GET", "/about", "", "Accept: text/html"),
			"missing": c.Do("GET", "/nothing", "", "Accept: text/html"), "error": c.Do("GET", "/%zz", "", "Accept: text/html"),
		} {
			styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(a.Body, -1)
			if len(styles) != 1 {
				t.Fatalf("%s: %d style sheets", name, len(styles))
			}
			sum := sha256.Sum256([]byte(styles[0][1]))
			policy := strings.Split(a.Header("Content-Security-Policy"), "; ")
			for _, want := range []string{"default-src 'none'", "img-src data:", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"} {
				if !slices.Contains(policy, want) {
					t.Errorf("%s: %s is not in the policy %q", name, want, policy)
				}
			}
			for _, barred := range []string{" style=", "<script", "<img", "<form", "javascript:", " on[a-z]+="} {
				if found := regexp.MustCompile(barred).FindString(a.Body); found != "" {
					t.Errorf("%s: there is %q", name, found)
				}
			}
			for _, m := range regexp.MustCompile(`(?:src|url\(|<link[^>]*href=)"?([^" >]+)`).FindAllStringSubmatch(a.Body, -1) {
				if m[1][0] != '#' && !strings.HasPrefix(m[1], "data:") {
					t.Errorf("%s: %s needs a request", name, m[0])
				}
			}
			if !strings.Contains(a.Body, `<link rel="icon" href="data:`) || !strings.Contains(a.Body, `<meta name="viewport"`) || !strings.Contains(a.Body, "focus-visible") {
				t.Errorf("%s: there is no icon, viewport or focus: %s", name, a.Body)
			}
		}
	})
}

// TestTheStartPageShowsItsAddress as it was requested, as far as it is safe in a shell.
func TestTheStartPageShowsItsAddress(t *testing.T) {
	t.Parallel()
	httptest.Run(t, httptest.Config{Handler: defaultSite(nil)}, func(c *httptest.Client) {
		for _, row := range []struct{ host, want string }{
			{"localhost:3000", "http://localhost:3000"},
			{"192.0.2.7", "http://192.0.2.7"},
			{"[2001:db8::1]:8080", "http://[2001:db8::1]:8080"},
			{"localhost:3000", "http://localhost:3000"},
			{"a;reboot", "http://localhost"},
			{"a&b", "http://localhost"},
			{"$(x)", "http://localhost"},
		} {
			a := c.Do("GET", "/", "", "Host: "+row.host)
			if !strings.Contains(a.Body, "<b>"+row.want+"</b>") || !strings.Contains(a.Body, "-d5s "+row.want+"/bench<") || strings.Contains(a.Body, "{address}") {
				t.Errorf("%s: %v", row.host, a)
			}
		}
	})
	p := start(t, "", "--tls", "self")
	client := tls.Client(p.dialTLS(), &tls.Config{InsecureSkipVerify: true})
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if page, err := io.ReadAll(client); err != nil || !strings.Contains(string(page), "<b>https://localhost</b>") {
		t.Errorf("over TLS: %s, %v", page, err)
	}
	browser := tls.Client(p.dialTLS(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err := browser.Handshake(); err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(aboutPage, "<b>HTTP/2</b>")
	row, _, _ = strings.Cut(row, "</li>")
	if speaks := browser.ConnectionState().NegotiatedProtocol == "h2"; speaks != strings.Contains(row, "here") {
		t.Errorf("the server speaks HTTP/2: %v, and /about says %s", speaks, row)
	}
}

// TestThePagesNameFlagsThatExist, in sentences and in commands.
func TestThePagesNameFlagsThatExist(t *testing.T) {
	var out strings.Builder
	if code := run([]string{"--help-all"}, nil, &out, io.Discard, func(string) string { return "" }, false); code != exitOK {
		t.Fatalf("--help-all ends with %d", code)
	}
	help, seen := out.String(), 0
	for _, page := range []string{indexPage, aboutPage} {
		for _, code := range regexp.MustCompile(`<code>(?:bobbin )?[^<]*</code>`).FindAllString(page, -1) {
			for _, flag := range regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(code, -1) {
				if seen++; !strings.Contains(help, flag+" ") {
					t.Errorf("there is no flag %s", flag)
				}
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d flags are found", seen)
	}
}

// TestThePagesHaveContrast computes the ratios of WCAG 2.2 (1.4.3 and 1.4.11) for the
// colours of each page, on light and on dark paper.
func TestThePagesHaveContrast(t *testing.T) {
	listing, err := os.ReadFile("../../http/static/page/listing.css")
	if err != nil {
		t.Fatal(err)
	}
	inspector, err := os.ReadFile("../../http/inspect/page/xray.css")
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]string{"start": indexPage, "about": aboutPage, "missing": missingPage, "error": errorStyle, "listing": string(listing), "inspector": string(inspector)} {
		sets := regexp.MustCompile(`:root ?\{([^}]*--paper:[^}]*)\}`).FindAllStringSubmatch(page, -1)
		if len(sets) < 2 {
			t.Errorf("%s: there are no colours for light and dark", name)
		}
		colours := make(map[string]string)
		for _, set := range sets {
			for _, m := range regexp.MustCompile(`--(\w+): ?(#[0-9a-f]+)`).FindAllStringSubmatch(set[1], -1) {
				colours[m[1]] = m[2] // those of dark paper replace the ones before
			}
			for _, paper := range []string{"paper", "card", "hover"} {
				for _, row := range []struct {
					name  string
					least float64
				}{{"ink", 4.5}, {"soft", 4.5}, {"link", 4.5}, {"yes", 4.5}, {"thread", 3}, {"glow", 3},
					{"a0", 3}, {"a1", 3}, {"a2", 3}, {"a3", 3}, {"a4", 3}, {"p1", 3}, {"p2", 3}, {"p3", 3}, {"p4", 3}, {"p5", 3}} {
					if a, b := colours[row.name], colours[paper]; a != "" && b != "" {
						if got := contrast(t, a, b); got < row.least {
							t.Errorf("%s: %s %s on %s %s has %.2f, want %.1f", name, row.name, a, paper, b, got, row.least)
						}
					}
				}
			}
			if a := colours["edge"]; a != "" && contrast(t, a, colours["paper"]) < 3 {
				t.Errorf("%s: the edge of a field %s is not seen", name, a)
			}
			if a := colours["button"]; a != "" && contrast(t, a, "#fff") < 4.5 {
				t.Errorf("%s: white on the button %s", name, a)
			}
		}
	}
}

// TestTheStartPageIsLiveWhereTheInspectorIs looks for the script, what allows it, and the
// link; and for nothing of that elsewhere.
func TestTheStartPageIsLiveWhereTheInspectorIs(t *testing.T) {
	shown := func(w *http.Response, r *http.Request) error { return http.StatusNotFound }
	for _, row := range []struct {
		name string
		xray http.Handler
		live bool
	}{
		{"with the inspector it has a script", shown, true},
		{"without it has none", nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: defaultSite(row.xray)}, func(c *httptest.Client) {
				a := c.Get("/")
				script := elementOf(a.Body, "script")
				sum := sha256.Sum256([]byte(script))
				allowed := "; connect-src 'self'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
				policy := a.Header("Content-Security-Policy")
				if row.live != (script != "") || row.live != strings.HasSuffix(policy, allowed) || !row.live && strings.Contains(policy, "script-src") {
					t.Errorf("a script of %d bytes with the policy %s", len(script), policy)
				}
				if row.live != strings.Contains(a.Body, `href="/-/xray"`) || !row.live && strings.Contains(a.Body, "live") {
					t.Errorf("the page is %s", a.Body)
				}
				for _, barred := range []string{" style=", "<img", "<form", "javascript:", " on[a-z]+="} {
					if found := regexp.MustCompile(barred).FindString(strings.ReplaceAll(a.Body, script, "")); found != "" {
						t.Errorf("there is %q, which the policy forbids", found)
					}
				}
			})
		})
	}
}

// TestTheInspectorIsOneAnswer fetches its page as a browser does, and looks for anything
// that would need another request.
func TestTheInspectorIsOneAnswer(t *testing.T) {
	t.Parallel()
	p := start(t, "")
	request, err := nethttp.NewRequest("GET", p.url+"-/xray", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := new(nethttp.Transport).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	small, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Encoding") != "gzip" || len(small) > 45<<10 {
		t.Errorf("%d bytes with %v, %v", len(small), answer.Header, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`<[^>]+ (?:src|href)="([^"]*)"|url\(([^)#]*)\)|@import|import\(`).FindAllStringSubmatch(string(page), -1) {
		if !strings.HasPrefix(m[1], "data:") {
			t.Errorf("%s needs a request", m[0])
		}
	}
	if !bytes.Contains(page, []byte("new EventSource(")) {
		t.Errorf("this is not the inspector: %.300s", page)
	}
}

// contrast returns the contrast ratio of two colours.
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance returns the relative luminance of a colour such as #fff or #1c1e21.
func luminance(t *testing.T, colour string) (sum float64) {
	hex := colour[1:]
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}

// TestTheDefaultSiteHasALineForPrograms that ask for a page that does not exist.
func TestTheDefaultSiteHasALineForPrograms(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: defaultSite(nil), ErrorHandler: errorPages}, func(c *httptest.Client) {
		if a := c.Get("/nothing"); a.Status != 404 || a.Body != http.StatusNotFound.Error()+"\n" || a.Header("Vary") != "Accept" {
			t.Errorf("for a program: %v", a)
		}
		if a := c.Do("GET", "/nothing", "", "Accept: text/html"); a.Status != 404 || !strings.Contains(a.Body, "<svg") || a.Header("Vary") != "Accept" {
			t.Errorf("for a browser: %v", a)
		}
	})
}
