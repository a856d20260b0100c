package upload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

const boundary = "Content-Type: multipart/form-data; boundary=b"

// part is one part of a form, and end is its end.
func part(disposition, content string) string {
	return "--b\r\nContent-Disposition: form-data; " + disposition + "\r\nContent-Type: text/plain\r\n\r\n" + content + "\r\n"
}

const end = "--b--\r\n"

// formOf is a form of n bytes in all, most of them in front of its first part.
func formOf(n int) string {
	form := "\r\n" + part(`name="file"; filename="a.txt"`, "hello") + end
	return strings.Repeat("x", n-len(form)) + form
}

func TestReceive(t *testing.T) {
	file := func(content string) string { return part(`name="file"; filename="a.txt"`, content) }
	for _, row := range []struct {
		name   string
		field  string
		body   string
		status int
		want   string // the body, or a part of it
	}{
		{"values and files", boundary, part(`name="a"`, "1") + file("hello") + part(`name="a"`, "2") + end, 200, "map[a:[1 2]]\nfile a.txt text/plain 5 hello\n"},
		{"no part at all", boundary, end, 200, "map[]\n"},
		{"an empty file", boundary, file("") + end, 200, "file a.txt text/plain 0 \n"},
		{"a file without a name", boundary, part(`name="file"; filename=""`, "hello") + end, 200, "file  text/plain 5 hello\n"},
		{"the name of a file has no folders", boundary, part(`name="file"; filename="../../etc/passwd"`, "x") + end, 200, "file passwd text/plain"},
		{"nor those of another system", boundary, part(`name="file"; filename="C:\\Windows\\a.txt"`, "x") + end, 200, "file a.txt text/plain"},
		{"and is not hidden", boundary, part(`name="file"; filename="..bashrc"`, "x") + end, 200, "file bashrc text/plain"},
		{"another type is refused", "Content-Type: text/plain", end, 415, "multipart/form-data"},
		{"so is none", "X: y", end, 415, "multipart/form-data"},
		{"a boundary has to be named", "Content-Type: multipart/form-data", end, 415, "multipart/form-data"},
		{"an end has to come", boundary, file("hello"), 400, "malformed"},
		{"something has to come", boundary, "", 400, "malformed"},
		{"a part has a name", boundary, "--b\r\n\r\nx\r\n" + end, 400, "malformed"},
		{"a part that ends in its head is refused", boundary, file("hello") + "--b\r\nContent-", 400, "malformed"},
		{"a file has its limit", boundary, file(strings.Repeat("x", 100)) + end, 200, "100"},
		{"above which it is refused", boundary, file(strings.Repeat("x", 101)) + end, 413, "a file is too large"},
		{"there is a number of files", boundary, file("1") + file("2") + file("3") + file("4") + end, 413, "too many files"},
		{"and of values", boundary, strings.Repeat(part(`name="a"`, ""), 5) + end, 413, "too many form values"},
		{"and of their bytes", boundary, part(`name="a"`, strings.Repeat("x", 60)) + end, 413, "too many form values"},
		{"a form of the largest size is taken", boundary, formOf(1000), 200, "file a.txt text/plain 5 hello\n"},
		{"above which it is refused, whatever it holds", boundary, formOf(1001), 413, "the form is too large"},
		{"by far, too", boundary, formOf(100_000), 413, "the form is too large"},
	} {
		for _, how := range []string{"length", "chunked"} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				folder := t.TempDir()
				h := http.Blocking(1, func(w *http.Response, r *http.Request) error {
					form, err := Receive(r, Options{Folder: folder, Files: 3, File: 100, Total: 1000, Values: 4, Value: 50})
					if err != nil {
						return err
					}
					defer form.Remove()
					fmt.Fprintln(w, form.Values)
					for _, f := range form.Files {
						p, err := os.ReadFile(f.Path)
						if err != nil {
							return err
						}
						fmt.Fprintf(w, "%s %s %s %d %s\n", f.Field, f.Name, f.Type, f.Size, p)
					}
					return nil
				})
				if a := ask(t, h, row.field, row.body, how); a.Status != row.status || !strings.Contains(a.Body, row.want) {
					t.Errorf("the answer is %v", a)
				}
				empty(t, folder)
			})
		}
	}
}

