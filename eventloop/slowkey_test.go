package eventloop

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/bobbin-http/bobbin"
)

// watchedKey is a key that says when it signs.
type watchedKey struct {
	crypto.Signer
	signs func()
}

func (k watchedKey) Sign(rand io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	k.signs()
	return k.Signer.Sign(rand, digest, o)
}

// TestASlowKeySignsWithAWorker has a certificate replaced by one with a slow key, and
// that by another, while connections come.
func TestASlowKeySignsWithAWorker(t *testing.T) {
	var now tls.Certificate // what the server has
	for _, row := range []struct {
		name   string
		config func() *tls.Config
	}{
		{"of a callback for certificates", func() *tls.Config {
			return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &now, nil }}
		}},
		{"of a callback for configurations", func() *tls.Config {
			return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{Certificates: []tls.Certificate{now}}, nil
			}}
		}},
		{"of a callback for configurations with one for certificates", func() *tls.Config {
			return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &now, nil }}, nil
			}}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			now = edCertificate()
			h := buildTLS(t, Limits{}, &TLS{Config: row.config()}, func(*Conn) Protocol { return echoing() })
			signed, steps := 0, 0
			every := h.k.Every
			h.k.Every = func() {
				steps = max(steps, h.workers.lanes[laneSigning].busy)
				every()
			}
			visit := func(l *line) {
				conn := h.client(l, clientConfig())
				if err := converse(conn); err != nil {
					t.Error(err)
				}
				conn.Close()
			}
			h.call(func(l *line) {
				visit(l)
				if steps != 0 {
					t.Error("a worker has signed with a fast key")
				}
				now = rsaCertificate()
				now.PrivateKey = watchedKey{now.PrivateKey.(crypto.Signer), func() {
					signed++
					if h.workers.lanes[laneSigning].busy == 0 {
						t.Error("the loop has signed with a slow key")
					}
				}}
				visit(h.dial(l.s))
				if signed != 1 || steps != 1 {
					t.Errorf("a slow key has signed %d times, with %d workers", signed, steps)
				}
				now, steps = ecCertificate(), 0
				visit(h.dial(l.s))
				if steps != 0 {
					t.Error("a worker has signed with a fast key again")
				}
			})
			if err := h.over(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTicketsAreGoodOnEveryLoop has a client come back to another listener that has
// the same configuration.
func TestTicketsAreGoodOnEveryLoop(t *testing.T) {
	for _, callback := range []bool{false, true} {
		config := serverConfig(func(c *tls.Config) {
			if callback {
				cert := edCertificate()
				c.Certificates, c.GetCertificate = nil, func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
			}
		})
		h := buildTLS(t, Limits{}, &TLS{Config: config}, func(*Conn) Protocol { return echoing() })
		if _, err := h.ListenAt(":444", bobbin.ListenOptions{}, (&TLS{Config: config}).Wrap(func(*Conn) Protocol { return echoing() })); err != nil {
			t.Fatal(err)
		}
		client := clientConfig(func(c *tls.Config) { c.ClientSessionCache = tls.NewLRUClientSessionCache(1) })
		h.call(func(l *line) {
			for _, port := range []uint16{443, 444} {
				l.w, _ = h.k.DialPort(port)
				conn := h.client(l, client)
				if err := converse(conn); err != nil {
					t.Error(err)
				}
				conn.Close()
			}
		})
		if err := h.over(); err != nil {
			t.Error(err)
		}
		if n := h.Count(TLSResumed); n != 1 {
			t.Errorf("callback %v: %d handshakes were resumed", callback, n)
		}
	}
}

// TestAConfigurationIsForgotten has a configuration all of whose functions lead back to it.
func TestAConfigurationIsForgotten(t *testing.T) {
	config := serverConfig()
	keep := func() { runtime.KeepAlive(config) }
	config.Time = func() time.Time { keep(); return time.Now() }
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { keep(); return nil, nil }
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { keep(); return nil, nil }
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return config, nil }
	config.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { keep(); return nil }
	config.VerifyConnection = func(tls.ConnectionState) error { keep(); return nil }
	config.WrapSession = func(tls.ConnectionState, *tls.SessionState) ([]byte, error) { keep(); return nil, nil }
	config.UnwrapSession = func([]byte, tls.ConnectionState) (*tls.SessionState, error) { keep(); return nil, nil }
	config.GetEncryptedClientHelloKeys = func(*tls.ClientHelloInfo) ([]tls.EncryptedClientHelloKey, error) { keep(); return nil, nil }
	config.KeyLogWriter = writing(keep)
	key := weak.Make(config)
	if first, second := choosing(config), choosing(config); first != second {
		t.Error("one configuration has two choosers")
	}
	runtime.KeepAlive(config)
	known := func() bool {
		choosers.mu.Lock()
		defer choosers.mu.Unlock()
		return choosers.of[key] != nil
	}
	for range 1000 {
		if runtime.GC(); !known() {
			return
		}
	}
	t.Error("a configuration that is gone has a chooser")
}

// A writing is a function as an io.Writer.
type writing func()

func (w writing) Write(p []byte) (int, error) { w(); return len(p), nil }

func TestSlowKeysLeaveTheLoopACore(t *testing.T) {
	for _, row := range []struct {
		name               string
		said               int
		cores, loops, want int
	}{
		{"of two, one is the loop's", 0, 2, 0, 1},
		{"of eight, too", 0, 8, 1, 7},
		{"of one there is nothing to leave", 0, 1, 1, 1},
		{"each loop has its part of the cores", 0, 8, 4, 1},
		{"there are not more than may be", 3, 8, 1, 3},
	} {
		config := Config{Loops: row.loops, Limits: Limits{Handshakes: row.said}}
		if got := config.signers(row.cores); got != row.want {
			t.Errorf("%s: %d at a time", row.name, got)
		}
	}
}
