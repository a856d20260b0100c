package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestHAProxyFindsTheServerUp has the real HAProxy check whether a server lives, as
// "option httpchk" does unless it is told more: by OPTIONS, in HTTP/1.0 and without a host.
func TestHAProxyFindsTheServerUp(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("haproxy")
	if err != nil {
		t.Skip("haproxy is not installed")
	}
	for _, row := range []struct {
		name, check string
		args        []string
	}{
		{"a folder without an index", "option httpchk", []string{folder(t, map[string][]byte{"some": some})}},
		{"the default site", "option httpchk", nil},
		{"the server as a whole", "option httpchk OPTIONS *", nil},
		{"by HTTP/1.1", "option httpchk\n http-check send meth OPTIONS uri / ver HTTP/1.1 hdr Host a", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := start(t, "", row.args...)
			dir := t.TempDir()
			in := func(name string) string { return filepath.Join(dir, name) }
			config := fmt.Sprintf("global\n stats socket %s\ndefaults\n mode http\n timeout connect 10s\n timeout client 10s\n timeout server 10s\n timeout check 10s\n"+
				"frontend f\n bind unix@%s\n default_backend b\nbackend b\n %s\n server s %s check inter 100ms\n", in("stats"), in("f"), row.check, p.host())
			startHAProxy(t, path, config)
			if got := checkOf(t, in("stats")); got != "L7OK 204" {
				t.Errorf("the check says %s", got)
			}
		})
	}
}

// startHAProxy runs HAProxy until the end of the test. It listens when this returns.
func startHAProxy(t *testing.T, path, config string) {
	t.Helper()
	dir := t.TempDir()
	file, pid := filepath.Join(dir, "config"), filepath.Join(dir, "pid")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	// As a daemon, it returns when it listens.
	if out, err := exec.Command(path, "-D", "-p", pid, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, config)
	}
	t.Cleanup(func() {
		text, _ := os.ReadFile(pid)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	})
}

// checkOf returns what HAProxy's first check of its server has found.
func checkOf(t *testing.T, stats string) string {
	t.Helper()
	for {
		c, err := net.Dial("unix", stats)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(c, "show stat")
		text, err := io.ReadAll(c)
		c.Close()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "# "))).ReadAll()
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, row := range rows[1:] {
			server := make(map[string]string)
			for i, name := range rows[0] {
				server[name] = row[i]
			}
			if server["svname"] != "s" {
				continue
			}
			if s := server["check_status"]; s != "" && s != "INI" && s[0] != '*' {
				return s + " " + server["check_code"]
			}
		}
	}
}
