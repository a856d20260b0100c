package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// installedScript lays the package over this system's folders, for its own processes
// alone, and goes on with a command. The folder of the package is $0.
const installedScript = `set -e
mount --make-rprivate /
mount -t overlay package -o "lowerdir=$0/usr:/usr" /usr
mount -t overlay package -o "lowerdir=$0/etc:/etc" /etc
`

// asInstalled prepares a command that runs where the package is installed.
func asInstalled(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	deb := debFile(t)
	if os.Geteuid() != 0 {
		t.Skip("skipped: to lay the package over the system needs root")
	}
	root := t.TempDir()
	says(t, "dpkg-deb", "--extract", deb, root)
	if out, err := exec.Command("unshare", "--mount", "--net", "sh", "-c", installedScript+"test -x /usr/bin/bobbin", root).CombinedOutput(); err != nil {
		t.Skipf("skipped: this machine lets no process have mounts of its own: %v, %s", err, out)
	}
	return exec.Command("unshare", append([]string{"--mount", "--net", "sh", "-c", installedScript + script, root}, args...)...)
}

func TestSystemdAcceptsTheUnits(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("skipped: systemd-analyze is not here")
	}
	out, err := asInstalled(t, "systemd-analyze verify --man=no bobbin.service bobbin.socket").CombinedOutput()
	if err != nil || strings.Contains(string(out), "bobbin.s") {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
}

// TestTheServiceServesAsTheUnitStartsIt runs ExecStart with the user's rights that the
// unit asks for: no user with a name, and no capability but one, for port 80.
func TestTheServiceServesAsTheUnitStartsIt(t *testing.T) {
	for _, tool := range []string{"setpriv", "ip", "nsenter", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("skipped: %s is not here", tool)
		}
	}
	cmd := asInstalled(t, `ip link set lo up
start=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/bobbin.service)
caps=$(sed -n 's/^AmbientCapabilities=CAP_//p' /usr/lib/systemd/system/bobbin.service | tr A-Z a-z)
exec setpriv --reuid 61184 --regid 61184 --clear-groups --no-new-privs --bounding-set "-all,+$caps" --inh-caps "-all,+$caps" --ambient-caps "-all,+$caps" $start`)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := false
	t.Cleanup(func() {
		if !over {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	lines := bufio.NewReader(stderr)
	said := ""
	for !strings.Contains(said, " listening ") {
		line, err := lines.ReadString('\n')
		said += line
		if err != nil {
			t.Fatalf("it does not listen, and says %q, %v", said, err)
		}
	}
	if !regexp.MustCompile(` listening http://\S+:80/|http://localhost/`).MatchString(said) {
		t.Errorf("it says %q, and not that it listens on port 80", said)
	}
	for url, want := range map[string]string{"http://localhost/": "<html", "http://localhost:9090/-/ready": ""} {
		out, err := exec.Command("nsenter", "--net", "-t", strconv.Itoa(cmd.Process.Pid), "curl", "--silent", "--show-error", "--fail", "--max-time", "30", url).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, %.200s", url, err, out)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(lines)
	err = cmd.Wait()
	over = true
	if err != nil {
		t.Errorf("after SIGTERM it ends with %v, and says %q", err, rest)
	}
}
