package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The files of deploy are read here by the programs that they are for.

// deployed returns a file of deploy.
func deployed(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// needs returns the path of a tool, or skips the test.
func needs(t testing.TB, tool, debian string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("skipped: %s is not installed (Debian's package %s)", tool, debian)
	}
	return path
}

// units has a copy of the units, with this test in the place of the program.
func units(t *testing.T) (dir string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	service := deployed(t, "systemd/bobbin.service")
	if strings.Count(service, "\nExecStart=/usr/bin/bobbin ") != 1 {
		t.Fatal("the unit does not start /usr/bin/bobbin")
	}
	return folder(t, map[string][]byte{
		"bobbin.service": []byte(strings.Replace(service, "/usr/bin/bobbin", self, 1)),
		"bobbin.socket":  []byte(deployed(t, "systemd/bobbin.socket")),
	})
}

func TestSystemdFindsNoFaultInTheUnits(t *testing.T) {
	t.Parallel()
	analyze := needs(t, "systemd-analyze", "systemd")
	dir := units(t)
	for _, unit := range []string{"bobbin.service", "bobbin.socket"} {
		out, err := exec.Command(analyze, "verify", filepath.Join(dir, unit)).CombinedOutput()
		if err != nil || strings.Contains(string(out), "bobbin") {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}

// TestTheUnitIsExposedAsLittleAsThePageSays compares the exposure level that systemd gives
// to the unit, of 10 at most, with the one in docs/row.md.
func TestTheUnitIsExposedAsLittleAsThePageSays(t *testing.T) {
	t.Parallel()
	analyze := needs(t, "systemd-analyze", "systemd")
	out, err := exec.Command(analyze, "security", "--no-pager", "--offline=true", filepath.Join(units(t), "bobbin.service")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	level := regexp.MustCompile(`exposure level for bobbin\.service: ([0-9.]+) `).FindStringSubmatch(string(out))
	if level == nil {
		t.Fatalf("it has no level:\n%s", out)
	}
	page, err := os.ReadFile("../../docs/row.md")
	if err != nil {
		t.Fatal(err)
	}
	written := regexp.MustCompile(`exposure level of ([0-9.]+)`).FindStringSubmatch(strings.Join(strings.Fields(string(page)), " "))
	if written == nil {
		t.Fatal("docs/row.md does not say the exposure level of the unit")
	}
	got, _ := strconv.ParseFloat(level[1], 64)
	most, _ := strconv.ParseFloat(written[1], 64)
	if got > most {
		open := regexp.MustCompile(`(?m)^✗.*`).FindAllString(string(out), -1)
		t.Errorf("the level is %v, and docs/row.md says %v:\n%s", got, most, strings.Join(open, "\n"))
	}
}

// TestTheSettingsOfDeployAreRight reads the configuration files as they are, and with their
// examples.
func TestTheSettingsOfDeployAreRight(t *testing.T) {
	example := regexp.MustCompile(`(?m)^# ([a-z-]+ = .*)$`)
	for _, name := range []string{"systemd/bobbin.toml", "k8s/bobbin.toml"} {
		text := deployed(t, name)
		if n := len(example.FindAllString(text, -1)); n < 2 {
			t.Errorf("%s has %d examples", name, n)
		}
		// An example takes the place of what it is an example for.
		with := text
		for _, e := range example.FindAllStringSubmatch(text, -1) {
			key, _, _ := strings.Cut(e[1], " ")
			with = regexp.MustCompile(`(?m)^`+key+` = .*\n`).ReplaceAllString(with, "")
		}
		with = example.ReplaceAllString(with, "$1")
		dir := folder(t, map[string][]byte{"site/index.html": some, "plain.toml": []byte(text)})
		with = regexp.MustCompile(`(?m)^path = .*`).ReplaceAllString(with, `path = "`+dir+`/site"`)
		with = strings.ReplaceAll(with, "/var/lib/bobbin", dir)
		if err := os.WriteFile(filepath.Join(dir, "examples.toml"), []byte(with), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"plain.toml", "examples.toml"} {
			var out, complaint strings.Builder
			code := run([]string{"config", "test", "--config", filepath.Join(dir, file)}, strings.NewReader(""), &out, &complaint, func(string) string { return "" }, false)
			if code != exitOK {
				t.Errorf("%s, %s: %d, %s%s\n%s", name, file, code, &out, &complaint, with)
			}
		}
	}
}

func TestHAProxyFindsNoFaultInItsConfiguration(t *testing.T) {
	t.Parallel()
	haproxy := needs(t, "haproxy", "haproxy")
	out, err := exec.Command(haproxy, "-c", "-f", "../../deploy/haproxy/haproxy.cfg").CombinedOutput()
	if err != nil || strings.Contains(string(out), "[WARNING]") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNginxFindsNoFaultInItsConfiguration(t *testing.T) {
	t.Parallel()
	nginx := needs(t, "nginx", "nginx")
	dir := folder(t, map[string][]byte{
		"bobbin.conf": []byte(strings.Replace(deployed(t, "nginx/bobbin.conf"), "listen 80;", "listen "+free(t)+";", 1)),
	})
	main := "pid " + dir + "/pid;\nevents {}\nhttp {\naccess_log off;\ninclude " + dir + "/bobbin.conf;\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(main), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(nginx, "-t", "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")).CombinedOutput()
	if err != nil || strings.Contains(string(out), "[warn]") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestTheFileOfACMEIsCertificateAndKey has a file as autocert writes it, the key before the
// certificates, be that of both flags.
func TestTheFileOfACMEIsCertificateAndKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, roots := pair(t, dir)
	key, err := os.ReadFile(made.Pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := os.ReadFile(made.Pair.Cert)
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(dir, "www.example.com")
	if err := os.WriteFile(both, append(key, cert...), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "--tls-cert", both, "--tls-key", both)
	answer, err := trusting(roots).Get(p.url + "bench")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Error(answer.Status)
	}
}

// TestTheUnitAllowsTheSystemCalls has strace list the system calls of a server that starts,
// serves a file, reloads and stops, and looks for each in what the unit allows.
func TestTheUnitAllowsTheSystemCalls(t *testing.T) {
	t.Parallel()
	strace, analyze := needs(t, "strace", "strace"), needs(t, "systemd-analyze", "systemd")
	if runtime.GOOS != "linux" {
		t.Skip("systemd is for Linux")
	}
	sets := map[string][]string{}
	out, err := exec.Command(analyze, "syscall-filter", "--no-pager").Output()
	if err != nil {
		t.Fatal(err)
	}
	var set string
	for line := range strings.Lines(string(out)) {
		switch name := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "@"):
			set = name
		case name != "" && !strings.HasPrefix(name, "#"):
			sets[set] = append(sets[set], name)
		}
	}
	allowed := map[string]bool{}
	var change func(name string, to bool)
	change = func(name string, to bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = to
		}
		for _, part := range sets[name] {
			change(part, to)
		}
	}
	change("@default", true)
	for _, line := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.*)$`).FindAllStringSubmatch(deployed(t, "systemd/bobbin.service"), -1) {
		for _, name := range strings.Fields(line[2]) {
			change(name, line[1] == "")
		}
	}
	if !allowed["accept4"] || allowed["setuid"] || len(allowed) < 200 {
		t.Fatalf("%d system calls are known: %v", len(allowed), allowed)
	}

	dir := folder(t, map[string][]byte{"site/a.txt": some, "site/large": large, "bobbin.toml": []byte("compress = \"off\"\n")})
	list := filepath.Join(dir, "calls")
	p := start(t, `exec "`+strace+`" -f -qq -o "`+list+`" "$0" "$@"`, "--config", filepath.Join(dir, "bobbin.toml"), "--log", "json="+filepath.Join(dir, "log"), "--admin", "127.0.0.1:0", filepath.Join(dir, "site"))
	server := regexp.MustCompile(` pid=(\d+)`).FindStringSubmatch(p.first)
	if server == nil {
		t.Fatalf("it says %q", p.first)
	}
	pid, _ := strconv.Atoi(server[1])
	for _, path := range []string{"a.txt", "large", "nothing"} {
		p.ask(path)
	}
	fetch(t, "http://"+p.admin()+"/-/metrics", "localhost")
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.waits("SIGHUP: reloaded", 1)
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(exitOK)
	calls, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, call := range regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\(`).FindAllStringSubmatch(string(calls), -1) {
		if used[call[1]] {
			continue
		}
		used[call[1]] = true
		if !allowed[call[1]] && !strings.HasPrefix(call[1], "syscall_") { // cachestat, too new for strace: without it, Kernel.Cached reads
			t.Errorf("the unit forbids %s", call[1])
		}
	}
	if len(used) < 30 || !used["accept4"] {
		t.Errorf("only %d system calls were seen", len(used))
	}
}
