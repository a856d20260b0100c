package websocket

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// browserPage opens sessions at once, each of which says the same, and tells how they went.
const browserPage = `<!doctype html><link rel=icon href=data:,><script>
const messages = ["hello", "", "é€😀", "x".repeat(100000), new Uint8Array([0, 255]), new Uint8Array(1 << 20).fill(7)];
const size = (m) => typeof m === "string" ? "text " + m.length : "binary " + m.byteLength;
const session = (number) => new Promise((resolve) => {
	const ws = new WebSocket(location.href.replace(/^http/, "ws") + "ws", ["other", "echo"]);
	let n = 0, wrong = 0;
	ws.binaryType = "arraybuffer";
	ws.onopen = () => messages.forEach((m) => ws.send(m));
	ws.onmessage = (e) => {
		if (size(e.data) !== size(messages[n])) wrong++;
		if (++n < messages.length) return;
		if (number % 2) ws.close(4000, "bye"); else ws.send("close");
	};
	ws.onclose = (e) => resolve([n, wrong, e.code, e.reason, e.wasClean, ws.protocol, ws.extensions.split(";")[0]].join(" "));
});
const refused = new Promise((resolve) => {
	const ws = new WebSocket(location.href.replace(/^http/, "ws") + "none");
	ws.onclose = (e) => resolve("refused with " + e.code);
});
Promise.all([0, 1, 2, 3, 4, 5].map(session).concat(refused))
	.then((all) => [...new Set(all)].join(", "), (e) => "failed: " + e)
	.then((text) => fetch("/result", {method: "POST", body: text}));
</script>`

// A browserSite is a server with the page, and what it has learned of its visit.
type browserSite struct {
	peerSite
	mu     sync.Mutex
	page   string          // by which HTTP it came
	by     map[string]bool // by which the sessions came, and whether on the page's connection
	conn   uint32          // of the page
	result chan string
}

// serve is the handler of the site.
func (b *browserSite) serve(w *http.Response, r *http.Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.Path() {
	case "/ws":
		where := "another connection"
		if r.ConnID() == b.conn {
			where = "its connection"
		}
		b.by[fmt.Sprintf("sessions by HTTP/%d on %s", r.ProtoMajor(), where)] = true
		return b.peerSite.serve(w, r)
	case "/result":
		body, err := r.Body()
		if err != nil {
			return err
		}
		b.result <- string(body)
		return http.StatusNoContent
	case "/none":
		return http.StatusNotFound
	}
	b.page, b.conn = fmt.Sprintf("page by HTTP/%d", r.ProtoMajor()), r.ConnID()
	return w.HTML(browserPage)
}

// TestABrowserTalksByWebSocket has pages of Chromium open sessions over HTTP/1.1, in plain
// text and over TLS, and over HTTP/2 where that is offered (RFC 8441): then they are streams of
// the connection that the page came by.
func TestABrowserTalksByWebSocket(t *testing.T) {
	t.Parallel()
	browser, err := exec.LookPath("chromium")
	if err != nil || testing.Short() {
		t.Skip("chromium is not here, or the test is short")
	}
	const went = "6 0 4001 enough ✓ true echo permessage-deflate, 6 0 4000  true echo permessage-deflate, refused with 1006"
	rows := []struct {
		name   string
		config http.Config
		scheme string
		page   string
		by     string
	}{
		{"in plain text", http.Config{}, "http", "page by HTTP/1", "map[sessions by HTTP/1 on another connection:true]"},
		{"over TLS", http.Config{TLS: ownCertificate(t)}, "https", "page by HTTP/2", "map[sessions by HTTP/1 on another connection:true]"},
		{"over HTTP/2", http.Config{TLS: ownCertificate(t), Tunnels: true}, "https", "page by HTTP/2", "map[sessions by HTTP/2 on its connection:true]"},
	}
	sites := make([]*browserSite, len(rows))
	urls := make([]string, len(rows))
	for i, row := range rows {
		sites[i] = &browserSite{peerSite: peerSite{make(chan string, 100)}, by: make(map[string]bool), result: make(chan string, 1)}
		row.config.Handler = sites[i].serve
		at, stop := serveConfig(t, row.config)
		defer stop()
		urls[i] = row.scheme + "://" + at + "/"
	}
	ended := visit(t, browser, urls...)
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			select {
			case got := <-sites[i].result:
				if got != went {
					t.Errorf("the page says %s", got)
				}
			case <-ended:
				t.Fatal("the browser has ended")
			case <-time.After(5 * time.Minute): // or a mistake would hang the test
				t.Fatal("the page reports nothing")
			}
			sites[i].mu.Lock()
			defer sites[i].mu.Unlock()
			if page, by := sites[i].page, fmt.Sprint(sites[i].by); page != row.page || by != row.by {
				t.Errorf("they came as %s and %s", page, by)
			}
		})
	}
}

// visit has a browser open pages, in a tab each, until the test ends. It returns a channel
// that is closed when the browser has ended before. The browser is told by the Chrome DevTools
// Protocol over pipes: JSON, each message with a NUL behind it.
func visit(t *testing.T, browser string, urls ...string) (ended chan struct{}) {
	t.Helper()
	folder, err := os.MkdirTemp("", "") // which the browser may still write to when the test ends
	if err != nil {
		t.Fatal(err)
	}
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--ignore-certificate-errors", "--user-data-dir="+folder, "--remote-debugging-pipe", "about:blank")
	run.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := run.Start(); err != nil {
		t.Skipf("chromium does not run here: %v", err)
	}
	theirIn.Close()
	theirOut.Close()
	go io.Copy(io.Discard, ourIn)
	for i, url := range urls {
		fmt.Fprintf(ourOut, `{"id":%d,"method":"Target.createTarget","params":{"url":%q}}`+"\x00", i+1, url)
	}
	ended = make(chan struct{})
	go func() {
		run.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		ourOut.Close()
		ourIn.Close()
		os.RemoveAll(folder)
	})
	return ended
}

// ownCertificate returns a certificate for this machine, signed by itself.
func ownCertificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
