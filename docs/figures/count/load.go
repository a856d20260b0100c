// Package count takes the figures by which this repository judges its own
// shape: sizes of types, files and functions, and the names that a reader of
// the reading list meets before their definition. It serves docs/figures, which
// prints them, and house_test.go, which keeps them. It is no part of the server.
package count

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// A Module is the checked source of some packages of one module.
type Module struct {
	dir      string // its root
	path     string // its import path
	files    *token.FileSet
	packages map[string]*unit // by import path
}

// A unit is one package of the module, checked from its source.
type unit struct {
	types *types.Package
	info  *types.Info
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Export     string // the file of its export data
	Module     *struct {
		Path, Dir string
		Main      bool
	}
}

// Load checks the packages that the patterns name, and those of the module that
// they import, as `go build` for Linux would choose their files. A figure is
// then the same on each system. It runs the go command in dir.
func Load(dir string, patterns ...string) (*Module, error) {
	command := exec.Command("go", append([]string{"list", "-export", "-deps",
		"-json=ImportPath,Dir,GoFiles,Export,Module"}, patterns...)...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=")
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, complaint.Bytes())
	}

	m := &Module{files: token.NewFileSet(), packages: map[string]*unit{}}
	exports := map[string]string{}
	outside := importer.ForCompiler(m.files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	imports := importFunc(func(path string) (*types.Package, error) {
		if p, ok := m.packages[path]; ok {
			return p.types, nil
		}
		return outside.Import(path)
	})
	// The go command lists a package after all that it imports.
	for stream := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listed
		if err := stream.Decode(&p); errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Module == nil || !p.Module.Main {
			exports[p.ImportPath] = p.Export
			continue
		}
		m.dir, m.path = p.Module.Dir, p.Module.Path
		if err := m.check(p, imports); err != nil {
			return nil, err
		}
	}
}

type importFunc func(path string) (*types.Package, error)

func (f importFunc) Import(path string) (*types.Package, error) { return f(path) }

// check parses and checks one package of the module.
func (m *Module) check(p listed, imports types.Importer) error {
	var trees []*ast.File
	for _, name := range p.GoFiles {
		tree, err := parser.ParseFile(m.files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		trees = append(trees, tree)
	}
	u := &unit{info: &types.Info{Uses: map[*ast.Ident]types.Object{}}}
	var err error
	u.types, err = (&types.Config{Importer: imports}).Check(p.ImportPath, m.files, trees, u.info)
	if err != nil {
		return err
	}
	m.packages[p.ImportPath] = u
	return nil
}

// file returns the file of a position, from the module's root.
func (m *Module) file(at token.Pos) string {
	file, err := filepath.Rel(m.dir, m.files.Position(at).Filename)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(file)
}

// ours reports whether a package is one of the module.
func (m *Module) ours(p *types.Package) bool {
	return p != nil && (p.Path() == m.path || strings.HasPrefix(p.Path(), m.path+"/"))
}

// lookup finds a package by its folder, from the module's root.
func (m *Module) lookup(folder string) (*types.Package, error) {
	u, ok := m.packages[path.Join(m.path, folder)]
	if !ok {
		return nil, fmt.Errorf("no package in %s", folder)
	}
	return u.types, nil
}
