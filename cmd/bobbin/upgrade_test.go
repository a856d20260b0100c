package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// An upgradable is the program in a file of its own, which a test replaces. Its process is
// another one after each upgrade.
type upgradable struct {
	*program
	file string
	pid  int // of the newest process
	done int // upgrades
}

// startUpgradable starts it. In is its folder.
func startUpgradable(t *testing.T, in, shell string, args ...string) *upgradable {
	t.Helper()
	u := &upgradable{file: filepath.Join(in, "bobbin")}
	u.install(t)
	u.program = startFile(t, u.file, "1", shell, args...)
	u.pid = u.cmd.Process.Pid
	t.Cleanup(func() {
		if u.done > 0 {
			_ = syscall.Kill(u.pid, syscall.SIGKILL) // it has ended, as a rule
		}
	})
	return u
}

// install puts the program into its file.
func (u *upgradable) install(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(u.file)
	if err := os.Symlink(self, u.file); err != nil {
		t.Fatal(err)
	}
}

// replace puts another program there, or none.
func (u *upgradable) replace(text string, mode os.FileMode) {
	u.t.Helper()
	os.Remove(u.file)
	if text == "" {
		return
	}
	if err := os.WriteFile(u.file, []byte(text), mode); err != nil {
		u.t.Fatal(err)
	}
}

var newPID = regexp.MustCompile(`a new process starts" pid=(\d+)`)

// upgrade sends the signal to the newest process, and waits until the next has taken over.
func (u *upgradable) upgrade() {
	u.t.Helper()
	u.signalNewest(syscall.SIGUSR2)
	u.done++
	u.waits("took over from the process before", u.done)
	found := newPID.FindAllStringSubmatch(u.said.String(), -1)
	u.pid, _ = strconv.Atoi(found[len(found)-1][1])
}

func (u *upgradable) signalNewest(s syscall.Signal) {
	u.t.Helper()
	if err := syscall.Kill(u.pid, s); err != nil {
		u.t.Fatalf("%v: %s", err, u.said)
	}
}

// endsAll ends the newest process, and waits until all have ended. The exit code is that of
// the first.
func (u *upgradable) endsAll() {
	u.t.Helper()
	u.signalNewest(syscall.SIGTERM)
	u.ends(exitOK)
	if said := u.said.String(); strings.Contains(said, "cut off") || strings.Contains(said, "level=ERROR") {
		u.t.Errorf("it says %s", said)
	}
}

// TestUpgradesLoseNothing upgrades under load, with other numbers of loops each time.
// BOBBIN_UPGRADES is how often.
func TestUpgradesLoseNothing(t *testing.T) {
	t.Parallel()
	upgrades := 4
	if n, err := strconv.Atoi(os.Getenv("BOBBIN_UPGRADES")); err == nil {
		upgrades = n
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	loops := func(n int) {
		if err := os.WriteFile(config, fmt.Appendf(nil, "loops = %d\nadmin = \"127.0.0.1:0\"\n", n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	loops(1)
	u := startUpgradable(t, dir, "unset BOBBIN_UPGRADES", "-c", config)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &crowd{}
	wait := c.visit(ctx, u.host())
	more := func() {
		t.Helper()
		for before := c.answered.Load(); c.answered.Load() < before+100 && !t.Failed(); {
			<-time.After(time.Millisecond)
		}
	}
	more()
	for i := range upgrades {
		loops([]int{3, 2, 4, 1}[i%4])
		u.upgrade()
		more()
	}
	cancel()
	u.endsAll() // which ends connections that are asked on all the time
	wait()
	t.Logf("%d upgrades, %d answered, %d idle connections ended, %d failed", upgrades, c.answered.Load(), c.ended.Load(), len(c.failed))
	if list := c.failures(); len(list) > 0 {
		t.Errorf("%d of %d failed: %.500s", len(list), c.answered.Load(), strings.Join(list, "; "))
	}
	if n := strings.Count(u.said.String(), "the new process serves, and this one finishes its requests"); n != upgrades {
		t.Errorf("%d of %d upgrades were complete: %s", n, upgrades, u.said)
	}
}

// TestUpgradesLoseNoRequestOfHTTP2 has a client of HTTP/2 ask all the time, over TLS.
func TestUpgradesLoseNoRequestOfHTTP2(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, t.TempDir(), "", "--tls", "self")
	client := u.h2Client(nil)
	var answered atomic.Int64
	var over atomic.Bool
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for !over.Load() {
				answer, err := client.Get(u.url + "bench")
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if err != nil || answer.StatusCode != 200 || answer.ProtoMajor != 2 || len(text) == 0 {
					t.Errorf("%s %q, %v", answer.Proto, text, err)
				}
				answered.Add(1)
			}
		})
	}
	more := func() {
		for before := answered.Load(); answered.Load() < before+100 && !t.Failed(); {
			<-time.After(time.Millisecond)
		}
	}
	for range 4 {
		more()
		u.upgrade()
	}
	more()
	over.Store(true)
	all.Wait()
	client.CloseIdleConnections()
	u.endsAll()
	t.Logf("%d answered", answered.Load())
}

