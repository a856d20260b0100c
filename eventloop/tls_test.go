package eventloop

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestNotNowIsNotSticky pins what the whole of tls.go stands on, and what no
// document promises: after the handshake, crypto/tls forgets an error of its
// net.Conn that calls itself temporary, between two records and in the middle of
// one, and goes on where it was. If a new version of Go fails here, TLS needs a
// coroutine for reading, too.
func TestNotNowIsNotSticky(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server, wire, says := shaken(t, version)
		p := make([]byte, 100)
		expect := func(when, want string, wantErr error) {
			t.Helper()
			if n, err := server.Read(p); string(p[:n]) != want || err != wantErr {
				t.Errorf("%s, %s: %q, %v", tls.VersionName(version), when, p[:n], err)
			}
		}
		expect("with nothing", "", errNotNow)
		expect("with nothing again", "", errNotNow)
		for _, word := range []string{"hello", "again"} {
			record := says(word)
			for i := range record {
				wire.in = record[i : i+1]
				if i < len(record)-1 {
					expect("inside a record", "", errNotNow)
				}
			}
			expect("with the whole", word, nil)
		}
		expect("behind it", "", errNotNow)

		// Another error stays. So this test can tell the difference.
		wire.fail = io.ErrClosedPipe
		expect("with another error", "", io.ErrClosedPipe)
		wire.fail, wire.in = nil, says("late")
		expect("after it", "", io.ErrClosedPipe)
	}
}

// TestNotNowIsStickyInAHandshake says why a handshake needs a coroutine. Should it
// fail one day, a handshake can be made without.
func TestNotNowIsStickyInAHandshake(t *testing.T) {
	wire := &scripted{}
	conn := tls.Server(wire, serverConfig())
	if err := conn.Handshake(); err != errNotNow {
		t.Errorf("the first time: %v", err)
	}
	wire.in = []byte("anything")
	if err := conn.Handshake(); err != errNotNow || len(wire.in) == 0 {
		t.Errorf("the second time: %v, with %d bytes left", err, len(wire.in))
	}
}

// scripted is a net.Conn that reads what it was given and then says "not now".
type scripted struct {
	net.Conn // for the handshake, if there is one
	in       []byte
	fail     error
}

