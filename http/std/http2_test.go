package std

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A way is one of those in which a client reaches a server: a protocol, over TLS or not.
type way struct {
	name   string
	client *nethttp.Client
	url    string
}

// fourWays serves a handler until the test ends, and returns the ways to it.
func fourWays(t *testing.T, h nethttp.Handler) (all []way) {
	t.Helper()
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS()
	certificates.Close() // its certificate is all that is needed of it
	plain, secure, _ := runBobbin(t, http.Config{
		Handler: Handler(h),
		TLS:     &tls.Config{Certificates: certificates.TLS.Certificates},
		Loop:    eventloop.Config{CheckOwner: true},
	})
	roots := x509.NewCertPool()
	roots.AddCert(certificates.Certificate())
	for _, version := range []int{1, 2} {
		protocols := new(nethttp.Protocols)
		protocols.SetHTTP1(version == 1)
		protocols.SetHTTP2(version == 2)
		protocols.SetUnencryptedHTTP2(version == 2)
		transport := &nethttp.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}}
		t.Cleanup(transport.CloseIdleConnections)
		client := &nethttp.Client{Transport: transport}
		all = append(all, way{fmt.Sprintf("HTTP/%d in plain text", version), client, "http://" + plain},
			way{fmt.Sprintf("HTTP/%d over TLS", version), client, "https://" + secure})
	}
	return all
}

// isHTTP2 reports whether a way is one of HTTP/2.
func (w *way) isHTTP2() bool { return strings.HasPrefix(w.name, "HTTP/2") }

func TestHandlersHaveTheVersionAndTheLength(t *testing.T) {
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, err := io.ReadAll(r.Body)
		_, pushes := w.(nethttp.Pusher)
		fmt.Fprintln(w, r.Proto, r.ProtoMajor, r.ProtoMinor, r.ContentLength, r.TransferEncoding, r.Header.Get("Te"), r.Close, pushes, len(body), err, r.TLS != nil)
	})
	for _, way := range fourWays(t, h) {
		for _, row := range []struct {
			body        io.Reader
			first, then string // of HTTP/1.1, of HTTP/2
		}{
			{nil, "HTTP/1.1 1 1 0 [] trailers false false 0 <nil>", "HTTP/2.0 2 0 0 [] trailers false false 0 <nil>"},
			{strings.NewReader("hello"), "HTTP/1.1 1 1 5 [] trailers false false 5 <nil>", "HTTP/2.0 2 0 5 [] trailers false false 5 <nil>"},
			{io.MultiReader(strings.NewReader("hello")), "HTTP/1.1 1 1 -1 [chunked] trailers false false 5 <nil>", "HTTP/2.0 2 0 -1 [] trailers false false 5 <nil>"},
		} {
			q, err := nethttp.NewRequest("POST", way.url, row.body)
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Te", "trailers")
			want := row.first
			if way.isHTTP2() {
				want = row.then
			}
			want += fmt.Sprintln("", strings.HasPrefix(way.url, "https"))
			if got := bodyOf(way.client.Do(q)); got != want {
				t.Errorf("%s: the handler has %q, and not %q", way.name, got, want)
			}
		}
	}
}

// bodyOf returns the body of an answer, or the error in its place.
func bodyOf(a *nethttp.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		return fmt.Sprintf("%q, and then %v", body, err)
	}
	return string(body)
}

func TestTrailersGoBothWays(t *testing.T) {
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		announced := len(r.Trailer)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		if r.URL.Path == "/body" {
			w.Write(body)
		}
		w.(nethttp.Flusher).Flush()
		w.Header().Set("X-Sum", fmt.Sprint(len(body), announced, r.Trailer))
		w.Header().Set(nethttp.TrailerPrefix+"X-Late", "yes")
	})
	for _, way := range fourWays(t, h) {
		for path, want := range map[string]string{"/body": "hello", "/empty": ""} {
			q, err := nethttp.NewRequest("POST", way.url+path, io.MultiReader(strings.NewReader("hello")))
			if err != nil {
				t.Fatal(err)
			}
			q.Trailer = nethttp.Header{"X-Check": {"a check"}}
			a, err := way.client.Do(q)
			if got := bodyOf(a, err); got != want {
				t.Errorf("%s, %s: the body is %q", way.name, path, got)
			}
			if err == nil {
				if got := fmt.Sprint(a.Trailer); got != "map[X-Late:[yes] X-Sum:[5 1 map[X-Check:[a check]]]]" {
					t.Errorf("%s, %s: the trailers are %s", way.name, path, got)
				}
			}
		}
	}
}

