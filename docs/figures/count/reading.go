package count

import (
	"bytes"
	"fmt"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Row is one row of the reading list: a file, the lines that it is said to have, and the
// minutes that they take.
type Row struct {
	File           string
	Lines, Minutes int
}

// A Sitting is one file of the reading list, as it is.
type Sitting struct {
	Row
	Unread []string // names of the module that neither it nor a file before it defines
}

// ReadingList returns the rows of the table in a README's section "Read it".
// Each begins with a link to its file and says its lines and minutes.
func ReadingList(readme string) ([]Row, error) {
	text, err := os.ReadFile(readme)
	if err != nil {
		return nil, err
	}
	_, section, _ := strings.Cut(string(text), "\n## Read it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []Row
	for _, row := range regexp.MustCompile(`(?m)^\| \[.*?\]\((\S+\.go)\) \| (\d+) \| (\d+) \|`).FindAllStringSubmatch(section, -1) {
		lines, err := strconv.Atoi(row[2])
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", readme, row[1], err)
		}
		minutes, err := strconv.Atoi(row[3])
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", readme, row[1], err)
		}
		rows = append(rows, Row{row[1], lines, minutes})
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no file in a section \"Read it\"", readme)
	}
	return rows, nil
}

// Read goes through the rows in order, as a reader does who knows Go, and notes
// the names of the module that each file uses and that are not defined yet.
func (m *Module) Read(rows []Row) ([]Sitting, error) {
	var list []Sitting
	var read []string
	for _, row := range rows {
		source, err := os.ReadFile(filepath.Join(m.dir, filepath.FromSlash(row.File)))
		if err != nil {
			return nil, err
		}
		read = append(read, row.File)
		unread, err := m.unread(row.File, read)
		if err != nil {
			return nil, err
		}
		list = append(list, Sitting{Row{row.File, bytes.Count(source, []byte("\n")), row.Minutes}, unread})
	}
	return list, nil
}

// unread returns the names that a file uses and that none of the read files
// defines.
func (m *Module) unread(file string, read []string) ([]string, error) {
	u, ok := m.packages[path.Join(m.path, path.Dir(file))]
	if !ok {
		return nil, fmt.Errorf("no package in %s", path.Dir(file))
	}
	names := map[string]bool{}
	for identifier, object := range u.info.Uses {
		if _, ok := object.(*types.PkgName); ok || !m.ours(object.Pkg()) || m.file(identifier.Pos()) != file {
			continue
		}
		object = origin(object)
		if !slices.Contains(read, m.file(object.Pos())) {
			names[m.describe(object, u.types)] = true
		}
	}
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	return sorted, nil
}

// origin returns the declared object of one that belongs to an instance of a
// generic type or function.
func origin(object types.Object) types.Object {
	switch x := object.(type) {
	case *types.Var:
		return x.Origin()
	case *types.Func:
		return x.Origin()
	}
	return object
}

// describe returns an object's name as a line in package from would say it,
// with the type that it belongs to.
func (m *Module) describe(object types.Object, from *types.Package) string {
	name := object.Name()
	if owner := owner(object); owner != "" {
		name = owner + "." + name
	}
	if object.Pkg() != from {
		name = object.Pkg().Name() + "." + name
	}
	return name
}

// owner returns the name of the type that a method or a field belongs to.
func owner(object types.Object) string {
	switch x := object.(type) {
	case *types.Func:
		if receiver := x.Signature().Recv(); receiver != nil {
			t := receiver.Type()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if named, ok := types.Unalias(t).(*types.Named); ok {
				return named.Obj().Name()
			}
		}
	case *types.Var:
		scope := x.Pkg().Scope()
		if !x.IsField() {
			return ""
		}
		for _, name := range scope.Names() {
			if s, ok := scope.Lookup(name).Type().Underlying().(*types.Struct); ok && has(s, x) {
				if _, isType := scope.Lookup(name).(*types.TypeName); isType {
					return name
				}
			}
		}
	}
	return ""
}

// has reports whether a struct, or one written inside it, has a field.
func has(s *types.Struct, wanted *types.Var) bool {
	for field := range s.Fields() {
		if field == wanted {
			return true
		}
		if inner, ok := field.Type().(*types.Struct); ok && has(inner, wanted) {
			return true
		}
	}
	return false
}