func (s *scripted) Read(p []byte) (int, error) {
	switch {
	case s.Conn != nil:
		return s.Conn.Read(p)
	case s.fail != nil:
		return 0, s.fail
	case len(s.in) == 0:
		return 0, errNotNow
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

// shaken makes a handshake. It returns the server's side, what that reads from
// from then on, and what makes records of the client's.
func shaken(t *testing.T, version uint16) (server *tls.Conn, wire *scripted, says func(string) []byte) {
	here, there := net.Pipe()
	wire = &scripted{Conn: here}
	config := serverConfig()
	config.SessionTicketsDisabled = true // no test reads them
	server = tls.Server(wire, config)
	config = clientConfig()
	config.MinVersion, config.MaxVersion = version, version
	client := &collecting{Conn: there}
	conn := tls.Client(client, config)
	over := make(chan error)
	go func() { over <- server.Handshake() }()
	if err := errors.Join(conn.Handshake(), <-over); err != nil {
		t.Fatal(err)
	}
	wire.Conn, client.collects = nil, true
	return server, wire, func(text string) []byte {
		client.said = nil
		if _, err := io.WriteString(conn, text); err != nil {
			t.Error(err)
		}
		return client.said
	}
}

// collecting is a net.Conn that keeps what is written.
type collecting struct {
	net.Conn
	collects bool
	said     []byte
}

func (c *collecting) Write(p []byte) (int, error) {
	if !c.collects {
		return c.Conn.Write(p)
	}
	c.said = append(c.said, p...)
	return len(p), nil
}

// Certificates of one authority, for "localhost" and one more name each. They are
// made once; signatures by Ed25519 are always of the same length, so that runs
// over the simulated kernel can be repeated.
var authority = sync.OnceValue(func() *issuer {
	_, key, _ := ed25519.GenerateKey(rand.Reader)
	root := template("authority")
	root.IsCA, root.BasicConstraintsValid = true, true
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		panic(err)
	}
	root, err = x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return &issuer{root, key, pool}
})

type issuer struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
	pool *x509.CertPool
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost", name},
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func issue(name string, key crypto.Signer) tls.Certificate {
	ca := authority()
	der, err := x509.CreateCertificate(rand.Reader, template(name), ca.cert, key.Public(), ca.key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var (
	edCertificate  = sync.OnceValue(func() tls.Certificate { _, k, _ := ed25519.GenerateKey(rand.Reader); return issue("ed", k) })
	ecCertificate  = sync.OnceValue(func() tls.Certificate { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return issue("ec", k) })
	rsaCertificate = sync.OnceValue(func() tls.Certificate { k, _ := rsa.GenerateKey(rand.Reader, 2048); return issue("rsa", k) })
)

func serverConfig(change ...func(*tls.Config)) *tls.Config {
	c := &tls.Config{Certificates: []tls.Certificate{edCertificate()}, ClientCAs: authority().pool}
	for _, f := range change {
		f(c)
	}
	return c
}

func clientConfig(change ...func(*tls.Config)) *tls.Config {
	// Without the large keys of ML-KEM, tests take half the time.
	c := &tls.Config{RootCAs: authority().pool, ServerName: "localhost", CurvePreferences: []tls.CurveID{tls.X25519}}
	for _, f := range change {
		f(c)
	}
	return c
}

// A line is the net.Conn of a client in a script: it waits as scripts do.
type line struct {
	s      *sim.Script
	w      *sim.Wire
	pieces int           // bytes to send at a time; 0 for all
	sleep  time.Duration // between two of them
	cut    int           // after so many bytes, if it is above 0, breaks is called
	breaks func() error
	sent   int
	heard  []byte // as it came
}

var errEndOfWire = errors.New("the wire has ended, and TLS has not said so")

func (l *line) Read(p []byte) (int, error) {
	got, err := l.s.Receive(l.w, nil, len(p))
	l.heard = append(l.heard, got...)
	if err == io.EOF {
		err = errEndOfWire
	}
	return copy(p, got), err
}

func (l *line) Write(p []byte) (int, error) {
	size := len(p)
	for len(p) > 0 {
		n := len(p)
		if l.pieces > 0 {
			n = min(n, l.pieces)
		}
		if l.cut > 0 {
			if l.sent == l.cut {
				if err := l.breaks(); err != nil {
					return 0, err
				}
				l.cut = 0
				continue
			}
			n = min(n, l.cut-l.sent)
		}
		if err := l.s.Send(l.w, p[:n]); err != nil {
			return 0, err
		}
		l.sent += n
		p = p[n:]
		if l.sleep > 0 {
			l.s.Sleep(l.sleep)
		}
	}
	return size, nil
}

func (l *line) Close() error                     { l.w.Close(); return nil }
func (l *line) LocalAddr() net.Addr              { return nil }
func (l *line) RemoteAddr() net.Addr             { return nil }
func (l *line) SetDeadline(time.Time) error      { return nil }
func (l *line) SetReadDeadline(time.Time) error  { return nil }
func (l *line) SetWriteDeadline(time.Time) error { return nil }

// buildTLS makes a house that speaks TLS at port 443 and plain text at port 80.
func buildTLS(t *testing.T, limits Limits, how *TLS, begin func(*Conn) Protocol) *house {
	h := build(t, limits, begin)
	how.Config.Time = h.k.Now
	if _, err := h.ListenAt(":443", bobbin.ListenOptions{}, how.Wrap(begin)); err != nil {
		t.Fatal(err)
	}
	return h
}

// call adds a client at port 443.
func (h *house) call(f func(l *line)) {
	h.k.Go(func(s *sim.Script) { f(h.dial(s)) })
}

func (h *house) dial(s *sim.Script) *line {
	w, err := h.k.DialPort(443)
	if err != nil {
		h.t.Error(err)
		w = &sim.Wire{}
	}
	return &line{s: s, w: w}
}

// client makes a client of TLS.
func (h *house) client(l *line, config *tls.Config) *tls.Conn {
	config.Time = h.k.Now
	return tls.Client(l, config)
}

// over looks at what handshakes leave behind: nothing.
func (h *house) over() error {
	h.t.Helper()
	err := h.live()
	h.k.Abandon()
	if after := runtime.NumGoroutine(); after > h.coroutines {
		h.t.Errorf("%d coroutines were left behind", after-h.coroutines)
	}
	if h.handshakes.pending.len() != 0 || h.handshakes.forWorkers.len() != 0 || h.handshakes.withWorkers != 0 || h.handshakes.oldest != nil || h.handshakes.tally.Total() != 0 || h.handshakes.begun.Total() != 0 {
		h.t.Error("handshakes were left behind")
	}
	return err
}

// echoing answers with what it hears.
func echoing() *script {
	return &script{speak: func(c *Conn, p []byte) int {
		c.SetIdle(false)
		c.Write(p)
		c.SetIdle(true)
		return len(p)
	}}
}

// converse says something short and something long, and hears both again.
func converse(conn *tls.Conn) error {
	for _, size := range []int{5, 40_000} {
		said, heard := bytes.Repeat([]byte("hello"), size/5), make([]byte, size)
		if _, err := conn.Write(said); err != nil {
			return err
		}
		if _, err := io.ReadFull(conn, heard); err != nil {
			return err
		}
		if !bytes.Equal(said, heard) {
			return errors.New("heard something else than was said")
		}
	}
	return nil
}

func TestHandshakesThatSucceed(t *testing.T) {
	only := func(version uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version }
	}
	with := func(certificates ...tls.Certificate) func(*tls.Config) {
		return func(c *tls.Config) { c.Certificates = certificates }
	}
	name := func(s string) func(*tls.Config) { return func(c *tls.Config) { c.ServerName = s } }
	both := func(changes ...func(*tls.Config)) func(*tls.Config) {
		return func(c *tls.Config) {
			for _, f := range changes {
				f(c)
			}
		}
	}
	none := func(*tls.Config) {}
	demand := func(c *tls.Config) { c.ClientAuth = tls.RequireAndVerifyClientCert }
	rows := []struct {
		name           string
		server, client func(*tls.Config)
		waits          bool
		pieces         int
		check          func(c *tls.ConnectionState) bool
	}{
		{"TLS 1.3 is spoken", none, none, false, 0, func(c *tls.ConnectionState) bool { return c.Version == tls.VersionTLS13 }},
		{"and TLS 1.2", none, only(tls.VersionTLS12), false, 0, func(c *tls.ConnectionState) bool { return c.Version == tls.VersionTLS12 }},
		{"keys may be large", none, func(c *tls.Config) { c.CurvePreferences = nil }, false, 0,
			func(c *tls.ConnectionState) bool { return c.CurveID == tls.X25519MLKEM768 }},
		{"byte by byte it takes longer", none, none, false, 1, nil},
		{"and in TLS 1.2", none, only(tls.VersionTLS12), false, 1, nil},
		{"a hello may come in pieces", none, none, false, 100, nil},
		{"a key that the client does not expect costs one more round", func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} },
			func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256} }, false, 0,
			func(c *tls.ConnectionState) bool { return c.HelloRetryRequest }},
		{"a protocol is agreed upon", func(c *tls.Config) { c.NextProtos = []string{"b", "c"} }, func(c *tls.Config) { c.NextProtos = []string{"a", "b"} }, false, 0,
			func(c *tls.ConnectionState) bool { return c.NegotiatedProtocol == "b" }},
		{"of several certificates, the name decides", with(edCertificate(), ecCertificate()), name("ec"), false, 0,
			func(c *tls.ConnectionState) bool { return c.ServerName == "ec" }},
		{"a client shows its certificate", demand, with(edCertificate()), false, 0,
			func(c *tls.ConnectionState) bool { return len(c.VerifiedChains) == 1 }},
		{"in TLS 1.2 too", demand, both(with(edCertificate()), only(tls.VersionTLS12)), false, 0,
			func(c *tls.ConnectionState) bool { return len(c.VerifiedChains) == 1 }},
		{"a slow key is left to workers", with(rsaCertificate()), none, false, 0, nil},
		{"in TLS 1.2 too", with(rsaCertificate()), only(tls.VersionTLS12), false, 0, nil},
		{"and byte by byte", with(rsaCertificate()), none, false, 1, nil},
		{"a callback that waits is left to workers", func(c *tls.Config) {
			c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				cert := ecCertificate()
				return &cert, nil
			}
		}, name("ec"), true, 0, nil},
		{"a callback that does not runs on the loop", func(c *tls.Config) {
			c.Certificates = nil
			c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				if !strings.HasPrefix(hello.Conn.RemoteAddr().String(), "10.0.0.1:") {
					return nil, errors.New("the peer has another address")
				}
				if hello.Conn.LocalAddr().(*net.TCPAddr).Port == 0 {
					return nil, errors.New("the connection has no address here")
				}
				return serverConfig(with(ecCertificate())), nil
			}
		}, name("ec"), false, 0, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			for _, luck := range []sim.Luck{{}, {ShortRead: 300, LateBytes: 300, NotNow: 200, ShortWrite: 300, FullWrite: 200, SlowWork: 500}} {
				var state *tls.ConnectionState
				h := buildTLS(t, Limits{}, &TLS{Config: serverConfig(row.server), Waits: row.waits}, func(c *Conn) Protocol {
					state = c.TLS()
					return echoing()
				})
				h.k.Luck = luck
				config := clientConfig(row.client)
				config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
				h.k.Go(func(s *sim.Script) {
					for _, again := range []bool{false, true} { // by a ticket
						l := h.dial(s)
						l.pieces = row.pieces
						conn := h.client(l, config)
						err := converse(conn)
						if err == nil && (state == nil || row.check != nil && !row.check(state)) {
							err = fmt.Errorf("agreed upon: %+v", state)
						}
						if err == nil && conn.ConnectionState().DidResume != again {
							err = errors.New("whether it was by a ticket is wrong")
						}
						if err != nil {
							t.Errorf("again %v: %v", again, err)
						}
						conn.Close()
					}
				})
				if err := h.over(); err != nil {
					t.Error(err)
				}
				if c := h.Counters(); c[TLSHandshake].N != 2 || c[TLSResumed].N != 1 || c.Failed() != 0 && luck == (sim.Luck{}) {
					t.Errorf("counted: %+v", c)
				}
			}
		})
	}
}

