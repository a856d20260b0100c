// Package upload receives forms with files (multipart/form-data, RFC 7578) and
// streams the files to a folder, within limits. Writing to a disk may wait, so it is
// for handlers in http.Blocking:
//
//	func receive(w *http.Response, r *http.Request) error {
//		form, err := upload.Receive(r, upload.Options{})
//		if err != nil {
//			return err
//		}
//		defer form.Remove()
//		...
//
// ReceiveBody does the same with a request whose body is one file, such as PUT.
//
// After an error no file is left on the disk.
package upload

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// Options are the folder and the limits of a form. 0 means the default. Larger forms
// get 413.
type Options struct {
	Folder string // the system's folder for temporary files if empty

	// Root has the files, in place of Folder, unless it is nil: a folder that clients see.
	// Until they are kept, their names begin with ".upload-".
	Root *os.Root

	// Reserve, unless it is nil, is called before bytes of a file are written. Its error ends
	// the form, and is that of Receive. It is not called for files that are removed.
	Reserve func(bytes int) error

	Files  int   // 16
	File   int64 // bytes of one file; 32 MiB
	Total  int64 // bytes of the whole form, with its framing; 64 MiB
	Values int   // fields that are not files; 256
	Value  int64 // bytes of all these; 256 KiB
	Head   int64 // bytes of the headers of one part, 64 headers at most; 8 KiB
	Heads  int64 // bytes of the headers of all parts; 256 KiB
}

// fieldsMax is the number of headers of a part. Browsers send two.
const fieldsMax = 64

// A Form is a received form.
type Form struct {
	Values url.Values
	Files  []*File
}

// A File is a received file.
type File struct {
	Field string // the name of the form field
	Name  string // the client's file name, without folders; "" if there is none
	Type  string // the client's media type
	Size  int64
	Path  string // the current place of the file, below Options.Root if there is one

	root *os.Root
}

// Remove removes the files that were not kept.
func (f *Form) Remove() error {
	var all error
	for _, file := range f.Files {
		if file.Path != "" {
			if file.root != nil {
				all = errors.Join(all, file.root.Remove(file.Path))
			} else {
				all = errors.Join(all, os.Remove(file.Path))
			}
			file.Path = ""
		}
	}
	return all
}

// Keep moves a file to its final place, and Remove then leaves it alone. The place
// must be on the same file system as Options.Folder, whose file of that name it replaces.
// With Options.Root the place is below that, and Keep replaces nothing: its error is
// fs.ErrExist then.
func (f *File) Keep(path string) error {
	err := f.move(path)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	f.Path = ""
	return nil
}

func (f *File) move(path string) error {
	if f.root == nil {
		return os.Rename(f.Path, path)
	}
	// A link is not made where there is a file, and Rename would replace that.
	switch err := link(f.root, f.Path, path); {
	case err == nil:
		return f.root.Remove(f.Path)
	case errors.Is(err, fs.ErrExist):
		return err
	}
	// A disk without links, such as FAT: an empty file takes the name, and is replaced.
	empty, err := f.root.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	empty.Close()
	if err := f.root.Rename(f.Path, path); err != nil {
		return errors.Join(err, f.root.Remove(path))
	}
	return nil
}

// link is replaced by tests.
var link = (*os.Root).Link

// The errors of Receive.
var (
	errType      = http.StatusUnsupportedMediaType.Because("expected a form with files (multipart/form-data)")
	errMalformed = http.StatusBadRequest.Because("the form is malformed or incomplete")
	errTotal     = http.StatusContentTooLarge.Because("the form is too large")
	errFile      = http.StatusContentTooLarge.Because("a file is too large")
	errFiles     = http.StatusContentTooLarge.Because("too many files")
	errHead      = http.StatusContentTooLarge.Because("the headers of a part are too large")
	errHeads     = http.StatusContentTooLarge.Because("the headers of all parts are too large")
	errValues    = http.StatusContentTooLarge.Because("too many form values, or values too large")
)

// Receive reads the form in a request. The handler should return its error unchanged.
// The server's body timeouts end slow clients.
func Receive(r *http.Request, o Options) (form *Form, err error) {
	o = o.withDefaults()
	typ, parameters, err := mime.ParseMediaType(r.Header("Content-Type"))
	switch {
	case err != nil || typ != "multipart/form-data" || parameters["boundary"] == "":
		return nil, errType
	case r.Length() > o.Total:
		return nil, errTotal
	}
	form = &Form{Values: make(url.Values)}
	defer func() {
		if err != nil {
			err = errors.Join(err, form.Remove())
			form = nil
		}
	}()
	body := &bounded{from: r, left: o.Total}
	parts := multipart.NewReader(body, parameters["boundary"])
	for {
		body.beginHead(o.Head) // mime/multipart would accept headers of ten MiB
		part, err := parts.NextRawPart()
		body.inHead = false
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			return form, body.why()
		}
		if err := o.takeHead(part.Header); err != nil {
			return form, err
		}
		if err := form.take(part, &o, body); err != nil {
			return form, err
		}
	}
}

func (o Options) withDefaults() Options {
	number := func(n *int64, otherwise int64) {
		if *n == 0 {
			*n = otherwise
		}
	}
	number(&o.File, 32<<20)
	number(&o.Total, 64<<20)
	number(&o.Value, 256<<10)
	number(&o.Head, 8<<10)
	number(&o.Heads, 256<<10)
	if o.Files == 0 {
		o.Files = 16
	}
	if o.Values == 0 {
		o.Values = 256
	}
	return o
}

