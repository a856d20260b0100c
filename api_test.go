package bobbin_test

// The exported names of the three rooms on which programs are built are a promise. They
// stand in docs/api.txt, so that a change of them is seen, and meant. CONTRIBUTING.md has
// the rule.

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// frozen are the packages with a promise. Those below http are free until 1.0.0.
var frozen = []string{".", "eventloop", "http"}

const apiFile = "docs/api.txt"

// TestTheExportedNamesAreThoseOfTheFile compares them with docs/api.txt. With -update it
// writes the file.
func TestTheExportedNamesAreThoseOfTheFile(t *testing.T) {
	skipInACopy(t)
	is := strings.Join(exportedLines(t), "\n") + "\n"
	if *updateRooms {
		if err := os.WriteFile(apiFile, []byte(is), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	now, then := strings.Split(is, "\n"), strings.Split(string(file), "\n")
	for _, line := range then {
		if !slices.Contains(now, line) {
			t.Errorf("gone or changed: %s\nA name goes after it was marked as deprecated for a version: see \"Change the API\" in CONTRIBUTING.md. Then go test . -run %s -update", line, t.Name())
		}
	}
	for _, line := range now {
		if !slices.Contains(then, line) {
			t.Errorf("new: %s\nIf it is meant to stay, go test . -run %s -update", line, t.Name())
		}
	}
	if len(now) < 400 {
		t.Errorf("only %d names were found", len(now))
	}
}

// exportedLines returns one line for each exported name, with its type, in order.
func exportedLines(t *testing.T) []string {
	t.Helper()
	lines := map[string]bool{}
	for _, folder := range frozen {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range tree.Decls {
				for _, line := range apiOf(d) {
					lines[tree.Name.Name+"."+line] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(lines))
}

// apiOf returns the lines of a declaration.
func apiOf(d ast.Decl) (list []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		receiver := ""
		if d.Recv != nil {
			receiver = strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")
			receiver, _, _ = strings.Cut(receiver, "[")
			if !ast.IsExported(receiver) {
				return nil
			}
			receiver += "."
		}
		if d.Name.IsExported() {
			list = append(list, receiver+d.Name.Name+typeParameters(d.Type.TypeParams)+" "+types.ExprString(d.Type))
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						list = append(list, name.Name+" "+d.Tok.String()+typeText(spec.Type))
					}
				}
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					list = append(list, typeLines(spec)...)
				}
			}
		}
	}
	return list
}

// typeLines returns the lines of a type: itself, its exported fields or its methods.
func typeLines(spec *ast.TypeSpec) []string {
	name, equals := spec.Name.Name, ""
	if spec.Assign.IsValid() {
		equals = "= "
	}
	head := name + typeParameters(spec.TypeParams) + " type " + equals
	switch kind := spec.Type.(type) {
	case *ast.StructType:
		return append(memberLines(name, "field", kind.Fields), head+"struct")
	case *ast.InterfaceType:
		return append(memberLines(name, "method", kind.Methods), head+"interface")
	}
	return []string{head + types.ExprString(spec.Type)}
}

// memberLines returns the exported fields of a struct or the methods of an interface. An
// embedded one has its type as its name.
func memberLines(of, kind string, fields *ast.FieldList) (list []string) {
	for _, f := range fields.List {
		if len(f.Names) == 0 {
			if text := types.ExprString(f.Type); ast.IsExported(path.Ext("." + strings.TrimPrefix(text, "*"))[1:]) {
				list = append(list, of+"."+text+" embedded")
			}
		}
		for _, name := range f.Names {
			if name.IsExported() {
				list = append(list, of+"."+name.Name+" "+kind+" "+types.ExprString(f.Type))
			}
		}
	}
	return list
}

func typeText(x ast.Expr) string {
	if x == nil {
		return ""
	}
	return " " + types.ExprString(x)
}

func typeParameters(list *ast.FieldList) string {
	if list == nil {
		return ""
	}
	var parts []string
	for _, f := range list.List {
		for _, name := range f.Names {
			parts = append(parts, name.Name+" "+types.ExprString(f.Type))
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// TestEveryKindOfNameIsSeen shows apiOf a file with one of each.
func TestEveryKindOfNameIsSeen(t *testing.T) {
	const source = `package p
const A, b = 1, 2
var C int
type D struct { E, f int; *G; h }
type I interface { J(x int) error; K }
type L = D
type M[T any] func(T) T
func N[T any](x T) {}
func (d *D) O(p ...string) (int, error) { return 0, nil }
func (h h) P() {}
func (m M[T]) Q() {}
type h struct{ R int }
`
	want := []string{
		"A const", "C var int", "D.*G embedded", "D.E field int", "D type struct", "I.J method func(x int) error",
		"I.K embedded", "I type interface", "L type = D", "M[T any] type func(T) T", "N[T any] func(x T)",
		"D.O func(p ...string) (int, error)", "M.Q func()",
	}
	tree, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range tree.Decls {
		got = append(got, apiOf(d)...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
