package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The real HAProxy, with the configuration of deploy, before three bobbins. Clients count
// each request: none is made again, neither by them nor by HAProxy beyond its defaults.

// A row is three bobbins and the HAProxy before them.
type row struct {
	t       *testing.T
	at      string // HAProxy's address
	stats   string // its socket
	folder  string // that is served
	delay   string // of --drain-delay
	members [3]member
}

// A member is one of the bobbins. It keeps its addresses when another takes its place.
type member struct {
	name        string // HAProxy's
	site, admin string
	*upgradable
}

// startRow starts all of them. With quick, HAProxy looks after its servers ten times as often
// as in the configuration.
func startRow(t *testing.T, quick bool) *row {
	t.Helper()
	haproxy := needs(t, "haproxy", "haproxy")
	r := &row{t: t, at: free(t), folder: folder(t, map[string][]byte{"a.txt": some}), delay: "3s"}
	if quick {
		r.delay = "500ms"
	}
	config := deployed(t, "haproxy/haproxy.cfg")
	replace := func(old, new string) {
		t.Helper()
		if strings.Count(config, old) != 1 {
			t.Fatalf("the configuration does not have %q once", old)
		}
		config = strings.Replace(config, old, new, 1)
	}
	for i, name := range []string{"a", "b", "c"} {
		m := &r.members[i]
		m.name, m.site, m.admin = name, free(t), free(t)
		r.start(m)
		_, port, _ := net.SplitHostPort(m.admin)
		replace(fmt.Sprintf("server %s 192.0.2.%d:8080", name, i+1), fmt.Sprintf("server %s %s port %s", name, m.site, port))
	}
	replace("bind :80", "bind "+r.at)
	if quick {
		replace("inter 1s fastinter 500ms", "inter 100ms fastinter 50ms")
		replace("slowstart 10s", "slowstart 1s")
	}
	dir := t.TempDir()
	r.stats = filepath.Join(dir, "stats")
	replace("    maxconn 20000\n", "    maxconn 2000\n    stats socket "+r.stats+"\n")
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(haproxy, "-db", "-f", file)
	said := &transcript{}
	cmd.Stderr, cmd.Stdout = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("HAProxy says %s", said)
		}
	})
	for i := range r.members {
		r.becomes(&r.members[i], "UP")
	}
	return r
}

// start starts a bobbin at the addresses of a member.
func (r *row) start(m *member) {
	r.t.Helper()
	m.upgradable = startUpgradable(r.t, r.t.TempDir(), "unset BOBBIN_ROW", "-l", m.site, "--admin", m.admin, "--trust", "127.0.0.1", "--drain-delay", r.delay, r.folder)
}

// replace stops a member in order, and starts another in its place.
func (r *row) replace(m *member) {
	r.t.Helper()
	m.signal(syscall.SIGTERM)
	m.ends(exitOK)
	r.start(m)
}

// state returns what HAProxy knows of a member: whether it is up, and how many requests it
// has in hand.
func (r *row) state(m *member) (status string, requests int) {
	r.t.Helper()
	c, err := net.Dial("unix", r.stats)
	if err != nil {
		return "", 0 // it does not listen yet
	}
	defer c.Close()
	fmt.Fprintln(c, "show stat")
	text, err := io.ReadAll(c)
	if err != nil {
		r.t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "# "))).ReadAll()
	if err != nil {
		r.t.Fatalf("%v\n%s", err, text)
	}
	for _, one := range rows[1:] {
		server := make(map[string]string)
		for i, name := range rows[0] {
			server[name] = one[i]
		}
		if server["pxname"] == "bobbins" && server["svname"] == m.name {
			requests, _ = strconv.Atoi(server["scur"])
			return server["status"], requests
		}
	}
	r.t.Fatalf("HAProxy has no server %s", m.name)
	return "", 0
}

