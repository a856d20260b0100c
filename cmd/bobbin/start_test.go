package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheFileOfSPAIsInTheFolder(t *testing.T) {
	dir := folder(t, map[string][]byte{"site/app.html": []byte("app"), "site/sub/b.html": []byte("b"), "outside.html": []byte("a")})
	site := filepath.Join(dir, "site")
	for _, row := range []struct{ args, says string }{
		{"--spa=app.html " + site, ""},
		{"--spa=/app.html " + site, ""},
		{"--spa=sub/b.html " + site, ""},
		{"--spa " + site, "--spa: there is no index.html in " + site + ": name the page"},
		{"--spa=missing.html " + site, "--spa: there is no missing.html in " + site},
		{"--spa=../outside.html " + site, "is not in " + site},
		{"--spa=sub " + site, "sub in " + site + " is not a file"},
		{"--spa=app.html " + filepath.Join(site, "app.html"), "is a file: serve its folder"},
		{"--spa=app.html " + filepath.Join(dir, "missing"), "no such folder or file"},
	} {
		code, out, complaint := try(append([]string{"config", "test"}, strings.Fields(row.args)...), "", nil)
		if (code == exitOK) != (row.says == "") || !strings.Contains(complaint, row.says) || strings.Count(complaint, "\n") > 1 || code != exitOK && out != "" {
			t.Errorf("%s: %d, %q, %q", row.args, code, out, complaint)
		}
	}
}

func TestAFolderWithoutAStartIsWarnedOf(t *testing.T) {
	bare := folder(t, map[string][]byte{"a.txt": []byte("a"), "start.html": []byte("b")})
	full := folder(t, map[string][]byte{"index.html": []byte("a")})
	for _, row := range []struct {
		name, args string
		warns      bool
	}{
		{"open to the network, without an index", "--public " + bare, true},
		{"at an address of the network", "-l 192.0.2.1:80 " + bare, true},
		{"on this machine it is listed", bare, false},
		{"unless that is off", "--listing off " + bare, true},
		{"listed by a flag", "--public --listing on " + bare, false},
		{"with an index", "--public " + full, false},
		{"with an index of another name", "--public --index start.html " + bare, false},
		{"with a page for all", "--public --spa=start.html " + bare, false},
		{"with a redirect, which may be for /", "--public --redirect /_/start.html " + bare, false},
		{"of one file", "--public " + filepath.Join(bare, "a.txt"), false},
		{"of the default site", "--public", false},
	} {
		args := strings.Fields(row.args)
		for i := range args {
			args[i] = strings.Replace(args[i], "/_/", "/ /", 1)
		}
		code, _, complaint := try(append([]string{"config", "test", "--loops", "2"}, args...), "", nil)
		want := bare + " has no index.html, so / is 404: name the page with --index, or list the folder with --listing on\n"
		if code != exitOK || strings.Contains(complaint, want) != row.warns || strings.Count(complaint, "\n") > 1 {
			t.Errorf("%s: %d, %q", row.name, code, complaint)
		}
	}
}

// TestTheBannerHasTheAddressesOfTheMachine has a server that listens on all of them.
func TestTheBannerHasTheAddressesOfTheMachine(t *testing.T) {
	shown := func(at, url string) string {
		var b strings.Builder
		banner(&b, options{path: "site", at: []string{at}}, []string{url}, true)
		return b.String()
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Skip(err)
	}
	n := 0
	all, local := shown(":8443", "https://localhost:8443/"), shown("localhost:8443", "https://localhost:8443/")
	four := shown("0.0.0.0:80", "http://localhost:80/")
	for _, a := range own {
		ip := a.(*net.IPNet).IP
		if !ip.IsGlobalUnicast() || n == networkMax {
			continue
		}
		n++
		host := ip.String()
		if ip.To4() == nil {
			host = "[" + host + "]"
		}
		if want := "\n  https://" + host + ":8443/\n"; !strings.Contains(all, want) {
			t.Errorf("%q is not in %q", want, all)
		}
		if strings.Contains(local, host) {
			t.Errorf("on this machine only, and %q", local)
		}
		if want := "\n  http://" + host + ":80/\n"; strings.Contains(four, want) != (ip.To4() != nil) {
			t.Errorf("%q and %q", want, four)
		}
	}
	if strings.Count(all, "https://") != n+1 || strings.Contains(all, "127.0.0.1") {
		t.Errorf("%d addresses are %q", n, all)
	}
}

func TestFlagsAboutFilesNeedAFolder(t *testing.T) {
	for args, want := range map[string]string{
		"--reload":               "bobbin: no effect on the default site: --reload; name a folder behind the flags, such as . for this one\n",
		"--netlify --clean-urls": "default site: --netlify, --clean-urls; name a folder",
		"--reload=false":         "",
		"--reload .":             "",
		"-p 0 -q":                "",
	} {
		code, _, complaint := try(append([]string{"config", "test"}, strings.Fields(args)...), "", nil)
		if code != exitOK || !strings.Contains(complaint, want) || strings.Contains(complaint, "no effect") != (want != "") {
			t.Errorf("%s: %d, %q", args, code, complaint)
		}
	}
}
