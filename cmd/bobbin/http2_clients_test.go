package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bobbin-http/bobbin/http"
)

// The clients that people use, by HTTP/2: over TLS, and in plain text those that know it is spoken.

// sums is a site around another one: POST /sum answers with the length and the SHA-256 of a body.
func sums(next http.Handler) http.Handler {
	sum := http.Streaming(func(w *http.Response, r *http.Request) error {
		h := sha256.New()
		n, err := io.Copy(h, r)
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprintf("%d %x", n, h.Sum(nil)))
	})
	return func(w *http.Response, r *http.Request) error {
		if r.Path() == "/sum" {
			return sum(w, r)
		}
		return next(w, r)
	}
}

// An h2Server is a program that serves three files and takes uploads, and what is known of it.
type h2Server struct {
	*program
	ca     string // file of the authority; "" in plain text
	key    string // hash of the certificate's key, for browsers
	upload string // file of 5 MB
	sum    string // what POST /sum answers to it
	huge   string // SHA-256 of the file of 20 MB
}

// h2Serve starts one.
func h2Serve(t *testing.T, secure bool) *h2Server {
	t.Helper()
	// Neither compresses, and no piece of it is like another.
	huge := bytes.Repeat([]byte("0123456789abcdef"), 20_000_000/16)
	for i := 0; i+8 < len(huge); i += 16 {
		copy(huge[i:], fmt.Sprintf("%08x", i))
	}
	upload := huge[:5_000_000]
	s := &h2Server{
		upload: filepath.Join(t.TempDir(), "upload"),
		sum:    fmt.Sprintf("%d %x", len(upload), sha256.Sum256(upload)),
		huge:   fmt.Sprintf("%x", sha256.Sum256(huge)),
	}
	if err := os.WriteFile(s.upload, upload, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{folder(t, map[string][]byte{"some": some, "small": []byte("small"), "huge": huge, "index.html": []byte("<!doctype html><link rel=icon href=data:,>")})}
	if secure {
		made, _ := pair(t, t.TempDir())
		c, err := tls.LoadX509KeyPair(made.Pair.Cert, made.Pair.Key)
		if err != nil {
			t.Fatal(err)
		}
		key := sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo)
		s.ca, s.key = made.CA, base64.StdEncoding.EncodeToString(key[:])
		args = append([]string{"--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key}, args...)
	}
	s.program = startAs(t, "sums", "", args...)
	return s
}

// bothWays runs a test over TLS and in plain text.
func bothWays(t *testing.T, test func(t *testing.T, s *h2Server)) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		name := "in plain text"
		if secure {
			name = "over TLS"
		}
		t.Run(name, func(t *testing.T) { test(t, h2Serve(t, secure)) })
	}
}