func TestHandshakesThatFail(t *testing.T) {
	demand := func(c *tls.Config) { c.ClientAuth = tls.RequireAndVerifyClientCert }
	// shake makes a handshake and waits for what comes of it.
	shake := func(change ...func(*tls.Config)) func(h *house, l *line) error {
		return func(h *house, l *line) error {
			conn := h.client(l, clientConfig(change...))
			err := conn.Handshake()
			if err == nil {
				_, err = conn.Read(make([]byte, 1)) // TLS 1.3 clients learn of it later
			}
			return err
		}
	}
	// say says something that is no TLS, and listens.
	say := func(p string) func(h *house, l *line) error {
		return func(h *house, l *line) error {
			if err := l.s.Send(l.w, []byte(p)); err != nil {
				return err
			}
			heard, err := l.s.ReceiveAll(l.w)
			if err == nil {
				err = fmt.Errorf("heard %q", heard)
			}
			return err
		}
	}
	// late reports how long a client was left alone.
	late := func(after time.Duration, f func(h *house, l *line) error) func(h *house, l *line) error {
		return func(h *house, l *line) error {
			since := h.k.Now()
			err := f(h, l)
			if took := h.k.Now().Sub(since); took < after || took > after+time.Second {
				return fmt.Errorf("it took %v, and ended by: %v", took, err)
			}
			return err
		}
	}
	// breaking makes a handshake that ends in some way after so many bytes.
	breaking := func(after int, how func(l *line) error) func(h *house, l *line) error {
		return func(h *house, l *line) error {
			l.cut = after
			l.breaks = func() error { return how(l) }
			return shake()(h, l)
		}
	}
	stalls := func(l *line) error {
		_, err := l.s.ReceiveAll(l.w)
		return err
	}
	ends := func(l *line) error {
		l.w.CloseWrite()
		return stalls(l)
	}
	resets := func(l *line) error {
		l.w.Reset()
		return errors.New("broken")
	}
	const reset = "reset by peer"
	none := func(*tls.Config) {}
	rows := []struct {
		name   string
		server func(*tls.Config)
		aside  bool
		client func(h *house, l *line) error
		want   string // part of what the client meets
	}{
		{"a certificate that is demanded must be shown", demand, false, shake(), "certificate required"},
		{"in TLS 1.2 too", demand, false, shake(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), "handshake failure"},
		{"a version from before is refused", none, false, shake(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), "protocol version not supported"},
		{"a protocol that the server does not have is refused", func(c *tls.Config) { c.NextProtos = []string{"a"} }, false,
			shake(func(c *tls.Config) { c.NextProtos = []string{"b"} }), "no application protocol"},
		{"a server that does not know the name says so", func(c *tls.Config) {
			c.Certificates = nil
			c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }
		}, false, shake(), "unrecognized name"},
		{"a client that does not like us is let go", none, false, shake(func(c *tls.Config) { c.ServerName = "other" }), "not other"},
		{"a callback that panics costs its connection", func(c *tls.Config) {
			c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { panic("oh") }
		}, false, shake(), reset},
		{"on a worker as well", func(c *tls.Config) {
			c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { panic("oh") }
		}, true, shake(), reset},

		{"who is silent is cut off", none, false, late(10*time.Second, say("")), reset},
		{"who stalls in its hello is cut off", none, false, late(10*time.Second, breaking(100, stalls)), reset},
		{"who stalls behind its hello is cut off", none, false, late(10*time.Second, breaking(300, stalls)), reset},
		{"and so with workers", none, true, late(10*time.Second, breaking(300, stalls)), reset},
		{"who ends in its hello is cut off at once", none, false, late(0, breaking(100, ends)), reset},
		{"who ends behind it is cut off at once", none, false, late(0, breaking(300, ends)), reset},
		{"who only looks whether we are there is let go", none, false, late(0, func(h *house, l *line) error {
			l.w.CloseWrite()
			_, err := l.s.ReceiveAll(l.w)
			return err
		}), ""},
		{"a reset is a reset", none, false, breaking(100, resets), "broken"},
		{"behind the hello too", none, false, breaking(300, resets), "broken"},
		{"and while a worker has it", none, true, func(h *house, l *line) error {
			h.k.Luck.SlowWork = 1000
			l.s.Send(l.w, hello())
			l.s.Sleep(time.Millisecond)
			return resets(l)
		}, "broken"},
		{"a worker that takes too long is not waited for", none, true, late(10*time.Second, func(h *house, l *line) error {
			h.k.Luck.SlowWork = 1000
			l.s.Send(l.w, hello())
			for l.w.Waiting() == 0 && !l.w.Broken() {
				l.s.Sleep(time.Millisecond)
			}
			return stalls(l)
		}), reset},

		{"plain text is answered in plain text", none, false, say("GET / HTTP/1.1\r\n"), `heard "plain text is not spoken here"`},
		{"other languages are not answered", none, false, say("\x80\x2e\x01\x03\x01"), reset},
		{"what looks like TLS and is not is told so", none, false, say("\x16\x03\x01\x00\x05hello"), `heard "\x15\x03\x01\x00\x02\x02`},
		{"a record that is too large is told so at once", none, false, say("\x16\x03\x01\xff\xff\x01"), `heard "\x15\x03\x01\x00\x02\x02\x16`},
		{"an alert in place of a hello is not TLS here", none, false, say("\x15\x03\x01\x00\x02\x02\x00"), reset},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			how := &TLS{Config: serverConfig(row.server), Waits: row.aside, Plain: func(_ *Conn, first []byte) []byte {
				if first[0] != 'G' {
					return nil
				}
				return []byte("plain text is not spoken here")
			}}
			h := buildTLS(t, Limits{}, how, func(c *Conn) Protocol {
				if row.name != "a client that does not like us is let go" {
					t.Error("the conversation has begun")
				}
				return echoing()
			})
			h.call(func(l *line) {
				err := row.client(h, l)
				l.w.CloseWrite()
				if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
					t.Errorf("ended by: %v", err)
				}
			})
			if err := h.over(); err != nil {
				t.Error(err)
			}
			if c := h.Counters(); c[Panicked].N != 0 && !strings.Contains(fmt.Sprint(row.want), reset) {
				t.Errorf("counted: %+v", c)
			}
		})
	}
}

