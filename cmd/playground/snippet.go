//go:build !js

package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/http/inspect"
)

// A snippet is the code at a place, as the page shows it.
type snippet struct {
	File  string   `json:"file"`
	Func  string   `json:"func"`
	First int      `json:"first"` // number of the first line, for the eye only
	Lines []string `json:"lines"`
	Lit   int      `json:"lit"` // index of the line
}

// cut finds a place in the sources below root. It fails if the function or the line is not
// there any more, or if there is more than one line that may be meant.
func (p place) cut(root string) (snippet, error) {
	files := token.NewFileSet()
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(p.File)))
	if err != nil {
		return snippet{}, err
	}
	parsed, err := parser.ParseFile(files, p.File, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return snippet{}, err
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || nameOf(f) != p.Func {
			continue
		}
		from := f.Pos()
		if f.Doc != nil {
			from = f.Doc.Pos()
		}
		text := string(source[files.Position(from).Offset:files.Position(f.End()).Offset])
		s := snippet{File: p.File, Func: p.Func, First: files.Position(from).Line, Lines: strings.Split(text, "\n"), Lit: -1}
		for i, line := range s.Lines {
			if !strings.Contains(line, p.Line) {
				continue
			}
			if s.Lit >= 0 {
				return s, fmt.Errorf("%s has more than one line with %q in %s", p.File, p.Line, p.Func)
			}
			s.Lit = i
		}
		if s.Lit < 0 {
			return s, fmt.Errorf("%s has no line with %q in %s", p.File, p.Line, p.Func)
		}
		return s, nil
	}
	return snippet{}, fmt.Errorf("%s has no function %s", p.File, p.Func)
}

// nameOf returns the name of a function, behind that of its type if it is a method.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name + "." + f.Name.Name
	}
	return f.Name.Name
}

// A pageData is what the page needs of the repository beside its program: the code that it
// shows, by the names of places, and the words of the inspector.
type pageData struct {
	Places     map[string]snippet `json:"places"`
	Phases     []word             `json:"phases"`
	Activities []word             `json:"activities"`
}

// writeData writes the page's data to a file.
func writeData(root, file string) error {
	data := pageData{Places: map[string]snippet{}}
	for name, p := range places {
		s, err := p.cut(root)
		if err != nil {
			return fmt.Errorf("the page shows code that has changed; correct its row in cmd/playground/places.go: %w", err)
		}
		data.Places[name] = s
	}
	for _, p := range inspect.Phases {
		data.Phases = append(data.Phases, word{p.ID, p.ID, p.Text})
	}
	for _, a := range inspect.Activities {
		data.Activities = append(data.Activities, word{a.ID, a.ID, a.Text})
	}
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
