package http

import (
	"bytes"
	"crypto/tls"
	"errors"
	"slices"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// ListenTLS is Listen for HTTPS, with the certificates of Config.TLS. One server may
// listen both ways, at different addresses.
func (s *Server) ListenTLS(address string) ([]*eventloop.Listener, error) {
	if err := s.checkTLS(); err != nil {
		return nil, err
	}
	return s.loop.ListenAt(address, s.how, s.accepting(address, s.tls.Wrap(s.begin)))
}

// checkTLS returns an error if there is no certificate.
func (s *Server) checkTLS() error {
	c := s.tls.Config
	if c == nil || len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		return errors.New("http: ListenTLS needs Config.TLS with a certificate")
	}
	return nil
}

// speaking returns a configuration of TLS with the protocols of this server: config itself
// if it has no others.
func speaking(config *tls.Config, h2 bool) *tls.Config {
	if config == nil || len(config.NextProtos) > 0 && (h2 || !slices.Contains(config.NextProtos, "h2")) {
		return config
	}
	config = config.Clone()
	if h2 {
		config.NextProtos = []string{"h2", "http/1.1"}
		return config
	}
	config.NextProtos = slices.DeleteFunc(slices.Clone(config.NextProtos), func(p string) bool { return p == "h2" })
	if !slices.Contains(config.NextProtos, "http/1.1") {
		config.NextProtos = append(config.NextProtos, "http/1.1")
	}
	return config
}

// isGoodForH2 reports whether HTTP/2 may be spoken with a cipher suite (RFC 9113 section 9.2.2): with
// those that authenticate what they encrypt, and whose keys are forgotten. All of TLS 1.3 are.
func isGoodForH2(suite uint16) bool {
	switch suite {
	case tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256:
		return true
	}
	return false
}

// errPlain is the answer to plain HTTP on an HTTPS port.
var errPlain = newRefusal(StatusBadRequest, "this is HTTPS, and the request came in plain HTTP: write https://")

// answerPlain returns the 400 for plain HTTP on an HTTPS port.
func (s *Server) answerPlain(on *eventloop.Conn, first []byte) []byte {
	return on.Protocol().(*conn).refuseAtOnce(first, errPlain)
}

// refuseAtOnce returns the answer to a connection of which no request can be served, in plain
// HTTP, by its first bytes. Bytes that do not begin as a method does are of another protocol,
// and get no answer.
func (c *conn) refuseAtOnce(first []byte, with *refusal) []byte {
	method, _, _ := bytes.Cut(first, []byte(" "))
	if len(method) == 0 || !h1.IsToken(string(method)) || method[0] < 'A' || method[0] > 'Z' {
		return nil
	}
	s := c.server
	c.closeAfter = true
	x := s.takeExchange(c)
	defer func() { delete(s.connValues, c) }()
	defer s.giveExchange(x)
	if x.head.Parse(first, &s.parsing) == nil {
		x.raw = first // with the fields, which say whether the client shows a page
	} else {
		x.raw = x.head.KeepLine(first)
	}
	why := x.askInstead(with)
	if why == nil {
		why = with // an answer of the middleware's own has no way to be sent
	}
	x.abandon() // what the middleware may have begun
	w := &x.response
	w.failed(why)
	w.beforeHead(&w.hooks)
	w.afterAnswer(&w.hooks, w.bodySize())
	s.heads.at(s.loop)
	p := w.appendFields(s.heads.begin(nil, w.status, w.without))
	p = w.appendLength(p, w.bodySize())
	if text, whole := w.BodyBytes(); whole && !w.bodiless() {
		p = append(p, text...)
	}
	return p
}

// TLSVersion returns the version of TLS on the connection, such as tls.VersionTLS13, or 0 for plain
// text. It costs less than TLS, which has the connection keep all that was agreed upon.
func (r *Request) TLSVersion() uint16 {
	r.use("TLSVersion")
	return r.x.conn.conn.TLSVersion()
}

// TLS returns the state of TLS on the connection: the version, the client's certificates,
// the name that it asked for. It is nil for plain text. It must not be changed.
func (r *Request) TLS() *tls.ConnectionState {
	r.use("TLS")
	return r.x.conn.conn.TLS()
}