// hello returns the first that a client says.
func hello() []byte {
	client := &collecting{Conn: &scripted{}, collects: true}
	tls.Client(client, clientConfig()).Handshake()
	return client.said
}

func TestConversationsOverTLS(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	talk := func(speak func(c *Conn, p []byte) int) func(log *[]string) Protocol {
		return func(log *[]string) Protocol {
			return &script{
				speak: func(c *Conn, p []byte) int {
					c.SetIdle(false)
					defer c.SetIdle(true)
					return speak(c, p)
				},
				ended: func(c *Conn) {
					*log = append(*log, "ended")
					c.Close()
				},
				gone: func(c *Conn, why error) { *log = append(*log, fmt.Sprint(why)) },
			}
		}
	}
	hear := func(conn *tls.Conn) (string, error) {
		p, err := io.ReadAll(conn)
		return string(p), err
	}
	rows := []struct {
		name   string
		limits Limits
		begin  func(log *[]string) Protocol
		client func(l *line, conn *tls.Conn) string // what it noticed
		want   []string                             // what the server noticed
	}{
		{
			"the peer's end is an end, and it may still listen", Limits{},
			func(log *[]string) Protocol {
				return &script{ended: func(c *Conn) {
					c.Write([]byte("bye"))
					c.Close()
				}}
			},
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				conn.CloseWrite()
				p, err := hear(conn)
				return fmt.Sprint(p, err)
			},
			[]string{"heard bye<nil>"},
		},
		{
			"an end that TLS does not know of is an interference", Limits{},
			func(log *[]string) Protocol {
				p := talk(func(c *Conn, p []byte) int {
					c.Write([]byte("half"))
					return len(p)
				})(log).(*script)
				speak := p.speak
				p.speak = func(c *Conn, b []byte) int {
					n := speak(c, b)
					c.SetIdle(false) // for more is to come
					return n
				}
				return p
			},
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				l.w.CloseWrite()
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{ErrTruncated.Error(), "heard sim: connection reset by peer"},
		},
		{
			"but between two requests it is an end", Limits{},
			talk(func(c *Conn, p []byte) int { return len(p) }),
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				l.w.CloseWrite()
				p, err := hear(conn)
				return fmt.Sprint(p, err)
			},
			[]string{"ended", "<nil>", "heard <nil>"},
		},
		{
			"nor before the first", Limits{},
			talk(func(c *Conn, p []byte) int { return len(p) }),
			func(l *line, conn *tls.Conn) string {
				conn.Handshake()
				l.w.CloseWrite()
				p, err := hear(conn)
				return fmt.Sprint(p, err)
			},
			[]string{"ended", "<nil>", "heard <nil>"},
		},
		{
			"our end is said by TLS, behind all else", Limits{},
			talk(func(c *Conn, p []byte) int {
				c.Write([]byte(long))
				c.Close()
				c.Write([]byte("late"))
				return len(p)
			}),
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				p, err := hear(conn)
				return fmt.Sprint(p == long, err)
			},
			[]string{"<nil>", "heard true <nil>"},
		},
		{
			"what is broken off is not ended", Limits{},
			talk(func(c *Conn, p []byte) int {
				c.Write([]byte("half"))
				c.Abort(nil)
				return len(p)
			}),
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{ErrAborted.Error(), "heard sim: connection reset by peer"},
		},
		{
			"nothing is heard behind the peer's end", Limits{},
			talk(func(c *Conn, p []byte) int {
				c.Pause()
				c.Loop().After(time.Second, c.Resume)
				c.Write(p)
				return len(p)
			}),
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				conn.CloseWrite()
				l.s.Send(l.w, []byte("anything"))
				l.s.Sleep(time.Second / 2)
				p := make([]byte, 5)
				_, err := io.ReadFull(conn, p)
				l.s.Sleep(time.Second)
				return fmt.Sprint(string(p), err)
			},
			[]string{"heard hello<nil>", "ended", "<nil>"},
		},
		{
			"nor is it read", Limits{},
			func(log *[]string) Protocol {
				return &script{ended: func(c *Conn) { c.Loop().After(5*time.Second, func() { c.Abort(nil) }) }}
			},
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				conn.CloseWrite()
				for range 1000 {
					l.w.Send(make([]byte, 1000))
					l.s.Sleep(time.Millisecond)
				}
				_, err := l.w.Send([]byte("more"))
				l.s.Sleep(5 * time.Second)
				return fmt.Sprint(err)
			},
			[]string{"heard " + sim.ErrWouldWait.Error()},
		},
		{
			"the time for the handshake is over with it", Limits{},
			talk(func(c *Conn, p []byte) int {
				c.Write(p)
				return len(p)
			}),
			func(l *line, conn *tls.Conn) string {
				p := make([]byte, 5)
				for range 2 {
					fmt.Fprint(conn, "hello")
					if _, err := io.ReadFull(conn, p); err != nil {
						return err.Error()
					}
					l.s.Sleep(time.Hour)
				}
				conn.CloseWrite()
				return string(p)
			},
			[]string{"heard hello", "ended", "<nil>"},
		},
		{
			"who begins by pausing hears everything later", Limits{},
			func(log *[]string) Protocol {
				heard := ""
				return &script{
					speak: func(c *Conn, p []byte) int {
						heard += string(p)
						return len(p)
					},
					ended: func(c *Conn) {
						*log = append(*log, heard)
						c.Close()
					},
				}
			},
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hel")
				fmt.Fprint(conn, "lo")
				conn.CloseWrite()
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{"hello", "heard <nil>"},
		},
		{
			"an alert comes behind what was said before", Limits{},
			talk(func(c *Conn, p []byte) int {
				for _, b := range p {
					c.Write(make([]byte, int(b)*1000))
				}
				return len(p)
			}),
			func(l *line, conn *tls.Conn) string {
				for _, thousands := range []byte{100, 60, 20} { // the last waits in plain text
					conn.Write([]byte{thousands})
					l.s.Sleep(time.Second)
				}
				l.s.Send(l.w, []byte("\x17\x03\x03\x00\x20 this is not what it should be...."))
				l.s.Sleep(time.Second)
				p, err := io.ReadAll(conn)
				return fmt.Sprint(len(p) >= 128_000 && len(p) < 180_000, err)
			},
			[]string{"local error: tls: bad record MAC", "heard true remote error: tls: bad record MAC"},
		},
		{
			"and is not waited for when no client takes it", Limits{},
			talk(func(c *Conn, p []byte) int {
				c.Write(make([]byte, 100_000))
				return len(p)
			}),
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				l.s.Sleep(time.Second)
				l.s.Send(l.w, []byte("\x17\x03\x03\x00\x20 this is not what it should be...."))
				l.s.Sleep(10 * time.Second)
				return fmt.Sprint(l.w.ServerClosed())
			},
			[]string{"local error: tls: bad record MAC", "heard true"},
		},
		{
			"a record that was tampered with ends the connection", Limits{},
			talk(func(c *Conn, p []byte) int { return len(p) }),
			func(l *line, conn *tls.Conn) string {
				conn.Handshake()
				l.s.Send(l.w, []byte("\x17\x03\x03\x00\x20 this is not what it should be...."))
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{"local error: tls: bad record MAC", "heard remote error: tls: bad record MAC"},
		},
		{
			"bytes, lent bytes and files come in their order", Limits{},
			func(log *[]string) Protocol {
				return talk(func(c *Conn, p []byte) int {
					for range 3 {
						c.Write([]byte("write"))
						c.Write(nil)
						c.WriteNoCopy([]byte(long))
						c.SendFile(&text{strings.NewReader("-" + long), log}, 1, int64(len(long)))
						c.SendFile(&text{strings.NewReader("short"), log}, 0, 5)
					}
					c.Close()
					return len(p)
				})(log)
			},
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				p, err := hear(conn)
				return fmt.Sprint(p == strings.Repeat("write"+long+long+"short", 3), err)
			},
			[]string{"released", "released", "released", "released", "released", "released", "<nil>", "heard true <nil>"},
		},
		{
			"a file that ends early ends in a reset, never in padding", Limits{},
			func(log *[]string) Protocol {
				return talk(func(c *Conn, p []byte) int {
					c.Write([]byte("head"))
					c.SendFile(&text{strings.NewReader(long), log}, 0, int64(len(long))+1)
					c.Close()
					return len(p)
				})(log)
			},
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{"unexpected EOF", "released", "heard sim: connection reset by peer"},
		},
		{
			"a paused protocol hears nothing, and everything when it resumes", Limits{},
			func(log *[]string) Protocol {
				heard := ""
				return &script{
					speak: func(c *Conn, p []byte) int {
						if heard += string(p); heard == "a" {
							c.Pause()
							c.Loop().After(5*time.Second, func() {
								*log = append(*log, heard)
								c.Resume()
							})
						}
						return len(p)
					},
					ended: func(c *Conn) {
						*log = append(*log, heard)
						c.Close()
					},
				}
			},
			func(l *line, conn *tls.Conn) string {
				for _, word := range []string{"a", "b", "c"} {
					fmt.Fprint(conn, word)
					l.s.Sleep(time.Second)
				}
				conn.CloseWrite()
				l.w.CloseWrite() // so that it is heard of while paused
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{"a", "abc", "heard <nil>"},
		},
		{
			"a peer that sends more than its protocol can use is cut off", Limits{Input: 1000, ReadBudget: 500},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int { return 0 },
					gone:  func(c *Conn, why error) { *log = append(*log, fmt.Sprint(why == ErrInputFull)) },
				}
			},
			func(l *line, conn *tls.Conn) string {
				for {
					if _, err := conn.Write(make([]byte, 300)); err != nil {
						return fmt.Sprint(err)
					}
					l.s.Sleep(time.Second)
				}
			},
			[]string{"true", "heard sim: connection reset by peer"},
		},
		{
			"a panic of a protocol costs its connection", Limits{},
			talk(func(c *Conn, p []byte) int { panic("oh") }),
			func(l *line, conn *tls.Conn) string {
				fmt.Fprint(conn, "hello")
				_, err := hear(conn)
				return fmt.Sprint(err)
			},
			[]string{"eventloop: panic: oh", "heard sim: connection reset by peer"},
		},
		{
			"a server may speak first", Limits{},
			nil, // greets
			func(l *line, conn *tls.Conn) string {
				p, err := hear(conn)
				return fmt.Sprint(p, err)
			},
			[]string{"heard welcome<nil>"},
		},
	}
	for _, row := range rows {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, luck := range []sim.Luck{{}, {ShortRead: 300, LateBytes: 300, NotNow: 200, ShortWrite: 300, FullWrite: 200, ColdFile: 500, SlowWork: 500}} {
				t.Run(fmt.Sprint(row.name, ", ", tls.VersionName(version), luck != sim.Luck{}), func(t *testing.T) {
					var log []string
					var h *house
					h = buildTLS(t, row.limits, &TLS{Config: serverConfig()}, func(c *Conn) Protocol {
						if strings.HasPrefix(row.name, "who begins by pausing") {
							c.Pause()
							h.After(time.Second, c.Resume)
						}
						if row.begin != nil {
							return row.begin(&log)
						}
						c.Write([]byte("welcome"))
						c.Close()
						return &script{}
					})
					h.k.Luck = luck
					h.call(func(l *line) {
						config := clientConfig()
						config.MinVersion, config.MaxVersion = version, version
						noticed := row.client(l, h.client(l, config))
						log = append(log, "heard "+noticed)
						l.w.CloseWrite()
					})
					if err := h.over(); err != nil {
						t.Error(err)
					}
					// The two sides need not notice at the same time.
					slices.Sort(log)
					want := slices.Sorted(slices.Values(row.want))
					if !slices.Equal(log, want) {
						t.Errorf("got  %q\nwant %q", log, want)
					}
				})
			}
		}
	}
}

