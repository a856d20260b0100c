package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestMain lets the test binary be the program itself, when a test runs it as
// that: so signals, exit codes and limits of the system can be tried.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "tour" && os.Args[2] == "serve" {
		main() // a step that "bobbin tour" has started
	}
	kind := os.Getenv("BOBBIN_TEST_PROGRAM")
	os.Unsetenv("BOBBIN_TEST_PROGRAM")         // the program warns of variables that it does not know
	if filepath.Base(os.Args[0]) == "bobbin" { // in an upgrade the program starts itself
		if within, err := time.ParseDuration(os.Getenv("TEST_UPGRADE_WITHIN")); err == nil {
			upgradeWithin = within
		}
		main()
	}
	ownProcess = kind != ""
	switch kind {
	case "":
	case "panics":
		os.Exit(runWithPanics())
	case "sums":
		os.Exit(runWith(sums))
	case "peeks":
		os.Exit(runWithPeeking())
	default:
		main()
	}
	flag.Set("test.parallel", "4") // most tests wait for a program
	os.Exit(m.Run())
}

// A program is bobbin, running by itself.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string // with a slash at its end
	first string // line that it says when it listens
	said  *transcript
	over  chan error

	sandbox string // line about the sandbox, which is not in said
}

// start runs bobbin on a free port, unless it is told where, and waits until it says where. Shell, if not
// empty, is a command that is run before it.
func start(t *testing.T, shell string, args ...string) *program {
	t.Helper()
	return startAs(t, "1", shell, args...)
}

// withoutHost is the kind of a program whose names are those of its file.
const withoutHost = "without a host"

// startAs is start for a kind of the program, see TestMain.
func startAs(t *testing.T, kind, shell string, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startFile(t, self, kind, shell, args...)
}

// startFile is startAs for a file that is this test.
func startFile(t *testing.T, self, kind, shell string, args ...string) *program {
	t.Helper()
	if !slices.Contains(args, "-l") {
		args = append([]string{"-p", "0"}, args...)
	}
	p := &program{t: t, cmd: exec.Command(self, args...), said: &transcript{}, over: make(chan error, 1)}
	if shell != "" {
		p.cmd = exec.Command("/bin/sh", append([]string{"-c", shell + `; exec "$0" "$@"`, self}, args...)...)
	}
	p.cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM="+kind, "PORT=")
	if !slices.Contains(args, "--host") && kind != withoutHost {
		p.cmd.Env = append(p.cmd.Env, "BOBBIN_HOST=a") // the tests' own
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.over
	})
	lines := bufio.NewReader(stderr)
	for listens := false; !listens && !t.Failed(); {
		line, err := lines.ReadString('\n')
		var rest string
		if _, rest, listens = strings.Cut(line, " listening "); listens {
			p.first = line
			p.url, _, _ = strings.Cut(rest, " ")
		} else if strings.Contains(line, "sandbox: no file but") {
			p.sandbox = line
		} else {
			io.WriteString(p.said, line)
		}
		if err != nil {
			t.Errorf("it says %q, %v", p.said, err)
		}
	}
	go func() {
		io.Copy(p.said, lines)
		p.over <- p.cmd.Wait()
		close(p.over)
	}()
	if t.Failed() {
		t.FailNow()
	}
	return p
}

// A transcript is what somebody says, to be read meanwhile.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, p...)
	return len(p), nil
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}

// host is where it listens, for net.Dial.
func (p *program) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(p.url, "http://"), "/")
}

func (p *program) signal(s os.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}