func TestCurlSpeaksHTTP2(t *testing.T) {
	bothWays(t, func(t *testing.T, s *h2Server) {
		how := []string{"-sS", "--http2-prior-knowledge"}
		if s.ca != "" {
			how = []string{"-sS", "--http2", "--cacert", s.ca}
		}
		curl := func(args ...string) string { return tool(t, "curl", append(how, args...)...) }
		to := filepath.Join(t.TempDir(), "got")
		reports(t, curl("-o", to, "-w", "%{http_version} %{http_code} %{size_download}\n", s.url+"huge"), `^2 200 20000000\n$`)
		if got, err := os.ReadFile(to); err != nil || fmt.Sprintf("%x", sha256.Sum256(got)) != s.huge {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		reports(t, curl("-w", " %{http_version} %{http_code}\n", "-T", s.upload, "-X", "POST", s.url+"sum"), "^"+s.sum+` 2 200\n$`)
		reports(t, curl("-I", s.url+"small"), `^HTTP/2 200 \r\n(.*\r\n)*content-length: 5\r\n`)
		// A file takes no upload, and says so before the end of it.
		reports(t, curl("-o", os.DevNull, "-w", "%{http_version} %{http_code}\n", "-T", s.upload, s.url+"small"), `^2 405\n$`)
		if s.ca == "" {
			return // curl 7.88 cannot use such a connection again, with no server
		}
		reports(t, curl("-w", " %{http_version} %{num_connects}\n", s.url+"small", s.url+"small", s.url+"small"), `^small 2 1\nsmall 2 0\nsmall 2 0\n$`)
		urls := strings.Split(strings.TrimSpace(strings.Repeat(s.url+"some ", 20)), " ")
		reports(t, curl(append([]string{"--no-progress-meter", "-Z", "--parallel-max", "20", "-o", os.DevNull, "-w", "%{http_code} %{size_download}\n"}, outputs(urls)...)...), fmt.Sprintf(`(?:200 %d\n){20}$`, len(some)))
	})
}

// outputs has curl write nothing of each of some URLs but the first, which has its output.
func outputs(urls []string) (args []string) {
	for i, url := range urls {
		if i > 0 {
			args = append(args, "-o", os.DevNull)
		}
		args = append(args, url)
	}
	return args
}

// TestCurlAsksForHTTP2ByUpgrade which is not done any more (RFC 9113 appendix B): it is answered by
// HTTP/1.1.
func TestCurlAsksForHTTP2ByUpgrade(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"small": []byte("small")}))
	reports(t, tool(t, "curl", "-sS", "--http2", "-w", " %{http_version} %{http_code}\n", p.url+"small"), `^small 1\.1 200\n$`)
}

func TestNghttp(t *testing.T) {
	bothWays(t, func(t *testing.T, s *h2Server) {
		out := tool(t, "nghttp", "-n", "-s", "-m", "30", "-y", s.url+"some", s.url+"small")
		if n := strings.Count(out, " 200 "); n != 60 {
			t.Errorf("%d answers by 200:\n%s", n, out)
		}
		reports(t, tool(t, "nghttp", "-y", "-d", s.upload, s.url+"sum"), s.sum)
	})
}

func TestH2loadSpeaksHTTP2(t *testing.T) {
	bothWays(t, func(t *testing.T, s *h2Server) {
		for _, streams := range []string{"1", "20"} {
			out := tool(t, "h2load", "-n", "4000", "-c", "8", "-m", streams, s.url+"small", s.url+"some")
			reports(t, out, `requests: 4000 total, 4000 started, 4000 done, 4000 succeeded, 0 failed, 0 errored, 0 timeout`)
			reports(t, out, `status codes: 4000 2xx, 0 3xx, 0 4xx, 0 5xx`)
		}
		out := tool(t, "h2load", "-n", "8", "-c", "2", "-m", "4", "-d", s.upload, s.url+"sum")
		reports(t, out, `8 succeeded, 0 failed`)
	})
}

