package std

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

// hijackers are handlers that take their connection over.
func hijackers(t *testing.T) nethttp.Handler {
	mux := nethttp.NewServeMux()
	mux.HandleFunc("/echo", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		conn, rw, err := nethttp.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "%T %d; ", conn, rw.Reader.Buffered())
		rw.Flush()
		io.Copy(rw, rw)
		rw.Flush()
	})
	mux.HandleFunc("/after", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Length", "5")
		w.Write([]byte("hello"))
		w.(nethttp.Flusher).Flush()
		conn, _, err := w.(nethttp.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		w.WriteHeader(500)
		_, late := w.Write([]byte("late"))
		_, _, again := w.(nethttp.Hijacker).Hijack()
		fmt.Fprint(conn, late == nethttp.ErrHijacked, again == nethttp.ErrHijacked)
	})
	mux.HandleFunc("/switch", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(nethttp.StatusSwitchingProtocols)
		conn, rw, err := w.(nethttp.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.Copy(conn, rw)
	})
	mux.HandleFunc("/panics", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		conn, _, _ := w.(nethttp.Hijacker).Hijack()
		conn.Close()
		panic("the disk is on fire")
	})
	return mux
}

// TestAHandlerHijacksAsBehindNetHTTP says the same to both, in plain text and over TLS.
func TestAHandlerHijacksAsBehindNetHTTP(t *testing.T) {
	plain := strings.TrimPrefix(serveBobbin(t, Handler(hijackers(t))), "http://")
	other := httptest.NewUnstartedServer(hijackers(t))
	other.Config.ErrorLog = log.New(io.Discard, "", 0)
	other.Start()
	defer other.Close()
	cert := httptest.NewUnstartedServer(hijackers(t))
	cert.Config.ErrorLog = other.Config.ErrorLog
	cert.StartTLS()
	defer cert.Close()
	_, secure, _ := runBobbin(t, http.Config{Handler: Handler(hijackers(t)), TLS: &tls.Config{Certificates: cert.TLS.Certificates}})

	for _, row := range []struct{ name, ask, want string }{
		{"all that comes is the handler's", "GET /echo HTTP/1.1\r\nHost: a\r\n\r\nmore", " 4; more"},
		{"a body, too", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello, more", "; hello, more"},
		{"output from before goes first, and nothing after", "GET /after HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nhellotrue true"},
		{"a 101 is sent with its fields", "GET /switch HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nmore", "\r\nConnection: Upgrade\r\n,\r\nUpgrade: echo\r\n,\r\n\r\nmore"},
		{"a panic costs nothing more", "GET /panics HTTP/1.1\r\nHost: a\r\n\r\n", ""},
	} {
		for at, dial := range map[string]func() (net.Conn, error){
			"net/http":        func() (net.Conn, error) { return net.Dial("tcp", other.Listener.Addr().String()) },
			"bobbin":          func() (net.Conn, error) { return net.Dial("tcp", plain) },
			"net/http, TLS":   func() (net.Conn, error) { return tls.Dial("tcp", cert.Listener.Addr().String(), trusting) },
			"bobbin over TLS": func() (net.Conn, error) { return tls.Dial("tcp", secure, trusting) },
		} {
			t.Run(row.name+", "+at, func(t *testing.T) {
				conn, err := dial()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				io.WriteString(conn, row.ask)
				conn.(interface{ CloseWrite() error }).CloseWrite()
				text, err := io.ReadAll(conn)
				for _, part := range strings.Split(row.want, ",\r\n") {
					if !strings.Contains(string(text), strings.TrimSuffix(part, "\r\n")) || err != nil {
						t.Errorf("got %q, %v", text, err)
					}
				}
				kind := "*net.TCPConn"
				if strings.Contains(at, "TLS") {
					kind = "*tls.Conn"
				}
				if strings.Contains(row.ask, "/echo") && !strings.HasPrefix(string(text), kind) {
					t.Errorf("the connection is a %s", text)
				}
			})
		}
	}
}

var trusting = &tls.Config{InsecureSkipVerify: true}

// TestAHijackedConnectionOutlivesItsHandler has a client talk to a goroutine that the
// handler has left behind, for longer than the server runs.
func TestAHijackedConnectionOutlivesItsHandler(t *testing.T) {
	at, _, stop := runBobbin(t, http.Config{Handler: Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		conn, rw, err := w.(nethttp.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer conn.Close()
			conn.Write([]byte("ready\n"))
			io.Copy(conn, rw)
		}()
	}))})
	conn := dial(t, at, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	defer conn.Close()
	lines := bufio.NewReader(conn)
	if line, err := lines.ReadString('\n'); line != "ready\n" || err != nil {
		t.Fatal(line, err)
	}
	stop()
	io.WriteString(conn, "still here\n")
	if line, err := lines.ReadString('\n'); line != "still here\n" || err != nil {
		t.Error(line, err)
	}
	conn.(*net.TCPConn).CloseWrite()
	if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestConnectIsNetHTTPs has a handler of net/http be the one of Config.Connect.
func TestConnectIsNetHTTPs(t *testing.T) {
	h := Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		conn, rw, err := w.(nethttp.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n\r\n%s %q %q %q; ", r.Method, r.URL.Host, r.URL.Path, r.RequestURI)
		io.Copy(conn, rw)
	}))
	at, _, stop := runBobbin(t, http.Config{Connect: h})
	conn := dial(t, at, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\nhello")
	defer conn.Close()
	conn.(*net.TCPConn).CloseWrite()
	text, err := io.ReadAll(conn)
	if want := `CONNECT "a.example:443" "" "a.example:443"; hello`; !strings.HasSuffix(string(text), want) || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	stop()
}