// waits waits until it has said something n times.
func (p *program) waits(what string, n int) {
	p.t.Helper()
	for tries := 0; strings.Count(p.said.String(), what) < n; tries++ {
		if tries == 3000 {
			p.t.Fatalf("%q was not said %d times: %s", what, n, p.said)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// ends waits for the end, and compares the exit code.
func (p *program) ends(code int) {
	p.t.Helper()
	select {
	case <-p.over:
	case <-time.After(time.Minute):
		p.t.Fatal("it does not end")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("it ended with %d, not %d, and said %q", got, code, p.said)
	}
}

// dial opens a connection of which nothing is left when the test is over.
func (p *program) dial() net.Conn {
	p.t.Helper()
	c, err := net.Dial("tcp", p.host())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.(*net.TCPConn).SetReadBuffer(32 << 10)
	c.SetDeadline(time.Now().Add(2 * time.Minute)) // or a mistake would hang the test
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// folder makes a folder with files to serve, and returns its name.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// prepared is what the program would serve with these arguments. It has the options with
// the warnings.
func prepared(t *testing.T, args ...string) (*site, options) {
	t.Helper()
	o, err := parse(args, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	s, err := prepare(&o, io.Discard, logTo(io.Discard, o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s, o
}

const get = "GET /bench HTTP/1.1\r\nHost: a\r\n\r\n"

func TestASignalEndsItInOrder(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		p := start(t, "")
		idle := p.dial()
		say(t, idle, get)
		answer, err := nethttp.ReadResponse(bufio.NewReader(idle), nil)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("%v, %v", answer, err)
		}
		p.signal(s)
		if rest, err := io.ReadAll(idle); len(rest) > 0 || err != nil { // a proper end, without a word
			t.Errorf("%q, %v", rest, err)
		}
		idle.Close()
		p.ends(exitOK)
	}
}

// large is a file that no socket takes at once, as long as the client's is small.
var large = bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)

func TestASignalLetsADownloadFinish(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--limit", "Drain=5m", folder(t, map[string][]byte{"large": large}))
	c := p.dial()
	say(t, c, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
	r := bufio.NewReader(c)
	answer, err := nethttp.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	for refused := false; !refused; { // it has heard
		probe, err := net.Dial("tcp", p.host())
		if refused = err != nil; !refused {
			probe.Close()
		}
	}
	got, err := io.ReadAll(answer.Body)
	if err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d of %d bytes came, and %v", len(got), len(large), err)
	}
	c.Close()
	p.ends(exitOK)
}

// TestOneAddressPaysForItsOwnConnections has one address hold all connections that
// there may be, with half a request each, and come again when one is closed: another
// address is answered all the time.
func TestOneAddressPaysForItsOwnConnections(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("all of 127.0.0.0/8 is this machine on Linux only")
	}
	p := start(t, "ulimit -n 64")
	greedy := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	over := make(chan struct{})
	var all sync.WaitGroup
	for range 80 {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if c, err := greedy.Dial("tcp", p.host()); err == nil {
					c.SetDeadline(time.Now().Add(time.Minute))
					io.WriteString(c, get[:len(get)/2])
					go func() { <-over; c.Close() }()
					io.Copy(io.Discard, c)
					c.Close()
				}
			}
		})
	}
	honest := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for i := range 50 {
		c, err := honest.Dial("tcp", p.host())
		if err != nil {
			t.Fatal(err)
		}
		say(t, c, get)
		if answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != 200 {
			t.Errorf("request %d: %v, %v", i, answer, err)
		}
		c.Close()
	}
	close(over)
	all.Wait()
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	if said := p.said.String(); !strings.Contains(said, "127.0.0.9") {
		t.Errorf("the log does not name the address: %q", said)
	}
}

func TestASecondSignalCutsOff(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"large": large}))
	c := p.dial()
	say(t, c, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := nethttp.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	p.signal(os.Interrupt)
	for refused := false; !refused; {
		probe, err := net.Dial("tcp", p.host())
		if refused = err != nil; !refused {
			probe.Close()
		}
	}
	p.signal(os.Interrupt)
	p.ends(exitCut)
	if !strings.Contains(p.said.String(), "cut off") {
		t.Errorf("it says %q", p.said)
	}
}