// becomes waits until HAProxy finds a member up, or down.
func (r *row) becomes(m *member, status string) {
	r.t.Helper()
	for range 6000 {
		if got, _ := r.state(m); got == status {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	r.t.Fatalf("%s does not become %s; it says %s", m.name, status, m.said)
}

// rowClients are clients that ask one after the other, on connections that they keep.
type rowClients struct {
	at       string
	answered atomic.Int64
	failed   atomic.Int64
	mu       sync.Mutex
	why      []string
	stop     chan struct{}
	all      sync.WaitGroup
}

// clients starts as many, until end is called.
func (r *row) clients(n int) *rowClients {
	c := &rowClients{at: r.at, stop: make(chan struct{})}
	for range n {
		c.all.Go(c.run)
	}
	return c
}

func (c *rowClients) run() {
	var conn net.Conn
	var in *bufio.Reader
	for {
		select {
		case <-c.stop:
			if conn != nil {
				conn.Close()
			}
			return
		default:
		}
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", c.at); err != nil {
				c.fail(err)
				continue
			}
			in = bufio.NewReader(conn)
		}
		closes, err := c.ask(conn, in)
		if err != nil {
			c.fail(err)
		}
		if err != nil || closes {
			conn.Close()
			conn = nil
		}
	}
}

// ask makes one request. It is never made again.
func (c *rowClients) ask(conn net.Conn, in *bufio.Reader) (closes bool, err error) {
	conn.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
	if _, err := io.WriteString(conn, "GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return true, err
	}
	a, err := nethttp.ReadResponse(in, nil)
	if err != nil {
		return true, err
	}
	body, err := io.ReadAll(a.Body)
	if err == nil && (a.StatusCode != 200 || string(body) != string(some)) {
		err = fmt.Errorf("%s, and %d bytes: %.80q", a.Status, len(body), body)
	}
	if err == nil {
		c.answered.Add(1)
	}
	return a.Close, err
}

func (c *rowClients) fail(err error) {
	c.failed.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.why) < 20 {
		c.why = append(c.why, err.Error())
	}
}

// reach waits until so many requests were answered.
func (c *rowClients) reach(n int64) {
	for c.answered.Load() < n {
		<-time.After(10 * time.Millisecond)
	}
}

// end stops the clients, each after its answer.
func (c *rowClients) end() {
	close(c.stop)
	c.all.Wait()
}

// TestARowIsReplacedWithoutALostRequest upgrades each member of a row, and restarts each, while
// clients ask. By BOBBIN_ROW=100000 so many requests are made while all are replaced three
// times, with HAProxy's configuration as it is.
func TestARowIsReplacedWithoutALostRequest(t *testing.T) {
	t.Parallel()
	requests, times := int64(1000), 1
	if long := os.Getenv("BOBBIN_ROW"); long != "" {
		n, err := strconv.ParseInt(long, 10, 64)
		if err != nil {
			t.Fatalf("BOBBIN_ROW: %v", err)
		}
		requests, times = n, 3
	}
	for name, replace := range map[string]func(r *row, m *member){
		"upgrades": func(_ *row, m *member) { m.upgrade() },
		"restarts": (*row).replace,
	} {
		t.Run(name, func(t *testing.T) {
			r := startRow(t, times == 1)
			c := r.clients(16)
			for round := range int64(times) {
				for i := range r.members {
					m := &r.members[i]
					replace(r, m)
					r.becomes(m, "UP")
				}
				c.reach(requests * (round + 1) / int64(times))
			}
			c.end()
			t.Logf("%d requests, %d failed", c.answered.Load(), c.failed.Load())
			if n := c.failed.Load(); n > 0 {
				t.Errorf("%d of %d requests failed: %s", n, c.answered.Load()+n, strings.Join(c.why, "\n"))
			}
		})
	}
}

// TestAKilledMemberCostsWhatItHadInHand kills one of three. A client loses the request that it
// had there, and no other.
func TestAKilledMemberCostsWhatItHadInHand(t *testing.T) {
	t.Parallel()
	const clients = 16
	r := startRow(t, true)
	c := r.clients(clients)
	c.reach(500)
	if n := c.failed.Load(); n > 0 {
		t.Errorf("%d requests failed before: %s", n, strings.Join(c.why, "\n"))
	}
	m := &r.members[1]
	m.signal(syscall.SIGKILL)
	<-m.over
	r.becomes(m, "DOWN")
	lost := c.failed.Load()
	c.reach(c.answered.Load() + 500)
	r.start(m)
	r.becomes(m, "UP")
	c.reach(c.answered.Load() + 500)
	c.end()
	t.Logf("%d requests, %d failed", c.answered.Load(), lost)
	if lost > clients {
		t.Errorf("%d clients lost %d requests: %s", clients, lost, strings.Join(c.why, "\n"))
	}
	if n := c.failed.Load() - lost; n > 0 {
		t.Errorf("%d requests failed after HAProxy knew: %s", n, strings.Join(c.why, "\n"))
	}
}
