package count

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A Function is the size of one function or method.
type Function struct {
	File  string // from the module's root
	Name  string // with its receiver's type, as in Loop.turn
	Lines int    // from func to the closing brace
	Paths int    // its cyclomatic number: 1, and 1 for each branch
}

// Functions returns all functions of the module below dir for all systems,
// tests and modules of their own, such as bench, excepted.
func Functions(dir string) ([]Function, error) {
	var found []Function
	err := Sources(dir, func(file string) error {
		files := token.NewFileSet()
		tree, err := parser.ParseFile(files, filepath.Join(dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				found = append(found, Function{
					File:  file,
					Name:  nameOf(f),
					Lines: files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1,
					Paths: paths(f.Body),
				})
			}
		}
		return nil
	})
	return found, err
}

// Sources calls each with the Go files of the module in dir that are no tests.
func Sources(dir string, each func(file string) error) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if !d.IsDir() {
			if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
				return each(relative)
			}
			return nil
		}
		if relative != "." && isApart(file) {
			return fs.SkipDir
		}
		return nil
	})
}

// isApart reports whether a folder is no part of the module: data, hidden, or a
// module of its own.
func isApart(folder string) bool {
	name := path.Base(filepath.ToSlash(folder))
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// nameOf returns a function's name, with the type of its receiver.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	receiver := f.Recv.List[0].Type
	for {
		switch x := receiver.(type) {
		case *ast.StarExpr:
			receiver = x.X
		case *ast.IndexExpr:
			receiver = x.X
		case *ast.IndexListExpr:
			receiver = x.X
		case *ast.Ident:
			return x.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// paths returns the cyclomatic number of a function, with the literals inside it.
func paths(body *ast.BlockStmt) int {
	n := 1
	ast.Inspect(body, func(node ast.Node) bool {
		switch x := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if x.List != nil {
				n++
			}
		case *ast.CommClause:
			if x.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if x.Op == token.LAND || x.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}

// The aims for functions that are no tables.
const (
	MaxLines = 60
	MaxPaths = 15
)