// TestConnectionFieldsAreDropped has a handler that sets what HTTP/2 forbids (RFC 9113 section
// 8.2.2): net/http's client refuses an answer with one of these.
func TestConnectionFieldsAreDropped(t *testing.T) {
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Upgrade"} {
			w.Header().Set(name, "a")
		}
		w.Header().Set("Connection", "keep-alive, Upgrade")
		w.Header().Set("Transfer-Encoding", "chunked")
		w.Header().Set("X-Other", "b")
		fmt.Fprint(w, "hello")
	})
	for _, way := range fourWays(t, h) {
		if !way.isHTTP2() {
			continue
		}
		a, err := way.client.Get(way.url)
		if got := bodyOf(a, err); got != "hello" {
			t.Fatalf("%s: %q", way.name, got)
		}
		for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Upgrade", "Connection", "Transfer-Encoding"} {
			if value, ok := a.Header[name]; ok {
				t.Errorf("%s: %s is %q", way.name, name, value)
			}
		}
		if got := a.Header.Get("X-Other"); got != "b" {
			t.Errorf("%s: another field is %q", way.name, got)
		}
	}
}

func TestACallThatIsCancelledEndsTheContext(t *testing.T) {
	began, ended := make(chan bool, 1), make(chan error, 1)
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/other" {
			return
		}
		w.(nethttp.Flusher).Flush()
		began <- true
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
		ended <- r.Context().Err()
	})
	for _, way := range fourWays(t, h) {
		for _, method := range []string{"GET", "POST"} {
			var body io.Reader
			if method == "POST" {
				body = strings.NewReader("hello")
			}
			ctx, cancel := context.WithCancel(t.Context())
			q, err := nethttp.NewRequestWithContext(ctx, method, way.url, body)
			if err != nil {
				t.Fatal(err)
			}
			a, err := way.client.Do(q)
			if err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
			<-began
			select {
			case err := <-ended:
				t.Errorf("%s, %s: the context has ended with %v while the client waits", way.name, method, err)
			case <-time.After(50 * time.Millisecond):
			}
			cancel()
			a.Body.Close()
			if err := <-ended; err != context.Canceled {
				t.Errorf("%s, %s: the context has ended with %v", way.name, method, err)
			}
			if got := bodyOf(way.client.Get(way.url + "/other")); got != "" {
				t.Errorf("%s, %s: the next request: %q", way.name, method, got)
			}
		}
	}
}

func TestAHandlerReadsWhileItWrites(t *testing.T) {
	const pieces = 100
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.NewResponseController(w).EnableFullDuplex()
		w.(nethttp.Flusher).Flush()
		p := make([]byte, 10)
		for {
			n, err := io.ReadFull(r.Body, p)
			if err != nil {
				return
			}
			w.Write(bytes.ToUpper(p[:n]))
			w.(nethttp.Flusher).Flush()
		}
	})
	for _, way := range fourWays(t, h) {
		from, to := io.Pipe()
		q, err := nethttp.NewRequest("POST", way.url, from)
		if err != nil {
			t.Fatal(err)
		}
		a, err := way.client.Do(q)
		if err != nil {
			t.Fatalf("%s: %v", way.name, err)
		}
		p := make([]byte, 10)
		for i := range pieces {
			fmt.Fprintf(to, "piece %4d", i)
			if _, err := io.ReadFull(a.Body, p); err != nil || string(p) != fmt.Sprintf("PIECE %4d", i) {
				t.Fatalf("%s: the answer to %d is %q, %v", way.name, i, p, err)
			}
		}
		to.Close()
		if got := bodyOf(a, nil); got != "" {
			t.Errorf("%s: behind the last piece: %q", way.name, got)
		}
	}
}

func TestAControllerSetsDeadlinesAndFlushes(t *testing.T) {
	h := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		c := nethttp.NewResponseController(w)
		if r.URL.Path == "/hijack" {
			_, _, err := c.Hijack()
			fmt.Fprint(w, err != nil)
			return
		}
		if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Error(err)
		}
		if err := c.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		_, err := io.ReadAll(r.Body)
		fmt.Fprint(w, err)
		if err := c.Flush(); err != nil {
			t.Error(err)
		}
	})
	for _, way := range fourWays(t, h) {
		from, to := io.Pipe()
		q, err := nethttp.NewRequest("POST", way.url, from)
		if err != nil {
			t.Fatal(err)
		}
		got := bodyOf(way.client.Do(q))
		to.Close()
		if !strings.Contains(got, "deadline exceeded") && !strings.Contains(got, "i/o timeout") {
			t.Errorf("%s: the error of a body that does not come is %q", way.name, got)
		}
		if !way.isHTTP2() {
			continue // the connection would be the handler's
		}
		if got := bodyOf(way.client.Get(way.url + "/hijack")); got != "true" {
			t.Errorf("%s: Hijack has an error: %s", way.name, got)
		}
	}
}
