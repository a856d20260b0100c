package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

const end, more = "Upload-Complete: ?1", "Upload-Complete: ?0"

func TestAFileArrivesInPieces(t *testing.T) {
	dir := t.TempDir()
	folder, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	httptest.Run(t, httptest.Config{Handler: site(folder).Serve}, func(c *httptest.Client) {
		for _, row := range []struct {
			name         string
			method, path string
			body         string
			fields       []string
			status       int
			offset       string
		}{
			{"a file that was never sent is missing", "HEAD", "/files/a", "", nil, 404, ""},
			{"the first piece begins it", "PATCH", "/files/a", "hello, ", []string{"Upload-Offset: 0", more}, 204, "7"},
			{"then it has an offset", "HEAD", "/files/a", "", nil, 204, "7"},
			{"a piece that has arrived is not taken twice", "PATCH", "/files/a", "hello, ", []string{"Upload-Offset: 0", more}, 409, "7"},
			{"nor one that leaves a hole", "PATCH", "/files/a", "!", []string{"Upload-Offset: 9", end}, 409, "7"},
			{"the last completes it", "PATCH", "/files/a", "world", []string{"Upload-Offset: 7", end}, 204, "12"},
			{"which its offset says", "HEAD", "/files/a", "", nil, 204, "12"},
			{"a complete file is not changed", "PATCH", "/files/a", "!", []string{"Upload-Offset: 12", end}, 409, ""},
			{"an empty file is one, too", "PATCH", "/files/empty", "", []string{"Upload-Offset: 0", end}, 204, "0"},
			{"a piece says where it belongs", "PATCH", "/files/b", "x", []string{end}, 400, ""},
			{"by a number that is not negative", "PATCH", "/files/b", "x", []string{"Upload-Offset: -1", end}, 400, ""},
			{"a name stays in the folder", "PATCH", "/files/..%2fb", "x", []string{"Upload-Offset: 0", end}, 400, ""},
			{"and is not the one of a part", "PATCH", "/files/a.part", "x", []string{"Upload-Offset: 0", end}, 400, ""},
		} {
			a := c.Do(row.method, row.path, row.body, row.fields...)
			if a.Status != row.status || a.Header("Upload-Offset") != row.offset {
				t.Errorf("%s: %v", row.name, a)
			}
		}
		if a := c.Get("/"); a.Status != 200 || !strings.Contains(a.Body, "<progress") {
			t.Errorf("%v", a)
		}
	})
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
	if p, err := os.ReadFile(filepath.Join(dir, "a")); string(p) != "hello, world" {
		t.Errorf("%q, %v", p, err)
	}
}

func TestBytesThatArrivedBeforeABreakAreKept(t *testing.T) {
	folder, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	httptest.Run(t, httptest.Config{Handler: site(folder).Serve}, func(c *httptest.Client) {
		half := c.Dial()
		half.Send("PATCH /files/a HTTP/1.1\r\nHost: a\r\nUpload-Offset: 0\r\nUpload-Complete: ?1\r\nContent-Length: 12\r\n\r\nhello")
		for c.Do("HEAD", "/files/a", "").Header("Upload-Offset") != "5" {
		}
		// While it lasts, no other request writes to the file.
		if a := c.Do("PATCH", "/files/a", "", "Upload-Offset: 5", more); a.Status != 423 || a.Header("Retry-After") == "" {
			t.Errorf("%v", a)
		}
		half.Reset()
		a := c.Do("PATCH", "/files/a", ", world", "Upload-Offset: 5", end)
		for a.Status == 423 {
			a = c.Do("PATCH", "/files/a", ", world", "Upload-Offset: 5", end)
		}
		if a.Status != 204 || a.Header("Upload-Offset") != "12" {
			t.Errorf("%v", a)
		}
	})
	if p, err := folder.ReadFile("a"); string(p) != "hello, world" {
		t.Errorf("%q, %v", p, err)
	}
}