// TestAnIdleConnectionEndsByTLS has the loop end connections on which nothing is
// under way, for all the reasons that there are. A client can tell that from
// an interference of a third party.
func TestAnIdleConnectionEndsByTLS(t *testing.T) {
	rows := []struct {
		name string
		when func(h *house, s *sim.Script) // while the connection is idle
		why  error
	}{
		{"at its deadline", func(h *house, s *sim.Script) {}, nil},
		{"when the loop ends", func(h *house, s *sim.Script) {
			s.Sleep(2 * time.Second)
			h.Stop()
		}, nil},
		{"when another needs its room", func(h *house, s *sim.Script) {
			s.Sleep(2 * time.Second)
			w, err := h.k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			s.Send(w, []byte("late"))
			if p, err := s.Receive(w, nil, 10); string(p) != "late" {
				t.Errorf("the other heard %q, %v", p, err)
			}
			w.Close()
		}, ErrEvicted},
	}
	for _, row := range rows {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(row.name+", "+tls.VersionName(version), func(t *testing.T) {
				var gone []error
				h := buildTLS(t, Limits{Conns: 1}, &TLS{Config: serverConfig()}, func(c *Conn) Protocol {
					p := echoing()
					p.gone = func(_ *Conn, why error) { gone = append(gone, why) }
					c.SetDeadline(time.Minute)
					return p
				})
				h.call(func(l *line) {
					config := clientConfig()
					config.MinVersion, config.MaxVersion = version, version
					conn := h.client(l, config)
					if err := converse(conn); err != nil {
						t.Error(err)
					}
					h.k.Go(func(s *sim.Script) { row.when(h, s) })
					if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
						t.Errorf("it ended by: %d, %v", n, err)
					}
					l.w.Close()
				})
				if err := h.over(); err != nil {
					t.Error(err)
				}
				if gone[0] != row.why {
					t.Errorf("they have gone: %v", gone)
				}
			})
		}
	}
}

