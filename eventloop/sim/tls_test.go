package sim_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// Every second run has clients that speak TLS, by the client of crypto/tls: of
// every temper, and of some that only TLS knows. A run must be the same again. The
// bytes of TLS are not, but their number is, as long as no signature is one by
// ECDSA, whose length varies.

// identity is a certificate, made once.
var identity = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"sim"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		panic(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

// security decides whether a run has TLS, and of which kind: the server's
// configuration, and whether it may wait. The clients' is r.keys.
func (r *run) security() (server *tls.Config, waits bool) {
	if r.k.Roll(2) == 0 {
		return nil, false
	}
	cert, pool := identity()
	server = &tls.Config{
		Certificates: []tls.Certificate{cert}, Time: r.k.Now, ClientCAs: pool,
		SessionTicketsDisabled: r.k.Roll(3) == 0,
	}
	r.keys = &tls.Config{
		RootCAs: pool, ServerName: "sim", Time: r.k.Now, Certificates: []tls.Certificate{cert},
		ClientSessionCache: tls.NewLRUClientSessionCache(4), NextProtos: []string{"http/1.1"},
	}
	if r.k.Roll(3) == 0 {
		r.keys.MaxVersion = tls.VersionTLS12
	}
	if r.k.Roll(4) == 0 {
		server.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if r.k.Roll(10) > 0 {
		r.keys.CurvePreferences = []tls.CurveID{tls.X25519} // others take time
	}
	return server, r.k.Roll(3) == 0
}

// dialTLS makes a connection, and its handshake.
func (r *run) dialTLS(s *sim.Script) *visit {
	v := r.dialPort(s, 443)
	conn := tls.Client(&line{s, v.w, 0}, r.keys)
	if err := conn.Handshake(); err != nil {
		v.fail("handshake: %v", err)
		v.w.Reset()
	}
	v.tls = conn
	return v
}

// A line is the net.Conn of a client: it waits as scripts do.
type line struct {
	s   *sim.Script
	w   *sim.Wire
	cut int // bytes to send before it breaks, if it is above 0
}

// errCut means that a connection has ended, and TLS has not said so.
var errCut = errors.New("the wire has ended before TLS")

var errBroken = errors.New("the client has broken off")

func (l *line) Read(p []byte) (int, error) {
	got, err := l.s.Receive(l.w, nil, len(p))
	if err == io.EOF {
		err = errCut
	}
	return copy(p, got), err
}

func (l *line) Write(p []byte) (int, error) {
	if l.cut > 0 && len(p) >= l.cut {
		l.s.Send(l.w, p[:l.cut])
		return 0, errBroken
	}
	if l.cut > 0 {
		l.cut -= len(p)
	}
	return len(p), l.s.Send(l.w, p)
}

func (l *line) Close() error                     { return nil }
func (l *line) LocalAddr() net.Addr              { return nil }
func (l *line) RemoteAddr() net.Addr             { return nil }
func (l *line) SetDeadline(time.Time) error      { return nil }
func (l *line) SetReadDeadline(time.Time) error  { return nil }
func (l *line) SetWriteDeadline(time.Time) error { return nil }

// breakingOff leaves a handshake at some byte, in one way or another.
func (r *run) breakingOff(s *sim.Script) {
	v := r.dialPort(s, 443)
	conn := tls.Client(&line{s, v.w, 1 + r.k.Roll(600)}, r.keys)
	if conn.Handshake() == nil {
		conn.CloseWrite()
	}
	switch r.k.Roll(4) {
	case 0:
		v.w.Reset()
	case 1:
		v.w.Close()
	case 2:
		v.w.CloseWrite()
		fallthrough
	default:
		v.hearsOut()
	}
}

// babbling says something that no TLS begins with, or that none goes on with.
func (r *run) babbling(s *sim.Script) {
	v := r.dialPort(s, 443)
	said := make([]byte, 1+r.k.Roll(3000))
	for i := range said {
		said[i] = byte(r.k.Roll(256))
	}
	for i, b := range []byte{22, 3, 1, byte(r.k.Roll(20)), byte(r.k.Roll(256)), 1, 0}[:r.k.Roll(8)] {
		if i < len(said) {
			said[i] = b
		}
	}
	if v.say(said) == nil {
		v.hearsOut()
	}
}

// hearsOut waits for the end, which must come: a handshake has its time, what
// follows it has, and so have the others who may have to go before it begins.
func (v *visit) hearsOut() {
	since := v.run.k.Now()
	for err := error(nil); err == nil; {
		err = v.more()
	}
	if took := v.run.k.Now().Sub(since); took > 3*time.Minute {
		v.fail("a broken handshake took %v to end", took)
	}
	v.w.Close()
}

// plain speaks HTTP in plain text where TLS is expected.
func (r *run) plain(s *sim.Script) {
	v := r.dialPort(s, 443)
	text, _ := v.request()
	if v.say([]byte(text)) != nil {
		return
	}
	if status, _, last, err := v.answer(); status != 400 || !last {
		v.fail("in place of 400 and the end: %d, %v, %v", status, last, err)
		return
	}
	v.finish()
	v.ends()
}
