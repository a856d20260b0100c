package std_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The test tables of net/http are read from the Go installation when these tests run, and
// are not part of this repository. Only their literals are understood: a row with anything
// else in place of a literal has nil there.

// testsOfNetHTTP returns the folder of the Go installation that has them.
func testsOfNetHTTP(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("the go command, which says where net/http is, is not here: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src", "net", "http")
}

// A goTable is the rows of a table: values of fields by name, or by "0", "1" and so on.
type goTable []map[string]any

// readGoTable reads the table that a declaration "name = []struct{…}{…}", or a loop over
// such a literal, has in a function or in a file of net/http's tests.
func readGoTable(t *testing.T, file, function, name string) goTable {
	t.Helper()
	path := filepath.Join(testsOfNetHTTP(t), file)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("this Go has no tests of its own: %v", err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found *ast.CompositeLit
	look := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if len(n.Values) == 1 && n.Names[0].Name == name {
				found, _ = n.Values[0].(*ast.CompositeLit)
			}
		case *ast.AssignStmt:
			if id, ok := n.Lhs[0].(*ast.Ident); ok && id.Name == name && found == nil {
				found, _ = n.Rhs[0].(*ast.CompositeLit)
			}
		case *ast.RangeStmt:
			if lit, ok := n.X.(*ast.CompositeLit); ok && name == "range" && found == nil {
				found = lit
			}
		}
		return true
	}
	for _, d := range parsed.Decls {
		if f, isFunction := d.(*ast.FuncDecl); isFunction == (function != "") && (!isFunction || f.Name.Name == function) {
			ast.Inspect(d, look)
		}
	}
	if found == nil {
		t.Skipf("the tests of this Go have no table %s in %s of %s", name, function, file)
	}
	var table goTable
	for _, e := range found.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		row, _ := literal(e).(map[string]any)
		table = append(table, row)
	}
	if len(table) == 0 {
		t.Fatalf("%s of %s has no rows", name, file)
	}
	return table
}

// literal returns the value of a literal: a string, a number, a bool, or the fields of a
// composite one.
func literal(e ast.Expr) any {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, _ := strconv.Unquote(e.Value)
			return s
		}
		n, _ := strconv.Atoi(e.Value)
		return n
	case *ast.Ident:
		if e.Name == "true" || e.Name == "false" {
			return e.Name == "true"
		}
	case *ast.BinaryExpr:
		x, y := literal(e.X), literal(e.Y)
		if n, ok := x.(int); ok && e.Op == token.SHL {
			return n << y.(int)
		}
		if text, ok := x.(string); ok && e.Op == token.ADD {
			behind, _ := y.(string)
			return text + behind
		}
	case *ast.CallExpr:
		return called(e)
	case *ast.CompositeLit:
		fields := make(map[string]any)
		for i, field := range e.Elts {
			name := strconv.Itoa(i)
			if kv, ok := field.(*ast.KeyValueExpr); ok {
				field = kv.Value
				name, ok = literal(kv.Key).(string)
				if id, isName := kv.Key.(*ast.Ident); isName {
					name = id.Name
				} else if !ok {
					continue
				}
			}
			fields[name] = literal(field)
		}
		return fields
	}
	return nil
}

// called returns the result of the few functions that the tables call.
func called(e *ast.CallExpr) any {
	var args []any
	for _, a := range e.Args {
		args = append(args, literal(a))
	}
	switch f := e.Fun.(type) {
	case *ast.Ident:
		if text, ok := args[0].(string); ok && f.Name == "reqBytes" { // a head with line feeds, without its last line
			return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\r\n") + "\r\n\r\n"
		}
	case *ast.SelectorExpr:
		if text, ok := args[0].(string); ok && f.Sel.Name == "Repeat" {
			return strings.Repeat(text, args[1].(int))
		}
	}
	return nil
}
