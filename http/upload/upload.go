// Package upload receives forms with files (multipart/form-data, RFC 7578) and
// writes the files to a folder as they come, within limits. Writing to a disk may
// wait, so it is for handlers made by http.Blocking:
//
//	func receive(w *http.Response, r *http.Request) error {
//		form, err := upload.Receive(r, upload.Options{})
//		if err != nil {
//			return err
//		}
//		defer form.Remove()
//		...
//
// Whatever goes wrong, nothing is left on the disk.
package upload

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// Options are where files go, and how much of a form there may be. What is 0 means
// its default. What is above is answered by 413.
type Options struct {
	Folder string // the system's for temporary files if empty

	Files  int   // 16
	File   int64 // bytes of one file; 32 MiB
	Total  int64 // bytes of the whole form, framing included; 64 MiB
	Values int   // that are no files; 256
	Value  int64 // bytes of them all; 256 KiB
	Head   int64 // bytes of the fields of one part, 64 fields at most; 8 KiB
	Heads  int64 // bytes of those of all parts; 256 KiB
}

// fieldsMax is how many fields a part may have. Browsers send two.
const fieldsMax = 64

// A Form is what was received.
type Form struct {
	Values url.Values
	Files  []*File
}

// A File is one that was received.
type File struct {
	Field string // of the form
	Name  string // as the client has it, without folders; "" if it has none
	Type  string // as the client says
	Size  int64
	Path  string // where it is now
}

// Remove removes the files that have not been kept.
func (f *Form) Remove() error {
	var all error
	for _, file := range f.Files {
		if file.Path != "" {
			all = errors.Join(all, os.Remove(file.Path))
			file.Path = ""
		}
	}
	return all
}

// Keep moves a file to where it is to stay, so that Remove leaves it alone. That
// has to be on the same file system as Options.Folder.
func (f *File) Keep(path string) error {
	if err := os.Rename(f.Path, path); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	f.Path = ""
	return nil
}

// Why a form is refused.
var (
	errType      = http.StatusUnsupportedMediaType.Because("a form with files is wanted: multipart/form-data")
	errMalformed = http.StatusBadRequest.Because("the form is malformed, or ends too early")
	errTotal     = http.StatusContentTooLarge.Because("the form is too large")
	errFile      = http.StatusContentTooLarge.Because("a file is too large")
	errFiles     = http.StatusContentTooLarge.Because("there are too many files")
	errHead      = http.StatusContentTooLarge.Because("the head of a part is too large")
	errHeads     = http.StatusContentTooLarge.Because("the heads of the parts are too large")
	errValues    = http.StatusContentTooLarge.Because("there are too many values, or they are too large")
)

// Receive reads the form that a request carries. An error is for the handler to
// return as it is. It is the server's limits for time that end a client that drips.
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
		body.beginHead(o.Head) // mime/multipart keeps ten MiB of a head, if it may
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

// takeHead counts the fields of a part.
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
	to, err := os.CreateTemp(o.Folder, "upload-*")
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	file := &File{
		Field: name, Name: strings.Clone(baseName(part.FileName())),
		Type: strings.Clone(part.Header.Get("Content-Type")), Path: to.Name(),
	}
	f.Files = append(f.Files, file) // so that it is removed, whatever comes
	file.Size, err = io.Copy(to, io.LimitReader(part, o.File+1))
	if closed := to.Close(); err == nil && closed != nil {
		err = closed
	}
	var onDisk *os.PathError
	switch {
	case errors.As(err, &onDisk):
		return fmt.Errorf("upload: %w", err)
	case err != nil:
		return body.why()
	case file.Size > o.File:
		return errFile
	}
	return nil
}

func hasFilename(parameters map[string]string) bool {
	_, ok := parameters["filename"]
	return ok
}

// takeValue receives a part that is no file.
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

// baseName is the last part of a name, whichever system's, that can be the name of
// a file: neither a folder nor hidden.
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

// nameMax is how many bytes most file systems allow for a name.
const nameMax = 255

// bounded is a body of which only so much is read.
type bounded struct {
	from io.Reader
	left int64
	err  error // why it has ended, if not at its end

	inHead bool
	head   int64 // bytes that may be read before the head of the next part is complete
}

// beginHead bounds what is read for the head of the next part.
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

// why is the reason for which a part could not be read.
func (b *bounded) why() error {
	if b.err != nil {
		return b.err
	}
	return errMalformed
}