// TestABrokenProgramChangesNothing has the signal find another file in the program's place.
func TestABrokenProgramChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	u := startUpgradable(t, dir, "", "--sandbox", "off", "-c", config, "-l", "127.0.0.1:0", "-l", "unix:"+socket)
	u.url, _, _ = strings.Cut(u.url, ",")
	for _, row := range []struct {
		name   string
		text   string
		mode   os.FileMode
		config string
		says   string
	}{
		{"one that fails is named with its exit and its last words", "#!/bin/sh\necho once >&2\necho 'a library is missing' >&2\nexit 3\n", 0o755, "", `error="exit status 3: a library is missing"`},
		{"one that says nothing, too", "#!/bin/sh\nexit 0\n", 0o755, "", `error="exit status 0, without a word"`},
		{"one that is killed, too", "#!/bin/sh\nkill -9 $$\n", 0o755, "", `error="signal: killed, without a word"`},
		{"one that may not be run is not started", "#!/bin/sh\n", 0o644, "", "no new process was started, and this one goes on\" error=\"" + u.file + ": permission denied"},
		{"nor one that is no program", "\x7fELF", 0o755, "", u.file + ": exec format error"},
		{"nor one that is not there", "", 0, "", u.file + ": no such file or directory"},
		{"one that gives up the connection, too", "#!/bin/sh\nexec 3>&- 4>&- 5>&- 6>&- 7>&- sleep 1000\n", 0o755, "", "error=\"it closed the connection to this process, and was killed, without a word\""},
		{"one that answers with something else, too", "#!/bin/sh\necho nonsense >&3\nexec sleep 1000\n", 0o755, "", `error="it did not answer as bobbin does, and was killed, without a word"`},
		{"and one that does so without end", "#!/bin/sh\n(echo '\"'; yes) >&3 2>/dev/null\nexec sleep 1000\n", 0o755, "", `error="it did not answer as bobbin does, and was killed, without a word"`},
		{"and one that has taken what there is not", "#!/bin/sh\necho '{\"taken\":[7]}' >&3\nexec sleep 1000\n", 0o755, "", `error="it has taken a socket 7, and 2 were given, without a word"`},
		{"a mistake in the file of --config is named with its place", "self", 0, "lops = 2\n", "config:1:1: unknown setting"},
		{"so is an address that another program has, after sockets were taken", "self", 0, "admin = \"ADDRESS\"\n", "choose another port with --admin"},
	} {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, []byte(strings.ReplaceAll(row.config, "ADDRESS", taken.Addr().String())), 0o644); err != nil {
			t.Fatal(err)
		}
		if row.text == "self" {
			u.install(t)
		} else {
			u.replace(row.text, row.mode)
		}
		before := strings.Count(u.said.String(), "and this one goes on")
		u.signal(syscall.SIGUSR2)
		u.waits("and this one goes on", before+1)
		said := u.said.String()
		if at := strings.LastIndex(strings.TrimSuffix(said, "\n"), "\n") + 1; !strings.Contains(said[at:], row.says) {
			t.Errorf("%s: it says %q", row.name, said)
		}
		if answer := u.visit(get); !strings.HasPrefix(answer, "HTTP/1.1 200") {
			t.Errorf("%s: then it answers %q", row.name, answer)
		}
		overSocket(t, socket)
		taken.Close()
	}
	if err := os.WriteFile(config, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	u.install(t)
	u.upgrade()
	overSocket(t, socket)
	u.signalNewest(syscall.SIGTERM)
	u.ends(exitOK)
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket's file stays: %v", err)
	}
}

