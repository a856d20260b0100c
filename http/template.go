package http

import (
	"bytes"
	"fmt"
	"io"
)

// A Template makes a page of data. Those of html/template and text/template do.
type Template interface {
	Execute(w io.Writer, data any) error
}

// Templates are templates with names, such as those of a folder.
type Templates interface {
	ExecuteTemplate(w io.Writer, name string, data any) error
}

// pageMax is the largest page of a template: it is in memory before it is sent.
const pageMax = 8 << 20

// Render answers with the page that t makes of data, as HTML unless the handler has set
// another type. The page is sent when all of it is there: so an error in a template is a
// 500 and a line in the log, and not half a page. Above 8 MiB it is an error, too; a
// handler made by Streaming can execute a template into the Response itself.
//
// A template runs on the goroutine of the handler, so on the loop its data must be there
// already.
func (w *Response) Render(t Template, data any) error {
	w.use("Render")
	return w.page(func(to io.Writer) error { return t.Execute(to, data) })
}

// RenderNamed is Render for the template of a name.
func (w *Response) RenderNamed(t Templates, name string, data any) error {
	w.use("RenderNamed")
	return w.page(func(to io.Writer) error { return t.ExecuteTemplate(to, name, data) })
}

// page answers with what write writes.
func (w *Response) page(write func(io.Writer) error) error {
	var p pageBuffer
	if err := write(&p); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	if p.over { // a template that does not return the error of a write
		return errPageTooLarge
	}
	w.typeIs("text/html; charset=utf-8")
	return w.WriteNoCopy(p.bytes.Bytes())
}

// errPageTooLarge is the error of a page above pageMax.
var errPageTooLarge = fmt.Errorf("http: the page is larger than %d bytes", pageMax)

// A pageBuffer holds a page that is not yet whole.
type pageBuffer struct {
	bytes bytes.Buffer
	over  bool
}

// Write implements io.Writer.
func (p *pageBuffer) Write(b []byte) (int, error) {
	if p.bytes.Len()+len(b) > pageMax {
		p.over = true
		return 0, errPageTooLarge
	}
	return p.bytes.Write(b)
}
