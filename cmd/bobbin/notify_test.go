package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/cmd/bobbin/internal/sdnotify"
	"github.com/bobbin-http/bobbin/http"
)

// A fakeManager is the socket of a service manager.
type fakeManager struct {
	t    *testing.T
	name string // for NOTIFY_SOCKET
	conn *net.UnixConn
}

func newFakeManager(t *testing.T, name string) *fakeManager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &fakeManager{t, name, conn}
}

// hears returns the next message that is none of the watchdog's.
func (m *fakeManager) hears() string {
	m.t.Helper()
	for {
		if text := m.next(); text != "WATCHDOG=1" {
			return text
		}
	}
}

// next returns the next message.
func (m *fakeManager) next() string {
	m.t.Helper()
	p := make([]byte, 4096)
	m.conn.SetReadDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
	n, err := m.conn.Read(p)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(p[:n])
}

// TestAServiceManagerIsToldOfALife has a program begin, reload, be upgraded, and end.
func TestAServiceManagerIsToldOfALife(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{filepath.Join(dir, "notify")}
	if runtime.GOOS == "linux" {
		names = append(names, fmt.Sprintf("@bobbin-test-%d", os.Getpid()))
	}
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		m := newFakeManager(t, name)
		u := startUpgradable(t, dir, "export NOTIFY_SOCKET="+name+" WATCHDOG_USEC=100000 WATCHDOG_PID=$$", "-c", config)
		reloading := "RELOADING=1"
		if timeOfReload() != nil { // on systems that have systemd
			reloading += `\nMONOTONIC_USEC=[0-9]+`
		}
		serving := "READY=1\nSTATUS=serving " + u.url
		expect := func(want string) {
			t.Helper()
			if got := m.hears(); !regexp.MustCompile("^(?:" + want + ")$").MatchString(got) {
				t.Errorf("it hears %q, and not %q", got, want)
			}
		}
		expect(regexp.QuoteMeta(serving))
		for range 3 {
			if got := m.next(); got != "WATCHDOG=1" {
				t.Errorf("the watchdog hears %q", got)
			}
		}
		u.signal(syscall.SIGHUP)
		expect(reloading)
		expect(regexp.QuoteMeta(serving))
		if err := os.WriteFile(config, []byte("nonsense = 1"), 0o644); err != nil {
			t.Fatal(err)
		}
		u.signal(syscall.SIGHUP)
		expect(reloading)
		expect(regexp.QuoteMeta(serving))
		u.signal(syscall.SIGUSR2) // which fails, and says nothing
		u.waits("and this one goes on", 1)
		if err := os.WriteFile(config, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		u.signal(syscall.SIGUSR2)
		expect("MAINPID=[0-9]+")
		expect(regexp.QuoteMeta(serving)) // the new process
		u.done++
		u.waits("took over from the process before", 1)
		found := newPID.FindAllStringSubmatch(u.said.String(), -1)
		fmt.Sscan(found[len(found)-1][1], &u.pid)
		for range 3 {
			if got := m.next(); got != "WATCHDOG=1" {
				t.Errorf("the watchdog hears %q of the new process", got)
			}
		}
		u.signalNewest(syscall.SIGTERM)
		expect("STOPPING=1\nSTATUS=finishes open requests")
		u.ends(exitOK)
	}
}

// TestTheWatchdogHearsNothingWhileALoopIsHeld has a callback hold one of two loops.
func TestTheWatchdogHearsNothingWhileALoopIsHeld(t *testing.T) {
	servers, err := http.NewServers(2, func(int) (http.Config, error) {
		return http.Config{Handler: func(w *http.Response, r *http.Request) error { return nil }, Log: slog.New(slog.DiscardHandler)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var ran sync.WaitGroup
	ran.Go(func() { _ = servers.Run() })
	over := make(chan struct{})
	if !turned(servers, over) {
		t.Error("loops that are free are said not to turn")
	}
	held, release := make(chan struct{}), make(chan struct{})
	if err := servers[1].Loop().Post(func() { close(held); <-release }); err != nil {
		t.Fatal(err)
	}
	<-held
	answer := make(chan bool, 1)
	go func() { answer <- turned(servers, over) }()
	select {
	case <-answer:
		t.Error("a loop that is held is said to turn")
	case <-time.After(5 * lookEvery): // it has looked several times
	}
	close(release)
	if !<-answer {
		t.Error("a loop that was held is said not to turn")
	}
	servers.Stop()
	ran.Wait()
	if !turned(servers, over) {
		t.Error("loops that have ended are missed")
	}
}

// TestAServiceManagerThatReadsNothingHoldsUpNothing fills its socket and the queue.
func TestAServiceManagerThatReadsNothingHoldsUpNothing(t *testing.T) {
	f := newFakeManager(t, filepath.Join(t.TempDir(), "notify"))
	said := &transcript{}
	m := newManager(func(name string) string { return map[string]string{"NOTIFY_SOCKET": f.name}[name] }, slog.New(slog.NewTextHandler(said, nil)))
	for range 100_000 {
		m.serving(strings.Repeat("long ", 1000))
		if m.lost.Load() {
			break
		}
	}
	if !strings.Contains(said.String(), "the service manager reads no messages, and misses some") {
		t.Errorf("the log has %q", said)
	}
}

// TestNotifySockets has names that are none, and one without a reader.
func TestNotifySockets(t *testing.T) {
	for name, want := range map[string]string{
		"vsock:2:1234":   `NOTIFY_SOCKET is "vsock:2:1234", and has to be a path, or @ and a name`,
		"relative":       `NOTIFY_SOCKET is "relative"`,
		"/no/such/place": "NOTIFY_SOCKET: dial unixgram /no/such/place: connect: no such file or directory",
		"":               "",
	} {
		n, err := sdnotify.New(func(string) string { return name })
		if err == nil && n != nil {
			err = n.Send("READY=1")
		}
		if got := fmt.Sprint(errors.Join(err)); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestTheTimeOfAWatchdog reads the variables.
func TestTheTimeOfAWatchdog(t *testing.T) {
	for _, row := range []struct {
		name, us, pid string
		want          time.Duration
		wrong         bool
	}{
		{"for this process", "20000000", "7", 20 * time.Second, false},
		{"for any process", "20000000", "", 20 * time.Second, false},
		{"for another process", "20000000", "8", 0, false},
		{"none", "", "7", 0, false},
		{"no number", "20s", "7", 0, true},
		{"zero", "0", "7", 0, true},
		{"more than can be counted with", "99999999999999999", "7", 0, true},
	} {
		env := map[string]string{"WATCHDOG_USEC": row.us, "WATCHDOG_PID": row.pid}
		got, err := sdnotify.Watchdog(func(name string) string { return env[name] }, 7)
		if got != row.want || (err != nil) != row.wrong {
			t.Errorf("%s: %v, %v", row.name, got, err)
		}
	}
}