// TestNodeSpeaksHTTP2 with streams at once, an upload, a download that it resets in the middle,
// and an order for its answers.
func TestNodeSpeaksHTTP2(t *testing.T) {
	bothWays(t, func(t *testing.T, s *h2Server) {
		out := tool(t, "node", "-e", `
			const http2 = require('http2'), crypto = require('crypto'), fs = require('fs');
			const [url, ca, upload] = process.argv.slice(1);
			const session = http2.connect(url, ca ? { ca: fs.readFileSync(ca) } : {});
			const ask = (path, headers = {}, body, stop) => new Promise((resolve, reject) => {
				const r = session.request({ ':path': path, ...headers }, { endStream: !body });
				const sum = crypto.createHash('sha256');
				let status = 0, size = 0, text = '';
				r.on('response', (h) => { status = h[':status']; });
				r.on('data', (d) => {
					sum.update(d);
					size += d.length;
					if (size < 200) text += d;
					if (stop && size > 100000) r.close(http2.constants.NGHTTP2_CANCEL);
				});
				r.on('close', () => resolve({ status, size, text, sum: sum.digest('hex'), code: r.rstCode }));
				r.on('error', reject);
				if (body) r.end(body);
			});
			(async () => {
				const got = await Promise.all(Array.from({ length: 60 }, () => ask('/some')));
				console.log([...new Set(got.map((a) => a.status + ' ' + a.size))].join('\n'));
				const [sum, huge, small] = await Promise.all([
					ask('/sum', { ':method': 'POST' }, fs.readFileSync(upload)),
					ask('/huge', { priority: 'u=5' }),
					ask('/small', { priority: 'u=0' }),
				]);
				console.log(sum.status, sum.text);
				console.log(huge.status, huge.sum);
				console.log(small.status, small.text);
				const left = await ask('/huge', {}, null, true);
				console.log(left.status, left.size < 20000000, left.code);
				await new Promise((resolve) => session.ping(() => resolve()));
				console.log((await ask('/none')).status);
				session.close(() => console.log('closed'));
			})();
		`, s.url, s.ca, s.upload)
		want := fmt.Sprintf("200 %d\n200 %s\n200 %s\n200 small\n200 true 8\n404\nclosed\n", len(some), s.sum, s.huge)
		if out != want {
			t.Errorf("it prints\n%s\nand not\n%s", out, want)
		}
	})
}

// TestGoSpeaksHTTP2 with the client of the standard library, several requests at once.
func TestGoSpeaksHTTP2(t *testing.T) {
	bothWays(t, func(t *testing.T, s *h2Server) {
		client := s.h2Client(nil)
		upload, err := os.ReadFile(s.upload)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if i%10 > 0 {
					answer, err := client.Get(s.url + "some")
					if err != nil {
						t.Error(err)
						return
					}
					defer answer.Body.Close()
					if got, err := io.ReadAll(answer.Body); err != nil || !bytes.Equal(got, some) || answer.ProtoMajor != 2 {
						t.Errorf("%d bytes by %s, %v", len(got), answer.Proto, err)
					}
					return
				}
				answer, err := client.Post(s.url+"sum", "text/plain", bytes.NewReader(upload))
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				if got, err := io.ReadAll(answer.Body); err != nil || string(got) != s.sum {
					t.Errorf("the sum is %q, %v", got, err)
				}
			})
		}
		all.Wait()
		// A file takes no body: the answer comes before its end, and the connection goes on.
		answer, err := client.Post(s.url+"some", "text/plain", bytes.NewReader(upload))
		if err != nil || answer.StatusCode != 405 || answer.Header.Get("Allow") == "" {
			t.Fatalf("a POST of a file: %v, %v", answer, err)
		}
		answer.Body.Close()
		if got := gets(t, client, s.url+"small"); got != "HTTP/2.0 200 5" {
			t.Errorf("then it gets %s", got)
		}
	})
}

// TestGoWithForceAttemptHTTP2 has a transport with a configuration of its own, which would speak
// HTTP/1.1 without being told.
func TestGoWithForceAttemptHTTP2(t *testing.T) {
	t.Parallel()
	s := h2Serve(t, true)
	for _, force := range []bool{false, true} {
		transport := &nethttp.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: force}
		client := &nethttp.Client{Transport: transport}
		if got, want := gets(t, client, s.url+"small"), map[bool]string{true: "HTTP/2.0 200 5", false: "HTTP/1.1 200 5"}[force]; got != want {
			t.Errorf("forced %v, it gets %s", force, got)
		}
		transport.CloseIdleConnections()
	}
}