// takeHead counts the headers of a part.
func (o *Options) takeHead(fields textproto.MIMEHeader) error {
	size, n := int64(0), 0
	for name, values := range fields {
		for _, v := range values {
			size += int64(len(name) + len(v) + len(": \r\n"))
			n++
		}
	}
	if size > o.Head || n > fieldsMax {
		return errHead
	}
	if o.Heads -= size; o.Heads < 0 {
		return errHeads
	}
	return nil
}

// take receives one part.
func (f *Form) take(part *multipart.Part, o *Options, body *bounded) error {
	name := part.FormName()
	if name == "" {
		return errMalformed
	}
	if _, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition")); err != nil || parameters["filename"] == "" && !hasFilename(parameters) {
		return f.takeValue(name, part, o, body)
	}
	if len(f.Files) >= o.Files {
		return errFiles
	}
	return f.store(&File{
		Field: name, Name: strings.Clone(baseName(part.FileName())),
		Type: strings.Clone(part.Header.Get("Content-Type")),
	}, part, o, body)
}

// store writes a file to the disk.
func (f *Form) store(file *File, from io.Reader, o *Options, body *bounded) error {
	to, err := o.create()
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	file.root, file.Path = o.Root, to.Name()
	if o.Root != nil {
		file.Path = filepath.Base(file.Path)
	}
	f.Files = append(f.Files, file) // before any error, so that Remove removes the file
	reserved := &reserving{to: to, reserve: o.Reserve}
	file.Size, err = io.Copy(reserved, io.LimitReader(from, o.File+1))
	if closed := to.Close(); err == nil && closed != nil {
		err = closed
	}
	var onDisk *os.PathError
	switch {
	case reserved.err != nil:
		return reserved.err
	case errors.As(err, &onDisk):
		return fmt.Errorf("upload: %w", err)
	case err != nil:
		return body.why()
	case file.Size > o.File:
		return errFile
	}
	return nil
}

// create makes a file with a name that no other has.
func (o *Options) create() (*os.File, error) {
	if o.Root == nil {
		return os.CreateTemp(o.Folder, "upload-*")
	}
	return o.Root.OpenFile(".upload-"+rand.Text(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
}

// reserving asks before it writes.
type reserving struct {
	to      io.Writer
	reserve func(bytes int) error
	err     error
}

func (w *reserving) Write(p []byte) (int, error) {
	if w.reserve != nil {
		if w.err = w.reserve(len(p)); w.err != nil {
			return 0, w.err
		}
	}
	return w.to.Write(p)
}

// ReceiveBody reads the body of a request as one file, whatever its type. The form has that
// file alone, without a name; Options.File and Total are its limits.
func ReceiveBody(r *http.Request, o Options) (form *Form, err error) {
	o = o.withDefaults()
	o.File = min(o.File, o.Total)
	if r.Length() > o.File {
		return nil, errFile
	}
	form = &Form{Values: make(url.Values)}
	file := &File{Type: strings.Clone(r.Header("Content-Type"))}
	body := &bounded{from: r, left: o.File + 1} // more than it may be, so that its end is seen
	if err := form.store(file, body, &o, body); err != nil {
		return nil, errors.Join(err, form.Remove())
	}
	return form, nil
}

func hasFilename(parameters map[string]string) bool {
	_, ok := parameters["filename"]
	return ok
}

// takeValue receives a form value that is not a file.
func (f *Form) takeValue(name string, part *multipart.Part, o *Options, body *bounded) error {
	if o.Values--; o.Values < 0 {
		return errValues
	}
	p, err := io.ReadAll(io.LimitReader(part, o.Value+1))
	if err != nil {
		return body.why()
	}
	o.Value -= int64(len(p) + len(name))
	if o.Value < 0 {
		return errValues
	}
	f.Values.Add(name, string(p))
	return nil
}

// baseName returns the last segment of a path of any system, changed so that it is
// neither a folder nor a hidden file.
func baseName(name string) string {
	name = filepath.Base(name[strings.LastIndexAny(name, `/\`)+1:])
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(name, ".")
	if len(name) > nameMax {
		name = name[:nameMax]
	}
	return name
}

// nameMax is the length of a file name in most file systems.
const nameMax = 255

// bounded is a body with a limit.
type bounded struct {
	from io.Reader
	left int64
	err  error // the reason for an early end

	inHead bool
	head   int64 // bytes left for the headers of the next part
}

// beginHead sets the limit for the headers of the next part.
func (b *bounded) beginHead(most int64) { b.inHead, b.head = true, most }

func (b *bounded) Read(p []byte) (int, error) {
	most := b.left
	switch {
	case b.left <= 0:
		b.err = errTotal
		return 0, b.err
	case b.inHead && b.head <= 0:
		b.err = errHead
		return 0, b.err
	case b.inHead:
		most = min(b.left, b.head)
	}
	n, err := b.from.Read(p[:min(int64(len(p)), most)])
	b.left -= int64(n)
	b.head -= int64(n)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// why returns the reason why a part could not be read.
func (b *bounded) why() error {
	if b.err != nil {
		return b.err
	}
	return errMalformed
}
