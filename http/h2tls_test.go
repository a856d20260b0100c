package http

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
	"github.com/bobbin-http/bobbin/http/internal/h2test"
)

// TestCipherSuitesOfHTTP2 goes through all that crypto/tls has: those of TLS 1.2 are good for HTTP/2 with
// keys of one connection and authenticated encryption (RFC 9113 section 9.2.2, and its appendix A).
func TestCipherSuitesOfHTTP2(t *testing.T) {
	good := 0
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		only13 := len(suite.SupportedVersions) == 1 && suite.SupportedVersions[0] == tls.VersionTLS13
		authenticated := strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_POLY1305")
		want := only13 || strings.HasPrefix(suite.Name, "TLS_ECDHE_") && authenticated
		if got := isGoodForH2(suite.ID); got != want {
			t.Errorf("%s is good: %v", suite.Name, got)
		}
		if want {
			good++
		}
	}
	if good < 9 {
		t.Errorf("only %d suites are good", good)
	}
	if isGoodForH2(0) {
		t.Error("no suite at all is good")
	}
}

// TestProtocolsByTLS is about the choice of a protocol in the handshake (RFC 9113 sections 3.2 and 9.2).
func TestProtocolsByTLS(t *testing.T) {
	const cbc, gcm, chacha = tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
	const both, refused = "h2 http/1.1", "remote error: tls: no application protocol"
	for _, row := range []struct {
		name   string
		offers string // of the client
		suite  uint16 // with TLS 1.2, or 0 for 1.3
		server string // its protocols, if it has others
		off    bool   // Config.NoHTTP2
		want   string // the protocol and the answer
	}{
		{"HTTP/2 is chosen first", both, 0, "", false, "h2: 200"},
		{"also if the client would rather have HTTP/1.1", "http/1.1 h2", 0, "", false, "h2: 200"},
		{"HTTP/2 alone is", "h2", 0, "", false, "h2: 200"},
		{"HTTP/1.1 alone is chosen", "http/1.1", 0, "", false, "http/1.1: 200"},
		{"a client that offers nothing has HTTP/1.1", "", 0, "", false, ": 200"},
		{"a client that offers another alone is refused", "spdy/3", 0, "", false, refused},
		{"another beside HTTP/2 is not", "spdy/3 h2", 0, "", false, "h2: 200"},
		{"h2c is no protocol of TLS", "h2c", 0, "", false, refused},

		{"switched off, HTTP/1.1 is chosen", both, 0, "", true, "http/1.1: 200"},
		{"switched off, HTTP/2 alone is refused", "h2", 0, "", true, refused},
		{"switched off, a client that offers nothing has HTTP/1.1", "", 0, "", true, ": 200"},
		{"switched off, it is taken out of what is given", both, 0, both, true, "http/1.1: 200"},
		{"HTTP/1.1 before HTTP/2 is taken as it is given", both, 0, "http/1.1 h2", false, "http/1.1: 200"},

		{"a good cipher suite of TLS 1.2 is enough", both, gcm, "", false, "h2: 200"},
		{"so is another one", both, chacha, "", false, "h2: 200"},
		{"one that only hides is not", both, cbc, "", false, "h2: GOAWAY INADEQUATE_SECURITY"},
		{"though it is for HTTP/1.1", "http/1.1", cbc, "", false, "http/1.1: 200"},
		{"and where HTTP/2 is switched off", both, cbc, "", true, "http/1.1: 200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			config := Config{Handler: hello, NoHTTP2: row.off}
			config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now, NextProtos: strings.Fields(row.server)}
			keys := trusting()
			keys.ServerName, keys.Time, keys.NextProtos = "localhost", k.Now, strings.Fields(row.offers)
			if row.suite != 0 {
				keys.MaxVersion, keys.CipherSuites = tls.VersionTLS12, []uint16{row.suite}
			}
			stageH2(t, k, config, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
				if got := askSecured(t, tls.Client(&slowLine{s: c, w: w}, keys)); got != row.want {
					t.Errorf("it was %q, and not %q", got, row.want)
				}
				w.Close()
				c.Sleep(h2Rest)
			})
		})
	}
}

// askSecured asks once by the protocol that the handshake has chosen, and returns both.
func askSecured(t *testing.T, c *tls.Conn) string {
	if err := c.Handshake(); err != nil {
		return err.Error()
	}
	protocol := c.ConnectionState().NegotiatedProtocol
	if protocol != "h2" {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(protocol, ": ", answer.StatusCode)
	}
	talk := h2test.New(c, t.Errorf)
	s := talk.Begin([][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "localhost"}}, true)
	for !s.Over && talk.ReadFrame() {
	}
	if s.Cut {
		return fmt.Sprint(protocol, ": GOAWAY ", talk.Code)
	}
	return fmt.Sprint(protocol, ": ", s.Status)
}

// TestBeginningsInPlainText is about HTTP/2 without TLS: the preface is all that chooses it (RFC 9113
// section 3.3).
func TestBeginningsInPlainText(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n"
	upgrade := request + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
	for _, row := range []struct {
		name, says string
		off        bool
		want       string // HTTP/1.1's status, or frames in words
	}{
		{"the preface is enough", h2Begin + h2Fetch(1, "/"), false, "SETTINGS ACK, 200 on 1, 5 bytes on 1"},
		{"switched off, it is a version that is not spoken", h2Begin, true, "505 end"},
		{"a preface with another letter is a version that is not spoken", strings.Replace(h2Begin, "SM", "SN", 1), false, "505 end"},
		{"a preface behind a request is none", request + "\r\n" + h2Begin, false, "200 505 end"},
		{"an upgrade to h2c is not used", upgrade, false, "200 open"},
		{"the preface behind that is none", upgrade + h2.Preface, false, "200 505 end"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, cut := range []bool{false, true} {
				k := sim.New(1)
				stageH2(t, k, Config{Handler: hello, NoHTTP2: row.off}, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
					m := newMouth(k, c, w)
					m.bytewise = cut
					m.say(row.says)
					got := m.seen()
					if !strings.HasPrefix(string(m.heard), "HTTP/") {
						got = m.words()
					}
					if got != row.want {
						t.Errorf("byte by byte: %v: it hears %q, and not %q", cut, got, row.want)
					}
					w.Close()
					c.Sleep(h2Rest)
				})
			}
		})
	}
}
