package http

import (
	"bytes"
	"crypto/tls"
	"errors"
	"slices"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// ListenTLS is Listen for HTTPS, with the certificates of Config.TLS. One server
// may listen in both ways, at different addresses.
func (s *Server) ListenTLS(address string) ([]*eventloop.Listener, error) {
	if err := s.checkTLS(); err != nil {
		return nil, err
	}
	return s.loop.ListenAt(address, s.how, s.tls.Wrap(s.begin))
}

// checkTLS finds out whether there is a certificate.
func (s *Server) checkTLS() error {
	c := s.tls.Config
	if c == nil || len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		return errors.New("http: ListenTLS needs Config.TLS, with a certificate in it")
	}
	return nil
}

// speaking returns a configuration of TLS for what we speak. It is the one that was
// given if that says so already.
func speaking(config *tls.Config) *tls.Config {
	if config == nil || len(config.NextProtos) > 0 && !slices.Contains(config.NextProtos, "h2") {
		return config
	}
	config = config.Clone()
	config.NextProtos = slices.DeleteFunc(slices.Clone(config.NextProtos), func(p string) bool { return p == "h2" })
	if !slices.Contains(config.NextProtos, "http/1.1") {
		config.NextProtos = append(config.NextProtos, "http/1.1")
	}
	return config
}

var errPlain = newRefusal(StatusBadRequest, "this is HTTPS, and the request came in plain HTTP: write https://")

// answerPlain returns the answer to plain HTTP where HTTPS is spoken: what is wrong,
// in plain HTTP. Anything but the beginning of a method is another language, and has
// no answer.
func (s *Server) answerPlain(on *eventloop.Conn, first []byte) []byte {
	method, _, _ := bytes.Cut(first, []byte(" "))
	if len(method) == 0 || !h1.IsToken(string(method)) || method[0] < 'A' || method[0] > 'Z' {
		return nil
	}
	c := &conn{server: s, conn: on, closeAfter: true}
	x := s.takeExchange(c)
	defer s.giveExchange(x)
	x.head.Parse(first, &s.parsing)
	x.raw = x.head.KeepLine(first)
	why := x.askInstead(errPlain)
	if why == nil {
		why = errPlain // there is no way to answer at length
	}
	w := &x.response
	w.failed(why)
	w.beforeHead(&w.hooks)
	w.afterAnswer(&w.hooks, w.bodySize())
	s.heads.at(s.now())
	p := w.appendFields(s.heads.begin(nil, w.status))
	p = w.appendLength(p, w.bodySize())
	if text, whole := w.BodyBytes(); whole && !w.bodiless() {
		p = append(p, text...)
	}
	return p
}

// TLS returns what was agreed upon with the client: the version, its certificates,
// the name that it asked for. It is nil if the request came in plain text. Nobody
// may change it.
func (r *Request) TLS() *tls.ConnectionState {
	r.use("TLS")
	return r.x.conn.conn.TLS()
}