// TestAFormThatSaysItIsTooLargeIsNotAskedFor has a client that waits for the word to
// go on: it hears the refusal in its place.
func TestAFormThatSaysItIsTooLargeIsNotAskedFor(t *testing.T) {
	h := http.Blocking(2, func(w *http.Response, r *http.Request) error {
		_, err := Receive(r, Options{Folder: t.TempDir(), Total: 1000})
		return err
	})
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		for length, want := range map[int]int{1000: 100, 1001: 413} {
			conn := c.Dial()
			conn.Send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\n%s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", boundary, length))
			if a := conn.Answer("POST"); a.Status != want {
				t.Errorf("%d bytes: %v", length, a)
			}
			conn.Reset()
		}
	})
}

// TestHeadsOfPartsAreBounded sends heads, of parts that are files and of others,
// and looks at the answer and at what it took.
func TestHeadsOfPartsAreBounded(t *testing.T) {
	head := func(fields string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n" + fields + "\r\nhello\r\n"
	}
	field := func(n int) string { return "X: " + strings.Repeat("x", n) + "\r\n" }
	for _, row := range []struct {
		name   string
		body   string
		status int
		want   string
	}{
		{"a head of 7 KiB", head(field(7<<10)) + end, 200, "1 files"},
		{"a head of 9 KiB", head(field(9<<10)) + end, 413, "head"},
		{"a head of 9 MiB in one field", head(field(9<<20)) + end, 413, "head"},
		{"a head of 9 MiB in short fields", head(strings.Repeat("a:\r\n", 9<<20/4)) + end, 413, "head"},
		{"a head that is small but has too many fields", head(strings.Repeat("a:\r\n", 100)) + end, 413, "head"},
		{"a head of 9 KiB behind another part", head("") + head(field(9<<10)) + end, 413, "head"},
		{"a line of 9 MiB before the first part", strings.Repeat("x", 9<<20) + "\r\n" + head("") + end, 400, "malformed"},
		{"lines of 9 MiB before the first part", strings.Repeat("x\r\n", 9<<20/3) + head("") + end, 413, "head"},
		{"files that are larger than a head may be", head("") + "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n" + strings.Repeat("x", 1<<20) + "\r\n" + head("") + end, 200, "3 files"},
		{"forty heads of 7 KiB", strings.Repeat(head(field(7<<10)), 40) + end, 413, "headers of all parts"},
	} {
		folder, rest := t.TempDir(), int64(0)
		h := http.Streaming(func(w *http.Response, r *http.Request) error {
			form, err := Receive(r, Options{Folder: folder, Files: 100})
			if err != nil {
				rest, _ = io.Copy(io.Discard, r)
				return err
			}
			defer form.Remove()
			return w.Text(fmt.Sprintf("%d files", len(form.Files)))
		})
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			conn := c.Dial()
			var a httptest.Answer
			c.Go(func(c *httptest.Client) { a = conn.For(c).Answer("POST") })
			conn.Send(httptest.Request("POST", "/", row.body, boundary))
			c.Sleep(time.Second)
			if a.Status != row.status || !strings.Contains(a.Body, row.want) {
				t.Errorf("%s: the answer is %v", row.name, a)
			}
			if read := int64(len(row.body)) - rest; len(row.body) >= 9<<20 && read > 128<<10 {
				t.Errorf("%s: %d bytes of it were read", row.name, read)
			}
			conn.Close()
		})
		empty(t, folder)
	}
}

// ask sends a body, with its length or in one chunk.
func ask(t *testing.T, h http.Handler, field, body, how string) (a httptest.Answer) {
	t.Helper()
	fields := []string{field}
	if how == "chunked" {
		fields = append(fields, "Transfer-Encoding: chunked")
		if body != "" {
			body = fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
		}
		body += "0\r\n\r\n"
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) { a = c.Do("POST", "/", body, fields...) })
	return a
}

// rootAt opens a folder for Options.Root.
func rootAt(t *testing.T, folder string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// names returns what is in a folder.
func names(t *testing.T, folder string) (list []string) {
	t.Helper()
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range left {
		list = append(list, d.Name())
	}
	return list
}

// empty finds what is left behind.
func empty(t *testing.T, folder string) {
	t.Helper()
	if left := names(t, folder); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestAClientThatLeavesLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	h := http.Blocking(1, func(w *http.Response, r *http.Request) error {
		_, err := Receive(r, Options{Folder: folder})
		return err
	})
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		conn := c.Dial()
		conn.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n" + boundary + "\r\n\r\n" + part(`name="file"; filename="a"`, strings.Repeat("x", 5000)))
		c.Sleep(1e9)
		conn.Reset()
	})
	empty(t, folder)
}

