package count

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
)

// Exported returns the exported names that the files of the module in dir
// declare, for all systems, with package and type: http.Handler,
// eventloop.Conn.Write, http/static.Options.Index. The package at the root goes
// by its name. Programs have none.
func Exported(dir string) (map[string]bool, error) {
	names := map[string]bool{}
	err := Sources(dir, func(file string) error {
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := path.Dir(file)
		if folder == "." {
			folder = tree.Name.Name
		}
		if tree.Name.Name != "main" {
			for _, d := range tree.Decls {
				declared(d, func(name string) { names[folder+"."+name] = true })
			}
		}
		return nil
	})
	return names, err
}

// declared calls add with each exported name of a declaration.
func declared(d ast.Decl, add func(name string)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() {
			add(nameOf(d))
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				exported(spec.Names, "", add)
			case *ast.TypeSpec:
				exported([]*ast.Ident{spec.Name}, "", add)
				for _, f := range parts(spec.Type) {
					exported(f.Names, spec.Name.Name+".", add)
				}
			}
		}
	}
}

func exported(names []*ast.Ident, prefix string, add func(name string)) {
	for _, name := range names {
		if name.IsExported() {
			add(prefix + name.Name)
		}
	}
}

// parts returns the fields of a struct and the methods of an interface.
func parts(t ast.Expr) []*ast.Field {
	switch t := t.(type) {
	case *ast.StructType:
		return t.Fields.List
	case *ast.InterfaceType:
		return t.Methods.List
	}
	return nil
}