// TestOutOfDescriptorsItServesOneAfterTheOther has as many addresses as connections:
// none pays for another's.
func TestOutOfDescriptorsItServesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("all of 127.0.0.0/8 is this machine on Linux only")
	}
	const n = 150
	p := start(t, "ulimit -n 64")
	clients := make([]net.Conn, n)
	for i := range clients {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i+1))}}
		c, err := d.Dial("tcp", p.host())
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = c
		say(t, clients[i], get[:len(get)/2])
	}
	// They hold what there is. When the first go, others come in.
	for i, c := range clients {
		say(t, c, get[len(get)/2:])
		answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("client %d: %v, %v", i, answer, err)
		}
		c.Close()
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

func TestWhoMistypesIsTold(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, row := range []struct {
		name string
		args string
		port string // in the environment
		code int
		says string
	}{
		{"a flag that is nearly one", "--prot 80", "", exitUsage, "did you mean --port?"},
		{"the beginning of a flag", "--verb", "", exitUsage, "did you mean --verbose?"},
		{"a flag that is none", "--xyzzy", "", exitUsage, "see bobbin --help"},
		{"a letter that is none", "-z", "", exitUsage, "see bobbin --help"},
		{"a port that is no number", "-p http", "", exitUsage, `"http"`},
		{"a port that there is not", "-p 65536", "", exitUsage, "from 0 to 65535"},
		{"a port that is negative", "-p -1", "", exitUsage, "from 0 to 65535"},
		{"a PORT in the environment that is no number", "", "eighty", exitUsage, `--port: "eighty" is not a whole number (--port comes from the environment variable PORT)`},
		{"two folders", "a b", "", exitUsage, "one folder or file"},
		{"a folder that is not there", "/no/such/folder", "", exitUsage, "name one that exists"},
		{"a choice that there is not", "--symlinks some .", "", exitUsage, `--symlinks: unknown value "some": choose one of all, inside, none`},
		{"a pattern that is none", "--cache /[a]=1y .", "", exitUsage, `"/[a]"`},
		{"a pattern without its rule", "--cache /assets/** .", "", exitUsage, "has no = after its pattern"},
		{"a directive that is nearly one", "--cache imutable .", "", exitUsage, "did you mean immutable?"},
		{"a time that is none", "--cache max-age=soon .", "", exitUsage, `"soon" is not a time`},
		{"a field without a colon", "-H X-A .", "", exitUsage, "has no colon"},
		{"a field that cannot be", "-H (:b .", "", exitUsage, "is no field name"},
		{"a field that is the server's", "-H ETag:b .", "", exitUsage, "ETag is set by the server itself"},
		{"a redirect that leads nowhere", "--redirect /a .", "", exitUsage, "is not a redirect"},
		{"an origin that is none", "--cors=example.org .", "", exitUsage, "is not an origin"},
		{"a coding that there is not", "--compress lzma .", "", exitUsage, "write br, zstd, gzip or off"},
		{"a type that is none", "--type wasm .", "", exitUsage, "EXTENSION=TYPE"},
		{"a file of passwords that is not there", "--auth /no/such/file .", "", exitUsage, "/no/such/file"},
		{"a mistake in a rule for the default site", "--cache imutable", "", exitUsage, "did you mean immutable?"},
		{"a configuration that is not there", "-c /no/such/file", "", exitUsage, "configuration file: open /no/such/file"},
		{"a command without its word", "config", "", exitUsage, "usage: bobbin config test|print"},
		{"a command without its folder", "precompress", "", exitUsage, "precompress DIR"},
		{"a folder to compress that is not there", "precompress /no/such/folder", "", exitUsage, "name one that exists"},
		{"a file that is to be watched", "--reload program_test.go", "", exitUsage, "serve its folder"},
		{"a password that is given away", "hash a b", "", exitUsage, "the password is read from the input"},
		{"quiet and verbose", "-q -v", "", exitUsage, "contradict each other"},
		{"an address and a port", "-l :80 -p 80", "", exitUsage, "remove --port, or --listen"},
		{"an address that is none", "-l 300.1.2.3:80", "", exitUsage, "300.1.2.3"},
		{"an address without a port", "-l 127.0.0.1", "", exitUsage, "127.0.0.1"},
		{"a port that is taken", "-l " + taken.Addr().String(), "", exitFailed, "choose another port with --listen"},
		{"a certificate without its key", "--tls-cert a.pem", "", exitUsage, "each certificate needs its key"},
		{"a certificate that is not there", "--tls-cert /no/such/file --tls-key /no/such/file", "", exitUsage, "/no/such/file"},
		{"a kind of HTTPS that there is not", "--tls yes", "", exitUsage, `--tls "yes": write --tls self`},
		{"two kinds of HTTPS", "--tls self --tls-cert a --tls-key b", "", exitUsage, "contradict each other"},
		{"a kind of HTTP/2 that there is not", "--http2=no", "", exitUsage, `--http2 "no": write --http2 on or --http2 off`},
		{"HTTP/2 without a word", "--http2", "", exitUsage, "--http2 needs a value: HTTP/2, beside HTTP/1.1: mode on or off"},
		{"an empty word about HTTP/2", "--http2=", "", exitUsage, "--http2"},
		{"a way to HTTPS without it", "--redirect-http :80", "", exitUsage, "--redirect-http needs HTTPS"},
		{"a way from nowhere", "--tls self --redirect-http 80", "", exitUsage, "--redirect-http:"},
		{"a promise of HTTPS without it", "--hsts", "", exitUsage, "--hsts needs HTTPS"},
		{"a name that nobody is called", "--tls self --domain a_b..c", "", exitUsage, "a_b..c"},
		{"a name for nothing", "--domain a.example", "", exitUsage, "--tls self"},
		{"no name to ask for", "--tls auto", "", exitUsage, "add --domain"},
		{"a name that no ACME server knows", "--tls auto --domain *.example.com", "", exitUsage, "*.example.com"},
		{"an ACME server for nothing", "--acme-server https://a.example/dir", "", exitUsage, "--tls auto"},
		{"an authority that is not there", "--tls auto --domain a.example --acme-ca /no/such/file", "", exitUsage, "/no/such/file"},
		{"a format of logs that there is not", "--log apache", "", exitUsage, "--log:"},
		{"a log where none can be", "--log combined=/no/such/folder/log", "", exitUsage, "/no/such/folder"},
		{"a rate that is none", "--limit-rate fast", "", exitUsage, "such as 100/s"},
		{"a proxy that is nowhere", "--trust 10.0.0.300", "", exitUsage, "10.0.0.300"},
		{"no loop", "--loops 0", "", exitUsage, "--loops 0: choose a number from 1 to 256"},
		{"less than no loop", "--loops=-2", "", exitUsage, "--loops -2: choose"},
		{"more loops than there are cores for", "--loops 257", "", exitUsage, "--loops 257: choose"},
		{"a number of loops that is none", "--loops all", "", exitUsage, "--loops"},
		{"a limit that there is not", "--limit Bodyy=1", "", exitUsage, "Body"},
		{"a limit without a value", "--limit Body", "", exitUsage, "Body"},
		{"a limit that is no size", "--limit Body=large", "", exitUsage, "large"},
		{"a limit that is no time", "--limit HeadTimeout=5", "", exitUsage, "HeadTimeout"},
		{"a limit that cannot be kept", "--limit FieldBytes=1m -p 0", "", exitUsage, "head"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out, complaint strings.Builder
			env := func(name string) string {
				return map[string]string{"PORT": row.port, "GOGC": "100"}[name]
			}
			code := run(strings.Fields(row.args), strings.NewReader(""), &out, &complaint, env, false)
			if code != row.code || !strings.Contains(complaint.String(), row.says) || out.Len() > 0 {
				t.Errorf("it ends with %d and says %q, and prints %q", code, complaint.String(), out.String())
			}
			if !strings.HasPrefix(complaint.String(), "bobbin: ") || strings.Count(complaint.String(), "\n") != 1 {
				t.Errorf("not one line: %q", complaint.String())
			}
		})
	}
}