// A rawTLS is a client of TLS 1.3 that makes its records itself when the handshake
// is done: crypto/tls would not let it say what it says here.
type rawTLS struct {
	l           *line
	keys        bytes.Buffer // as in a key log
	write, read direction
	raw         []byte // has come, and is not a whole record yet
	updates     int    // of the server's keys
}

// raw makes a handshake. There must be no tickets.
func (h *house) raw(l *line) *rawTLS {
	r := &rawTLS{l: l}
	config := clientConfig()
	config.KeyLogWriter = &r.keys
	conn := h.client(l, config)
	if err := conn.Handshake(); err != nil {
		h.t.Fatal(err)
	}
	if conn.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		h.t.Skip("this machine prefers a cipher that this test does not know")
	}
	for line := range strings.Lines(r.keys.String()) {
		if f := strings.Fields(line); len(f) == 3 {
			secret, err := hex.DecodeString(f[2])
			if err != nil {
				h.t.Fatal(err)
			}
			switch f[0] {
			case "CLIENT_TRAFFIC_SECRET_0":
				r.write.use(secret)
			case "SERVER_TRAFFIC_SECRET_0":
				r.read.use(secret)
			}
		}
	}
	return r
}

// A direction is one of a connection's two, and its keys.
type direction struct {
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// use takes new keys (RFC 8446 section 7.3).
func (d *direction) use(secret []byte) {
	block, err := aes.NewCipher(label(secret, "key", 16))
	if err == nil {
		d.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		panic(err)
	}
	d.secret, d.iv, d.seq = secret, label(secret, "iv", 12), 0
}

// next takes those that follow (RFC 8446 section 7.2).
func (d *direction) next() { d.use(label(d.secret, "traffic upd", 32)) }

func (d *direction) nonce() []byte {
	n := slices.Clone(d.iv)
	for i := range 8 {
		n[11-i] ^= byte(d.seq >> (8 * i))
	}
	d.seq++
	return n
}

// label is HKDF-Expand-Label of RFC 8446 section 7.1.
func label(secret []byte, name string, size int) []byte {
	info := append([]byte{0, byte(size), byte(6 + len(name))}, "tls13 "+name...)
	p, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), size)
	if err != nil {
		panic(err)
	}
	return p
}

// record makes a record of a type, with what it says.
func (r *rawTLS) record(kind byte, text []byte) []byte {
	size := len(text) + 1 + 16
	head := []byte{23, 3, 3, byte(size >> 8), byte(size)}
	return r.write.aead.Seal(head, r.write.nonce(), append(slices.Clone(text), kind), head)
}

// What records are (RFC 8446 section 5.1).
const (
	textRecord = 23
)

// say sends a record.
func (r *rawTLS) say(kind byte, text ...byte) error {
	return r.l.s.Send(r.l.w, r.record(kind, text))
}

// update has both sides take new keys (RFC 8446 section 4.6.3).
func (r *rawTLS) update() error {
	err := r.say(handshakeRecord, 24, 0, 0, 1, 1)
	r.write.next()
	return err
}

// hear returns the next text, or the alert that came in its place.
func (r *rawTLS) hear() (string, error) {
	for {
		n := records(r.raw)
		if n == 0 {
			var err error
			if r.raw, err = r.l.s.Receive(r.l.w, r.raw, 1000); err != nil {
				return "", err
			}
			continue
		}
		n = recordHead + int(r.raw[3])<<8 + int(r.raw[4])
		text, err := r.read.aead.Open(nil, r.read.nonce(), r.raw[recordHead:n], r.raw[:recordHead])
		if err != nil {
			return "", err
		}
		r.raw = r.raw[n:]
		kind, text := text[len(text)-1], text[:len(text)-1]
		switch kind {
		case alertRecord:
			return "", fmt.Errorf("alert %d", text[1])
		case handshakeRecord:
			r.updates++
			r.read.next()
		default:
			return string(text), nil
		}
	}
}

func TestKeysAreRenewed(t *testing.T) {
	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig(func(c *tls.Config) { c.SessionTicketsDisabled = true })}, func(*Conn) Protocol { return echoing() })
	h.call(func(l *line) {
		r := h.raw(l)
		for i := range 100 {
			if err := r.update(); err != nil {
				t.Fatal(err)
			}
			word := fmt.Sprint("word ", i)
			r.say(textRecord, []byte(word)...)
			if heard, err := r.hear(); heard != word {
				t.Fatalf("%q: heard %q, %v", word, heard, err)
			}
		}
		if r.updates != 100 {
			t.Errorf("the server has renewed its keys %d times", r.updates)
		}
		r.say(alertRecord, 1, 0)
		if _, err := r.hear(); err == nil || err.Error() != "alert 0" {
			t.Errorf("in place of close_notify: %v", err)
		}
		l.w.CloseWrite()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
}

func TestWhoOnlyRenewsKeysIsCutOff(t *testing.T) {
	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig(func(c *tls.Config) { c.SessionTicketsDisabled = true })}, func(*Conn) Protocol { return echoing() })
	h.call(func(l *line) {
		r := h.raw(l)
		for range 100 {
			if err := r.update(); err != nil {
				break // the server has had enough
			}
		}
		if _, err := r.hear(); err == nil || err.Error() != "alert 10" {
			t.Errorf("in place of unexpected_message: %v", err)
		}
		l.w.CloseWrite()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
}

// TestASlowReaderHoldsNoMoreThanTheMark sends much to a client that takes little.
func TestASlowReaderHoldsNoMoreThanTheMark(t *testing.T) {
	const size = 8 << 20
	content := bytes.Repeat([]byte("all work and no play "), size/21+1)[:size]
	rows := []struct {
		name string
		most int64 // bytes in memory
		say  func(log *[]string) Protocol
	}{
		{"a file", 80 << 10, func(log *[]string) Protocol {
			return &script{speak: func(c *Conn, p []byte) int {
				c.SendFile(&text{strings.NewReader(string(content)), log}, 0, size)
				c.Close()
				return len(p)
			}}
		}},
		{"what is said bit by bit", 128<<10 + 10<<10, func(log *[]string) Protocol {
			rest := content
			return &script{speak: func(c *Conn, p []byte) int {
				for !c.Full() {
					n := min(len(rest), 10_000)
					c.Write(rest[:n])
					if rest = rest[n:]; n == 0 {
						c.Close()
						return len(p)
					}
				}
				return 0
			}}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var log []string
			h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol { return row.say(&log) })
			most := int64(0)
			every := h.k.Every
			h.k.Every = func() {
				most = max(most, h.Memory())
				every()
			}
			h.call(func(l *line) {
				conn := h.client(l, clientConfig())
				fmt.Fprint(conn, "?")
				sum, p := sha256.New(), make([]byte, 20_000)
				for {
					n, err := conn.Read(p)
					sum.Write(p[:n])
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					l.s.Sleep(time.Millisecond)
				}
				if want := sha256.Sum256(content); !bytes.Equal(sum.Sum(nil), want[:]) {
					t.Error("what came is something else")
				}
				conn.Close()
			})
			if err := h.over(); err != nil {
				t.Error(err)
			}
			if most > row.most || most < row.most/4 {
				t.Errorf("%d bytes were in memory at once", most)
			}
		})
	}
}

