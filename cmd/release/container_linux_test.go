package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// containerRoot makes the root of the container as the Dockerfile does: the program of the
// archive, alone, and a folder that is served.
func containerRoot(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: a root of its own needs root")
	}
	for _, tool := range []string{"unshare", "chroot", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("skipped: %s is not here", tool)
		}
	}
	if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: this machine lets no process have mounts of its own: %v, %s", err, out)
	}
	list, folder := archive(t)
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "bobbin"), list[folder+"bobbin"].content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "srv"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "srv", "index.html"), []byte("from nothing"), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestItRunsAloneInAContainer starts the program as the only file of a root that cannot be
// written, as process 1, as a user without a name and without rights.
func TestItRunsAloneInAContainer(t *testing.T) {
	root := containerRoot(t)
	const script = `mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec chroot --userspec=65534:65534 "$0" /bobbin "$@"`
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, root, "--port", "0", "/srv")
	cmd.Env = []string{}
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
	errors, err := cmd.StderrPipe()
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
	lines := bufio.NewReader(errors)
	listening := regexp.MustCompile(`listening (http://\S+) root="/srv" .* pid=1\b`)
	var first []string
	for said := ""; first == nil; { // what the sandbox says may come before
		line, err := lines.ReadString('\n')
		said += line
		if first = listening.FindStringSubmatch(line); first == nil && (err != nil || strings.Contains(line, "listening ")) {
			t.Fatalf("it says %q, %v, and not that it listens as process 1", said, err)
		}
	}

	answer, err := http.Get(first[1])
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || answer.StatusCode != http.StatusOK || string(page) != "from nothing" {
		t.Errorf("%s, %q, %v", answer.Status, page, err)
	}

	child := childOf(t, cmd.Process.Pid)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", child))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^Uid:\t65534\t65534\t65534\t65534$`, `(?m)^Gid:\t65534\t65534\t65534\t65534$`, `(?m)^CapEff:\t0+$`, `(?m)^NSpid:\t\d+\t1$`} {
		if !regexp.MustCompile(want).Match(status) {
			t.Errorf("%s is not in\n%s", want, status)
		}
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", child))
	if err != nil || !regexp.MustCompile(`(?m)^\S+ / \S+ ro,`).Match(mounts) {
		t.Errorf("its root can be written: %s, %v", mounts, err)
	}

	if err := syscall.Kill(child, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(lines)
	err = cmd.Wait()
	over = true
	if err != nil || cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("after SIGTERM it ends with %v, and says %q", err, said)
	}
}

// childOf returns the only child of a process.
func childOf(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("the children of %d are %q", pid, text)
	}
	return child
}

// TestTheDockerfileCopiesWhatTheArchiveHas reads the patterns of COPY.
func TestTheDockerfileCopiesWhatTheArchiveHas(t *testing.T) {
	list, folder := archive(t)
	text, err := os.ReadFile(filepath.Join(repository, "deploy/container/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	copied := regexp.MustCompile(`/bobbin_\*/(\S+)`).FindAllStringSubmatch(string(text), -1)
	for _, name := range copied {
		if _, ok := list[folder+name[1]]; !ok {
			t.Errorf("it copies %s, which is not in the archive", name[1])
		}
	}
	if len(copied) < 2 {
		t.Errorf("only %d files are copied", len(copied))
	}
	for _, want := range []string{"\nUSER 65534:65534\n", "\nENTRYPOINT [\"/bobbin\"]\n", "\nFROM scratch\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the Dockerfile", want)
		}
	}
}