// TestTheVariableOfAnUpgradeIsNotForUsers has it set by hand.
func TestTheVariableOfAnUpgradeIsNotForUsers(t *testing.T) {
	for _, value := range []string{"1", "1:2", "-1:3", "1:1000", "yes", "1:3:"} {
		t.Setenv("BOBBIN_UPGRADE", value)
		var complaint strings.Builder
		code := run(nil, strings.NewReader(""), io.Discard, &complaint, os.Getenv, false)
		if want := fmt.Sprintf("bobbin: the environment variable BOBBIN_UPGRADE is %q", value); code != exitUsage ||
			!strings.HasPrefix(complaint.String(), want) || !strings.HasSuffix(complaint.String(), ": bobbin sets it for itself in an upgrade; unset it\n") {
			t.Errorf("%q: %d, %q", value, code, complaint.String())
		}
		if os.Getenv("BOBBIN_UPGRADE") != "" {
			t.Errorf("%q: it is still there, for other processes", value)
		}
	}
}

// TestASilentProgramIsKilled has it be silent for longer than it may.
func TestASilentProgramIsKilled(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, t.TempDir(), "export TEST_UPGRADE_WITHIN=100ms", "--sandbox", "off")
	u.replace("#!/bin/sh\nexec sleep 1000\n", 0o755)
	u.signal(syscall.SIGUSR2)
	u.waits(`and this one goes on" pid=`, 1)
	if want := `error="it was not ready within 100ms, and was killed, without a word"`; !strings.Contains(u.said.String(), want) {
		t.Errorf("it says %s", u.said)
	}
	u.newestIsGone()
	if answer := u.visit(get); !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Errorf("then it answers %q", answer)
	}
	u.signal(syscall.SIGTERM)
	u.ends(exitOK)
}

// newestIsGone looks for the process that was started last.
func (u *upgradable) newestIsGone() {
	u.t.Helper()
	found := newPID.FindAllStringSubmatch(u.said.String(), -1)
	if found == nil {
		u.t.Fatalf("it says %s", u.said)
	}
	if pid, err := strconv.Atoi(found[len(found)-1][1]); err != nil || syscall.Kill(pid, 0) != syscall.ESRCH {
		u.t.Errorf("process %d goes on, %v", pid, err)
	}
}

// TestASignalToStopEndsAnUpgrade has the new process be silent, with a day to become ready.
// Until then no other upgrade begins.
func TestASignalToStopEndsAnUpgrade(t *testing.T) {
	t.Parallel()
	u := startUpgradable(t, t.TempDir(), "export TEST_UPGRADE_WITHIN=24h", "--sandbox", "off")
	u.replace("#!/bin/sh\nexec sleep 1000\n", 0o755)
	u.signal(syscall.SIGUSR2)
	u.waits("a new process starts", 1)
	u.signal(syscall.SIGUSR2)
	u.waits("SIGUSR2 ignored: an upgrade is under way", 1)
	u.signal(syscall.SIGTERM)
	u.ends(exitOK)
	if !strings.Contains(u.said.String(), "the new process was ended, because this one is stopping") {
		t.Errorf("it says %s", u.said)
	}
	u.newestIsGone()
}