// TestAFloodOfHandshakesLeavesOthersTheirShare has many clients begin at once, and
// one that speaks plain text meanwhile.
func TestAFloodOfHandshakesLeavesOthersTheirShare(t *testing.T) {
	for _, aside := range []bool{false, true} {
		const flood, allowed = 100, 4
		h := buildTLS(t, Limits{Handshakes: allowed, HandshakeTimeout: time.Second}, &TLS{Config: serverConfig(), Waits: aside}, func(*Conn) Protocol { return echoing() })
		before, most, away := uint64(0), uint64(0), 0
		every := h.k.Every
		h.k.Every = func() {
			done := h.Count(TLSHandshake)
			most = max(most, done-before)
			before = done
			away = max(away, h.handshakes.withWorkers)
			every()
		}
		served := 0
		for range flood {
			h.call(func(l *line) {
				conn := h.client(l, clientConfig())
				if err := converse(conn); err != nil {
					t.Error(err)
				}
				served++
				conn.Close()
			})
		}
		h.k.Go(func(s *sim.Script) {
			w, err := h.k.DialPort(80)
			if err != nil {
				t.Error(err)
				return
			}
			for n := 0; served < flood/2; n++ {
				since := h.Count(Turn)
				s.Send(w, []byte("hello"))
				if p, err := s.Receive(w, nil, 100); string(p) != "hello" {
					t.Errorf("heard %q, %v", p, err)
				}
				if took := h.Count(Turn) - since; took > 3 {
					t.Errorf("aside %v: an answer in plain text took %d turns", aside, took)
				}
			}
			w.Close()
		})
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if served != flood {
			t.Errorf("aside %v: %d were served", aside, served)
		}
		if !aside && most > allowed || aside && (away > allowed || away < 2) {
			t.Errorf("aside %v: %d handshakes were completed in one turn, and workers had %d", aside, most, away)
		}
	}
}

// TestHandshakesThatAreGivenUpLeaveNothing breaks many off, at every point and in
// every way.
func TestHandshakesThatAreGivenUpLeaveNothing(t *testing.T) {
	for _, aside := range []bool{false, true} {
		h := buildTLS(t, Limits{}, &TLS{Config: serverConfig(), Waits: aside}, func(*Conn) Protocol { return echoing() })
		h.k.Luck = sim.Luck{ShortRead: 300, NotNow: 200, ShortWrite: 300, SlowWork: 500, PeerReset: 20}
		for i := range 800 {
			h.k.Go(func(s *sim.Script) {
				s.Sleep(h.k.Between(0, time.Minute))
				l := h.dial(s)
				l.cut = 1 + i%400
				l.breaks = func() error {
					switch i % 5 {
					case 0:
						l.w.Reset()
					case 1:
						l.w.Close()
					case 2:
						l.w.CloseWrite()
					case 3: // stalls
					case 4:
						s.Send(l.w, []byte("\x16\x03\x03\x00\x05xyz and more that makes no sense"))
					}
					l.s.ReceiveAll(l.w)
					return io.ErrClosedPipe
				}
				conn := h.client(l, clientConfig())
				if conn.Handshake() == nil {
					l.cut = 0
					conn.Close()
				}
			})
		}
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if c := h.Counters(); c[Accepted].N != c.Closed()+c.Failed() || c.Failed() < 400 {
			t.Errorf("counted: %+v", c)
		}
	}
}

func TestStopDuringAHandshake(t *testing.T) {
	rows := []struct {
		name  string
		after int // bytes of the client's, or -1 for none
		serve bool
		most  time.Duration
	}{
		{"a client that has said nothing has two seconds to begin, and is not reset", -1, false, 3 * time.Second},
		{"who is in its hello has two seconds to go on", 100, false, 3 * time.Second},
		{"who is behind it too", 300, false, 3 * time.Second},
		{"and is served if it does", 300, true, 3 * time.Second},
	}
	for _, row := range rows {
		for _, aside := range []bool{false, true} {
			t.Run(fmt.Sprint(row.name, aside), func(t *testing.T) {
				heard := ""
				h := buildTLS(t, Limits{}, &TLS{Config: serverConfig(), Waits: aside}, func(*Conn) Protocol {
					p := echoing()
					p.speak = func(c *Conn, p []byte) int {
						heard += string(p)
						c.Write(p)
						return len(p)
					}
					return p
				})
				var stopped time.Time
				h.call(func(l *line) {
					l.cut = row.after
					l.breaks = func() error {
						l.s.Sleep(time.Millisecond)
						h.Stop()
						l.cut, stopped = 0, h.k.Now()
						if row.serve {
							l.s.Sleep(time.Second)
							return nil
						}
						if _, err := l.s.ReceiveAll(l.w); err != nil && row.after < 0 {
							t.Error(err)
						}
						l.w.Close()
						return io.ErrClosedPipe
					}
					if row.after < 0 {
						l.breaks()
						return
					}
					conn := h.client(l, clientConfig())
					_, err := fmt.Fprint(conn, "hello")
					if row.serve && err == nil {
						_, err = io.ReadFull(conn, make([]byte, 5))
					}
					if row.serve != (err == nil) {
						t.Errorf("ended by: %v", err)
					}
					if err == nil {
						if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
							t.Errorf("behind the answer: %d, %v", n, err)
						}
					}
					l.w.Close()
				})
				if err := h.over(); err != nil {
					t.Error(err)
				}
				if took := h.k.Now().Sub(stopped); took > row.most {
					t.Errorf("it took %v to stop", took)
				}
			})
		}
	}
}

func TestInSmallRecords(t *testing.T) {
	for size := 1; size <= 3000; size++ {
		text := make([]byte, size)
		rand.Read(text)
		hello := append([]byte{handshakeRecord, 3, 1, byte(size >> 8), byte(size)}, text...)
		got := inSmallRecords(append(slices.Clone(hello), "and more"...))
		n := 0
		for len(got) > 0 && got[0] == handshakeRecord && len(text) > 0 {
			k := int(got[3])<<8 + int(got[4])
			if k > smallRecord || k == 0 || !bytes.Equal(got[recordHead:recordHead+k], text[:k]) {
				t.Fatalf("of %d bytes, a record has %d, or others", size, k)
			}
			got, text = got[recordHead+k:], text[k:]
			n++
		}
		if string(got) != "and more" || n&(n-1) != 0 {
			t.Fatalf("of %d bytes, there are %d records, and %q behind them", size, n, got)
		}
	}
}

