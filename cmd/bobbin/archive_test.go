package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io"
	nethttp "net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestArchivesOfTheProgram downloads folders of a program with two loops.
func TestArchivesOfTheProgram(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"docs/a.txt": []byte("a"), "docs/sub/b.txt": []byte("b"), "docs/.env": []byte("SECRET=1"), "docs/log.txt": []byte("a log"),
		"docs/ruled/c.txt": []byte("c"), "docs/moved.txt": []byte("old"), "docs/kept.txt": []byte("kept"),
	})
	p := start(t, "", "--archive", "--loops", "2", "--log", "combined="+dir+"/docs/log.txt",
		"--redirect", "/docs/ruled/* /login 302!", "--redirect", "/docs/moved.txt /new 301!", "--redirect", "/docs/kept.txt /new 301", dir)
	want := []string{"docs/", "docs/a.txt", "docs/kept.txt", "docs/sub/", "docs/sub/b.txt"}
	get := func(query string) (*nethttp.Response, []byte) {
		r, err := nethttp.Get(p.url + "docs/" + query)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != 200 {
			t.Fatalf("%s: %d, %v", query, r.StatusCode, err)
		}
		return r, body
	}
	if _, page := get(""); !bytes.Contains(page, []byte(`href="?archive=zip"`)) || !bytes.Contains(page, []byte(`href="?archive=tar"`)) {
		t.Errorf("the listing has no links:\n%s", page)
	}
	r, body := get("?archive=zip")
	var names []string
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, want) || r.Header.Get("Content-Disposition") != `attachment; filename="docs.zip"` {
		t.Errorf("the zip has %q: %v", names, r.Header)
	}
	_, body = get("?archive=tar")
	names = nil
	for from := tar.NewReader(bytes.NewReader(body)); ; {
		h, err := from.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("the tar has %q", names)
	}
}

// TestTheFlagForArchives has values and combinations of it.
func TestTheFlagForArchives(t *testing.T) {
	t.Chdir(folder(t, map[string][]byte{"site/a.txt": []byte("a"), "page.html": []byte("a")}))
	for _, row := range []struct {
		name, args string
		env        map[string]string
		says       string // "" if it is right
	}{
		{"alone", "--archive site", nil, ""},
		{"one format", "--archive=tar site", nil, ""},
		{"both", "--archive=tar,zip site", nil, ""},
		{"in the environment", "site", map[string]string{"BOBBIN_ARCHIVE": "zip"}, ""},
		{"another format", "--archive=rar site", nil, `--archive: unknown format "rar": write --archive=zip, --archive=tar, or --archive alone for both`},
		{"a value without its sign", "--archive zip", nil, "--archive zip: the value follows a =: write --archive=zip"},
		{"with a folder behind it", "--archive zip,tar site", nil, "write --archive=zip,tar"},
		{"nothing", "--archive= site", nil, "--archive has an empty value: write --archive alone, or leave it out"},
		{"without listings", "--archive --listing off site", nil, "--archive needs listings, which have its links: add --listing on"},
		{"on the network, where folders are not listed unless that is asked for", "--archive --public site", nil, "add --listing on"},
		{"on the network, with listings", "--archive --public --listing on site", nil, ""},
		{"a file in place of a folder", "--archive page.html", nil, "--archive needs a folder, and page.html is a file: serve its folder"},
	} {
		code, _, complaint := try(append([]string{"config", "test"}, strings.Fields(row.args)...), "", row.env)
		if (code == exitOK) != (row.says == "") || !strings.Contains(complaint, row.says) || strings.Count(complaint, "\n") > 1 {
			t.Errorf("%s: %d, %q, want %q", row.name, code, complaint, row.says)
		}
	}
}

// TestAnArchiveLacksWhatHasAPassword packs a folder of which a part has a site of its own.
func TestAnArchiveLacksWhatHasAPassword(t *testing.T) {
	t.Parallel()
	r := reloadable(t, map[string]string{
		"pack/a.txt": "a", "pack/inner/b.txt": "b", "main/index.html": "main", "users": "ali" + hashOfUU,
		"bobbin.toml": "path = 'DIR/main'\n[[site]]\nat = '/p'\npath = 'DIR/pack'\nlisting = 'on'\narchive = ['zip']\n[[site]]\nat = '/i'\npath = 'DIR/pack/inner'\nauth = 'DIR/users'\n",
	})
	a, err := nethttp.Get(r.url + "p/?archive=zip")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatalf("%d: %v", a.StatusCode, err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"p/", "p/a.txt"}) {
		t.Errorf("the archive has %q", names)
	}
	r.signal(syscall.SIGTERM)
	r.ends(exitOK)
}