// TestPythonSpeaksHTTP2 by the library h2, which is strict about what a server sends.
func TestPythonSpeaksHTTP2(t *testing.T) {
	const python = "/usr/bin/python3" // the system's: its packages are Debian's
	if exec.Command(python, "-c", "import h2").Run() != nil {
		t.Skip("python3-h2 is not installed")
	}
	bothWays(t, func(t *testing.T, s *h2Server) {
		host := s.host()
		if s.ca != "" {
			host = s.tlsHost()
		}
		out := tool(t, python, "-c", `
import hashlib, socket, ssl, sys
import h2.config, h2.connection, h2.events

host, port = sys.argv[1].rsplit(":", 1)
ca, upload = sys.argv[2], open(sys.argv[3], "rb").read()
s = socket.create_connection((host, int(port)))
if ca:
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    s = context.wrap_socket(s, server_hostname="localhost")
    assert s.selected_alpn_protocol() == "h2"
s.settimeout(60)
c = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
c.initiate_connection()
left, sent, answers = set(), 0, {}

def ask(method, path, end=True):
    stream = c.get_next_available_stream_id()
    c.send_headers(stream, [(":method", method), (":scheme", "https" if ca else "http"), (":authority", "localhost"), (":path", path)], end_stream=end)
    left.add(stream)
    answers[stream] = [path, None, hashlib.sha256(), b""]
    return stream

for i in range(20):
    ask("GET", "/some")
ask("GET", "/huge")
posted = ask("POST", "/sum", end=False)
s.sendall(c.data_to_send())
while left:
    while sent < len(upload):
        n = min(c.local_flow_control_window(posted), c.max_outbound_frame_size, len(upload) - sent)
        if n <= 0:
            break
        c.send_data(posted, upload[sent:sent + n], end_stream=sent + n == len(upload))
        sent += n
    s.sendall(c.data_to_send())
    data = s.recv(65536)
    assert data, "the server has closed"
    for event in c.receive_data(data):
        if isinstance(event, h2.events.ResponseReceived):
            answers[event.stream_id][1] = dict(event.headers)[":status"]
        elif isinstance(event, h2.events.DataReceived):
            answers[event.stream_id][2].update(event.data)
            answers[event.stream_id][3] = (answers[event.stream_id][3] + event.data)[:200]
            c.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            left.discard(event.stream_id)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise SystemExit(str(event))
for line in sorted({" ".join((a[0], a[1], a[3].decode() if a[0] == "/sum" else a[2].hexdigest())) for a in answers.values()}):
    print(line)
c.close_connection()
s.sendall(c.data_to_send())
`, host, s.ca, s.upload)
		want := fmt.Sprintf("/huge 200 %s\n/some 200 %x\n/sum 200 %s\n", s.huge, sha256.Sum256(some), s.sum)
		if out != want {
			t.Errorf("it prints\n%s\nand not\n%s", out, want)
		}
	})
}

// TestBrowserSpeaksHTTP2 has a page ask for more at once than a browser has connections for by
// HTTP/1.1, and upload.
func TestBrowserSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	s := h2Serve(t, true)
	tab := openTab(t, "--ignore-certificate-errors-spki-list="+s.key)
	tab.open(s.url)
	var got []string
	tab.eval(`(async () => {
		const sizes = await Promise.all(Array.from({ length: 50 }, async (_, i) => (await (await fetch("/some?" + i)).arrayBuffer()).byteLength));
		const huge = (await (await fetch("/huge", { priority: "low" })).arrayBuffer()).byteLength;
		const body = (await (await fetch("/huge")).arrayBuffer()).slice(0, 5000000);
		const sum = await (await fetch("/sum", { method: "POST", body })).text();
		const stopped = new AbortController();
		const left = fetch("/huge?left", { signal: stopped.signal }).then((answer) => { stopped.abort(); return answer.arrayBuffer(); }).then(() => "came", (err) => err.name);
		const protocols = [performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource")].map((entry) => entry.nextHopProtocol).filter(Boolean);
		return [[...new Set(sizes)].join(), String(huge), sum, await left, [...new Set(protocols)].join(), String(protocols.length > 50)];
	})()`, &got)
	if want := []string{fmt.Sprint(len(some)), "20000000", s.sum, "AbortError", "h2", "true"}; strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("the page says %q, and not %q", got, want)
	}
	tab.quiet()
}