// TestAnIdleConnectionHoldsLittle says how much: what crypto/tls keeps of it for its
// whole life, and some hundred bytes of ours.
func TestAnIdleConnectionHoldsLittle(t *testing.T) {
	const clients, most = 100, 6 << 10
	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol { return echoing() })
	h.call(func(l *line) {
		heap := func() uint64 {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		var before uint64
		for i := range clients + 10 {
			if i == 10 {
				before = heap()
			}
			l.w, _ = h.k.DialPort(443)
			// With the large keys that most clients have today.
			conn := h.client(l, clientConfig(func(c *tls.Config) { c.CurvePreferences = nil }))
			fmt.Fprintf(conn, "hello")
			if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			l.heard = nil
		}
		if each := (heap() - before) / clients; each > most {
			t.Errorf("an idle connection holds %d bytes", each)
		} else {
			t.Logf("an idle connection holds %d bytes", each)
		}
		h.Stop()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
}

// TestNobodyGoesOnWithWhoHasLeft has a flood of clients say hello and leave, as they
// do when they have waited for too long.
func TestNobodyGoesOnWithWhoHasLeft(t *testing.T) {
	begun := 0
	config := serverConfig(func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			begun++
			return nil, nil
		}
	})
	for _, aside := range []bool{false, true} {
		begun = 0
		h := buildTLS(t, Limits{Handshakes: 1}, &TLS{Config: config, Waits: aside}, func(*Conn) Protocol { return echoing() })
		for range 50 {
			h.call(func(l *line) {
				l.s.Send(l.w, hello())
				l.w.CloseWrite()
				if _, err := l.s.ReceiveAll(l.w); err == nil {
					t.Error("the end was a proper one")
				}
			})
		}
		h.call(func(l *line) {
			if err := converse(h.client(l, clientConfig())); err != nil {
				t.Error(err)
			}
			l.w.Close()
		})
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if begun > 5 { // some are taken at once, when it is not known yet
			t.Errorf("aside %v: %d handshakes were begun", aside, begun)
		}
	}
}

// TestWhatIsSaidInOneBreathIsHeard has clients say all they have to say, to the end,
// as soon as they can, and in pieces that the network has made: much of it comes
// while the handshake waits for its turn, or for a worker.
func TestWhatIsSaidInOneBreathIsHeard(t *testing.T) {
	for seed := range uint64(60) {
		k := sim.NewUnlucky(seed)
		luck := k.Luck
		luck.PeerReset, luck.DiedQueued, luck.Suspend, luck.Exhausted = 0, 0, 0, 0
		demand := func(c *tls.Config) { c.ClientAuth = tls.RequireAndVerifyClientCert }
		how := &TLS{Config: serverConfig(demand), Waits: seed%2 == 0}
		h := buildTLS(t, Limits{Handshakes: 1 + int(seed%3)}, how, func(*Conn) Protocol { return echoing() })
		h.k.Luck, h.k.Buffer = luck, k.Buffer
		for i := range 5 {
			h.call(func(l *line) {
				l.pieces = 1 + k.Roll(1000)
				if k.Roll(2) == 0 {
					l.sleep = k.Between(1, time.Millisecond)
				}
				conn := h.client(l, clientConfig(func(c *tls.Config) {
					c.Certificates = []tls.Certificate{edCertificate()}
					if i == 0 {
						c.MaxVersion = tls.VersionTLS12
					}
				}))
				_, err := fmt.Fprint(conn, "hello")
				conn.CloseWrite()
				l.w.CloseWrite()
				p, readErr := io.ReadAll(conn)
				if err := errors.Join(err, readErr); err != nil || string(p) != "hello" {
					t.Errorf("seed %d: heard %q, %v", seed, p, err)
				}
			})
		}
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// TestAColdFileIsFetchedElsewhereForTLS looks at who reads a file: the loop does,
// to encrypt it, but only what a worker has read before.
func TestAColdFileIsFetchedElsewhereForTLS(t *testing.T) {
	f := &watchedFile{t: t, loop: goroutine()}
	h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.SendFile(f, 0, coldSize)
			c.Close()
			return len(p)
		}}
	})
	h.k.Luck = sim.Luck{ColdFile: 1000}
	h.call(func(l *line) {
		conn := h.client(l, clientConfig())
		fmt.Fprint(conn, "?")
		if p, err := io.ReadAll(conn); len(p) != coldSize || err != nil {
			t.Errorf("%d bytes came, %v", len(p), err)
		}
		conn.Close()
	})
	if err := h.over(); err != nil {
		t.Error(err)
	}
	if f.fetched < coldSize {
		t.Errorf("workers have read %d bytes", f.fetched)
	}
}

type watchedFile struct {
	t       *testing.T
	loop    string
	fetched int64
}

func (f *watchedFile) ReadAt(p []byte, at int64) (int, error) {
	n := min(int64(len(p)), coldSize-at)
	if goroutine() != f.loop {
		f.fetched = max(f.fetched, at+n)
	} else if at+n > f.fetched {
		f.t.Errorf("the loop reads up to %d, and only %d bytes were fetched", at+n, f.fetched)
	}
	return int(n), nil
}
func (f *watchedFile) Fd() uintptr { return 0 }
func (f *watchedFile) Release()    {}

// TestNobodyInTheQueueIsForgotten has the loop go on by itself when nothing comes
// from outside.
func TestNobodyInTheQueueIsForgotten(t *testing.T) {
	for _, aside := range []bool{false, true} {
		h := buildTLS(t, Limits{Handshakes: 1}, &TLS{Config: serverConfig(), Waits: aside}, func(*Conn) Protocol { return echoing() })
		for range 10 {
			h.call(func(l *line) {
				since := h.k.Now()
				l.s.Send(l.w, hello())
				if _, err := l.s.Receive(l.w, nil, 100); err != nil {
					t.Error(err)
				}
				if took := h.k.Now().Sub(since); took > time.Second {
					t.Errorf("aside %v: it took %v", aside, took)
				}
				l.s.Sleep(time.Minute)
				l.w.Close()
			})
		}
		if err := h.over(); err != nil {
			t.Error(err)
		}
	}
}

// TestTheTimeInTheQueueIsOurs has a worker so slow that the last in the queue wait for
// much longer than a handshake may take.
func TestTheTimeInTheQueueIsOurs(t *testing.T) {
	const clients = 30
	h := buildTLS(t, Limits{Handshakes: 1, HandshakeTimeout: 5 * time.Second}, &TLS{Config: serverConfig(), Waits: true}, func(*Conn) Protocol { return echoing() })
	h.k.Luck.SlowWork = 1000 // half a second each, twice
	for range clients {
		h.call(func(l *line) {
			conn := h.client(l, clientConfig())
			if err := converse(conn); err != nil {
				t.Error(err)
			}
			conn.Close()
		})
	}
	since := h.k.Now()
	if err := h.over(); err != nil {
		t.Error(err)
	}
	if took := h.k.Now().Sub(since); took < 10*time.Second {
		t.Errorf("it took %v only: no client had to wait", took)
	}
}
