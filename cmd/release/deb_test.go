package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// debFile returns the package for this machine.
func debFile(t *testing.T) string {
	t.Helper()
	if host.system != "linux" {
		t.Skipf("skipped: packages are for Linux, and this is %s", host.system)
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("skipped: dpkg-deb is not here")
	}
	return filepath.Join(dist(t), "bobbin_0.9.0~rc.1_"+host.machine+".deb")
}

// says runs a program and returns what it prints.
func says(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestDpkgReadsThePackage(t *testing.T) {
	deb := debFile(t)
	for field, want := range map[string]string{"Package": "bobbin", "Version": "0.9.0~rc.1", "Architecture": host.machine, "Section": "httpd"} {
		if got := strings.TrimSpace(says(t, "dpkg-deb", "--field", deb, field)); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	list := says(t, "dpkg-deb", "--contents", deb)
	for _, name := range []string{
		"usr/bin/bobbin", "usr/share/man/man1/bobbin.1.gz", "usr/share/bash-completion/completions/bobbin",
		"usr/share/zsh/vendor-completions/_bobbin", "usr/share/fish/vendor_completions.d/bobbin.fish",
		"usr/share/doc/bobbin/copyright", "usr/lib/systemd/system/bobbin.service", "usr/lib/systemd/system/bobbin.socket",
		"etc/bobbin/bobbin.toml", "usr/share/doc/bobbin/examples/container/Dockerfile",
	} {
		if !regexp.MustCompile(`(?m)^-\S+ root/root .* \./` + regexp.QuoteMeta(name) + `$`).MatchString(list) {
			t.Errorf("%s is not in\n%s", name, list)
		}
	}
	if order := says(t, "dpkg", "--compare-versions", "0.9.0~rc.1", "lt", "0.9.0"); order != "" {
		t.Errorf("dpkg says %q of the order of versions", order)
	}
}

func TestLintianAcceptsThePackage(t *testing.T) {
	deb := debFile(t)
	if _, err := exec.LookPath("lintian"); err != nil {
		t.Skip("skipped: lintian is not here")
	}
	out, err := exec.Command("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", deb).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// debianRoot makes a root folder in which dpkg can run the scripts of a package.
func debianRoot(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: dpkg installs for root only")
	}
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/parts", "var/lib/dpkg/triggers", "tmp", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available"} {
		if err := os.WriteFile(filepath.Join(root, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// What the scripts use: a shell and rm, with their libraries.
	for program, name := range map[string]string{"/bin/sh": "/bin/sh", "/bin/rm": "/bin/rm"} {
		for _, file := range append(regexp.MustCompile(`/\S+`).FindAllString(says(t, "ldd", program), -1), program) {
			to := file
			if file == program {
				to = name
			}
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			to = filepath.Join(root, to)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, content, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// below returns all files and folders below a root, but for dpkg's own.
func below(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, file)
		if name == filepath.Join("var", "lib", "dpkg") {
			return fs.SkipDir
		}
		list = append(list, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestAPurgeLeavesNoFile installs the package into a root of its own, lets the service
// have written its files, removes it, and purges it.
func TestAPurgeLeavesNoFile(t *testing.T) {
	deb := debFile(t)
	root := debianRoot(t)
	before := below(t, root)
	dpkg := func(args ...string) string {
		t.Helper()
		return says(t, "dpkg", append([]string{"--root=" + root, "--force-not-root", "--force-bad-path", "--log=/dev/null"}, args...)...)
	}
	dpkg("--install", deb)
	if status := dpkg("--status", "bobbin"); !strings.Contains(status, "Status: install ok installed") || !strings.Contains(status, "/etc/bobbin/bobbin.toml") {
		t.Errorf("after the installation dpkg says\n%s", status)
	}
	if out := says(t, filepath.Join(root, "usr/bin/bobbin"), "version"); !strings.Contains(out, "0.9.0-rc.1") {
		t.Errorf("the program says %q", out)
	}
	if out := says(t, filepath.Join(root, "usr/bin/bobbin"), "config", "test", "--config", filepath.Join(root, "etc/bobbin/bobbin.toml")); !strings.Contains(out, "the configuration is valid") {
		t.Errorf("of its configuration the program says %q", out)
	}
	if out := dpkg("--verify", "bobbin"); out != "" {
		t.Errorf("dpkg finds other files than in the package: %s", out)
	}
	for _, file := range []string{"var/lib/private/bobbin/acme/key", "var/log/private/bobbin/access.log", "etc/bobbin/users"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, file), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings := filepath.Join(root, "etc/bobbin/bobbin.toml")
	if err := os.WriteFile(settings, []byte("port = 80\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	dpkg("--install", deb) // an update keeps what was written
	dpkg("--remove", "bobbin")
	if text, err := os.ReadFile(settings); err != nil || string(text) != "port = 80\n" {
		t.Errorf("after the removal the settings are %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/bobbin")); err == nil {
		t.Error("after the removal the program is still there")
	}
	dpkg("--purge", "bobbin")
	after := slices.DeleteFunc(below(t, root), func(name string) bool {
		return slices.Contains(before, name) || slices.Contains([]string{"var/lib/private", "var/log", "var/log/private"}, name) // this test's own
	})
	if len(after) > 0 {
		t.Errorf("after the purge there is %q", after)
	}
}

// TestTheUnitStartsWhatThePackageHas looks for each file that the units name.
func TestTheUnitStartsWhatThePackageHas(t *testing.T) {
	deb := debFile(t)
	root := t.TempDir()
	says(t, "dpkg-deb", "--extract", deb, root)
	unit, err := os.ReadFile(filepath.Join(root, "usr/lib/systemd/system/bobbin.service"))
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(\S+) --config (\S+)$`).FindSubmatch(unit)
	if start == nil {
		t.Fatalf("there is no ExecStart with a configuration in\n%s", unit)
	}
	for _, name := range start[1:] {
		if _, err := os.Stat(filepath.Join(root, string(name))); err != nil {
			t.Errorf("the unit starts %s, which the package does not have: %v", name, err)
		}
	}
}

func TestAnArHasItsMembersAtEvenPlaces(t *testing.T) {
	got := ar(aTime, []entry{{"a", 0o644, []byte("odd")}, {"b", 0o755, []byte("even")}})
	header := func(name string, mode, size int) string {
		return fmt.Sprintf("%-16s%-12d0     0     %-8o%-10d`\n", name, aTime.Unix(), 0o100000|mode, size)
	}
	want := "!<arch>\n" + header("a", 0o644, 3) + "odd\n" + header("b", 0o755, 4) + "even"
	if !bytes.Equal(got, []byte(want)) {
		t.Errorf("%q, want %q", got, want)
	}
}