// TestAnUpgradeListensWhereTheNewConfigurationSays has one address stay, one go and one come,
// and a download that began before.
func TestAnUpgradeListensWhereTheNewConfigurationSays(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "2"} {
		dir := t.TempDir()
		config, socket, other := filepath.Join(dir, "config"), filepath.Join(dir, "s"), filepath.Join(dir, "t")
		site := folder(t, map[string][]byte{"large": large, "bench": []byte("hello")})
		set := func(list ...string) {
			text := "listen = [\"" + strings.Join(list, "\", \"") + "\"]\n"
			if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		set("127.0.0.1:0", "unix:"+socket+"?mode=0600", "unix:"+other)
		u := startUpgradable(t, dir, "shift 2", "-c", config, "--loops", loops, site)
		u.url, _, _ = strings.Cut(u.url, ",")
		download := u.dial()
		say(t, download, "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if _, err := io.ReadFull(download, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(socket)
		if err != nil {
			t.Fatal(err)
		}
		third := filepath.Join(dir, "u")
		set("127.0.0.1:0", "unix:"+socket+"?mode=0660", "unix:"+third)
		u.upgrade()
		for _, path := range []string{socket, third} {
			overSocket(t, path)
		}
		if answer := u.visit(get); !strings.HasSuffix(answer, "hello") {
			t.Errorf("at the port it answers %q", answer)
		}
		if now, err := os.Lstat(socket); err != nil || !os.SameFile(now, info) || now.Mode().Perm() != 0o660 {
			t.Errorf("the socket's file was %v, and is %v, %v", info, now, err)
		}
		rest, err := io.ReadAll(download)
		if err != nil || len(rest) < len(large)-100 {
			t.Errorf("of the download, %d bytes came after the upgrade: %v", len(rest), err)
		}
		u.endsAll()
		if _, err := os.Lstat(other); !os.IsNotExist(err) {
			t.Errorf("the file of the socket that is listened on no more: %v", err)
		}
		for _, path := range []string{socket, third} {
			if _, err := os.Lstat(path); !os.IsNotExist(err) {
				t.Errorf("at the end, the file of %s: %v", path, err)
			}
		}
	}
}

// TestAnUpgradeKeepsASocketOfAServiceManager begins as under systemd, with a socket by
// LISTEN_FDS and one by --listen, upgrades twice, reloads and ends. The sockets go on
// listening, and refuse nobody.
func TestAnUpgradeKeepsASocketOfAServiceManager(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, args, shell string }{
		{"by LISTEN_FDS", "", "export LISTEN_PID=$$ LISTEN_FDS=2"},
		{"by their numbers", "-l fd:3 -l fd:4", ":"},
	} {
		dir := t.TempDir()
		config := filepath.Join(dir, "config") // so that there is something to reload
		if err := os.WriteFile(config, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		var listeners []net.Listener
		var files []*os.File
		for range 2 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			file, err := l.(*net.TCPListener).File()
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			listeners, files = append(listeners, l), append(files, file)
		}
		u := &upgradable{file: filepath.Join(dir, "bobbin")}
		u.install(t)
		u.program = &program{t: t, said: &transcript{}, over: make(chan error, 1)}
		u.cmd = exec.Command("/bin/sh", append([]string{"-c", row.shell + `; exec "$0" "$@"`, u.file, "--config", config}, strings.Fields(row.args)...)...)
		u.cmd.ExtraFiles, u.cmd.Stderr = files, u.said
		u.cmd.Env = append(os.Environ(), "BOBBIN_HOST=a")
		if err := u.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		u.pid = u.cmd.Process.Pid
		go func() { u.over <- u.cmd.Wait() }()
		t.Cleanup(func() {
			u.cmd.Process.Kill()
			_ = syscall.Kill(u.pid, syscall.SIGKILL)
		})
		u.waits(" listening ", 1)
		answers := func() {
			t.Helper()
			for _, l := range listeners {
				u.url = "http://" + l.Addr().String() + "/"
				if answer := u.visit(get); !strings.HasPrefix(answer, "HTTP/1.1 200") {
					t.Errorf("%s: it answers %q", row.name, answer)
				}
			}
		}
		answers()
		u.upgrade()
		answers()
		u.upgrade()
		u.signalNewest(syscall.SIGHUP)
		u.waits("SIGHUP: reloaded", 1)
		answers()
		u.endsAll()
		for _, l := range listeners {
			c, err := net.DialTimeout("tcp", l.Addr().String(), time.Minute)
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			mine, err := l.Accept()
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			mine.Close()
			c.Close()
		}
	}
}

// TestOwnPathIsTheOneThatWasTyped has the program started by a link, by a name in PATH, and
// by a name that is none.
func TestOwnPathIsTheOneThatWasTyped(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	link := filepath.Join(dir, "linked")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, row := range []struct{ name, typed, want string }{
		{"a link that may lead elsewhere later", link, link},
		{"a name in PATH", "linked", link},
		{"another program", "/bin/sh", self},
		{"a name that is none", "no-such-program", self},
		{"a login shell's kind of name", "-bobbin", self},
	} {
		if got, err := ownPath(row.typed); got != row.want || err != nil {
			t.Errorf("%s: %s, %v", row.name, got, err)
		}
	}
}