func TestWhoAsksIsTold(t *testing.T) {
	for _, row := range []struct{ args, says string }{
		{"--help", "Usage:"},
		{"-h", "--port"},
		{"--help-all", "--limit"},
		{"--help ./folder", "Ctrl-C"},
		{"--version", "bobbin " + version},
		{"-V", "go1."},
	} {
		var out, complaint strings.Builder
		code := run(strings.Fields(row.args), strings.NewReader(""), &out, &complaint, func(string) string { return "" }, false)
		if code != exitOK || !strings.Contains(out.String(), row.says) || complaint.Len() > 0 {
			t.Errorf("%s ends with %d, prints %q and says %q", row.args, code, out.String(), complaint.String())
		}
	}
}

func TestTheBannerIsForWhoReadsIt(t *testing.T) {
	for _, row := range []struct {
		name     string
		o        options
		terminal bool
		want     []string
	}{
		{"a program gets one line", options{path: "site", at: []string{"localhost:80"}}, false,
			[]string{"bobbin " + version + " listening http://localhost:80/ root=\"site\" poller=" + poller()}},
		{"a person gets what to type next", options{path: "site", at: []string{"localhost:80"}}, true,
			[]string{"serves site\n", "  http://localhost:80/\n", "--public opens it to the network", "Ctrl-C stops"}},
		{"the default site is called so", options{at: []string{"localhost:80"}}, true, []string{"(default site)"}},
	} {
		var b strings.Builder
		banner(&b, row.o, []string{"http://localhost:80/"}, row.terminal)
		for _, want := range row.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: %q is not in %q", row.name, want, b.String())
			}
		}
		if lines := strings.Count(b.String(), "\n"); !row.terminal && lines != 1 {
			t.Errorf("%s: %d lines", row.name, lines)
		}
	}
	var b strings.Builder
	banner(&b, options{at: []string{":80"}}, []string{"http://localhost:80/"}, true)
	if strings.Contains(b.String(), "this machine only") {
		t.Errorf("open to all, and %q", b.String())
	}
}