func TestWhatIsKeptStays(t *testing.T) {
	folder := t.TempDir()
	h := http.Blocking(1, func(w *http.Response, r *http.Request) error {
		form, err := Receive(r, Options{Folder: folder})
		if err != nil {
			return err
		}
		defer form.Remove()
		return form.Files[1].Keep(filepath.Join(folder, form.Files[1].Name))
	})
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		a := c.Do("POST", "/", part(`name="f"; filename="a"`, "1")+part(`name="f"; filename="b"`, "2")+end, boundary)
		if a.Status != 200 {
			t.Errorf("the answer is %v", a)
		}
	})
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || !slices.Equal(left, []string{filepath.Join(folder, "b")}) {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestReceiveBody has the body of a request as one file.
func TestReceiveBody(t *testing.T) {
	var reserved int
	full := http.StatusInsufficientStorage.Because("there is no room")
	for _, row := range []struct {
		name   string
		body   string
		room   int
		status int
		want   string
	}{
		{"a body is a file", "hello", 1000, 200, "5 hello, 5 reserved"},
		{"an empty one, too", "", 1000, 200, "0 , 0 reserved"},
		{"of the largest size", strings.Repeat("x", 100), 1000, 200, "100 xxx"},
		{"above which it is refused", strings.Repeat("x", 101), 1000, 413, "a file is too large"},
		{"by far, too", strings.Repeat("x", 100_000), 1000, 413, "a file is too large"},
		{"what is not reserved is not written", "hello", 4, 507, "there is no room"},
	} {
		for _, how := range []string{"length", "chunked"} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				folder := t.TempDir()
				root := rootAt(t, folder)
				h := http.Blocking(1, func(w *http.Response, r *http.Request) error {
					reserved = 0
					form, err := ReceiveBody(r, Options{Root: root, File: 100, Reserve: func(n int) error {
						if reserved += n; reserved > row.room {
							return full
						}
						return nil
					}})
					if err != nil {
						return err
					}
					defer form.Remove()
					f := form.Files[0]
					p, err := root.ReadFile(f.Path)
					if err != nil {
						return err
					}
					if !strings.HasPrefix(f.Path, ".") {
						t.Errorf("clients see %s before it is whole", f.Path)
					}
					fmt.Fprintf(w, "%d %s, %d reserved", f.Size, p, reserved)
					if err := f.Keep("kept"); err != nil {
						return err
					}
					return nil
				})
				w := ask(t, h, "X: y", row.body, how)
				if w.Status != row.status || !strings.Contains(string(w.Body), row.want) {
					t.Errorf("got %d %q", w.Status, w.Body)
				}
				left := names(t, folder)
				if kept := row.status == 200; kept != slices.Equal(left, []string{"kept"}) || !kept && len(left) > 0 {
					t.Errorf("left in the folder: %q", left)
				}
			})
		}
	}
}

// TestKeepInARootReplacesNothing has two clients send one name, on disks of two kinds.
func TestKeepInARootReplacesNothing(t *testing.T) {
	t.Run("a disk with links", keepTwice)
	t.Run("a disk without", func(t *testing.T) {
		defer func(before func(*os.Root, string, string) error) { link = before }(link)
		link = func(*os.Root, string, string) error { return syscall.EPERM }
		keepTwice(t)
	})
}

func keepTwice(t *testing.T) {
	folder := t.TempDir()
	root := rootAt(t, folder)
	h := http.Blocking(1, func(w *http.Response, r *http.Request) error {
		form, err := Receive(r, Options{Root: root})
		if err != nil {
			return err
		}
		defer form.Remove()
		for _, f := range form.Files {
			if err := f.Keep(f.Name); err != nil {
				if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
				return http.StatusConflict
			}
		}
		return nil
	})
	if w := ask(t, h, boundary, part(`name="f"; filename="a.txt"`, "first")+end, "length"); w.Status != 200 {
		t.Errorf("the first got %d", w.Status)
	}
	if w := ask(t, h, boundary, part(`name="f"; filename="a.txt"`, "second")+end, "length"); w.Status != 409 {
		t.Errorf("the second got %d", w.Status)
	}
	if p, err := os.ReadFile(filepath.Join(folder, "a.txt")); string(p) != "first" || err != nil || len(names(t, folder)) != 1 {
		t.Errorf("the folder has %q with %q", names(t, folder), p)
	}
}