func TestVerboseWritesALineForEachRequest(t *testing.T) {
	t.Parallel()
	p := start(t, "", "-v")
	c := p.dial()
	say(t, c, "GET /a%0ab\"?c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	if want := fmt.Sprintf(" 127.0.0.1 GET %q 404 ", `/a%0ab"`); !strings.Contains(p.said.String(), want) {
		t.Errorf("%q is not in %q", want, p.said)
	}
	line := regexp.MustCompile(`(?m)^(\S+) 127\.0\.0\.1 GET .* 404 \d+ (\S+)$`).FindStringSubmatch(p.said.String())
	if line == nil {
		t.Fatalf("there is no line with time and duration: %q", p.said)
	}
	if at, err := time.Parse(time.RFC3339Nano, line[1]); err != nil || time.Since(at).Abs() > time.Hour {
		t.Errorf("the time is %s, %v", line[1], err)
	}
	if took, err := time.ParseDuration(line[2]); err != nil || took <= 0 {
		t.Errorf("it took %s, %v", line[2], err)
	}
}

func TestADurationHasThreeDigits(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0s", 1: "1ns", 999: "999ns", 1234: "1.23µs", 12345678: "12.3ms", 999999: "1ms", 1234567890: "1.23s", 90 * time.Second: "1m30s"} {
		if got := tookText(d); got != want {
			t.Errorf("%d ns are %s, want %s", d, got, want)
		}
	}
}

func TestTheDefaultSiteHasItsPathsAsFilesHave(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: defaultSite(nil)}, func(c *httptest.Client) {
		for path, want := range map[string]int{
			"/": 200, "/about": 200, "/%61bout": 200, "/x/../about": 200, "/x/%2e%2e/about": 200, "//about": 200, "/x%2f..%2Fabout": 200,
			"/../about": 404, "/about/": 404, "/about%00": 400, "/nothing": 404,
		} {
			if a := c.Get(path); a.Status != want {
				t.Errorf("%s: %v, want %d", path, a, want)
			}
		}
	})
}
