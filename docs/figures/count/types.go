package count

import (
	"fmt"
	"go/types"
)

// A Shape is the size of a struct type.
type Shape struct {
	Fields, Methods, Booleans int
	Members                   []Member // its fields that are structs of the module
}

// A Member is a field that is a struct of the module, held by value.
type Member struct {
	Name, Type       string
	Fields, Booleans int // fields, with those of its own members
}

// Shape returns the size of one struct type, given its package's folder.
func (m *Module) Shape(folder, name string) (Shape, error) {
	p, err := m.lookup(folder)
	if err != nil {
		return Shape{}, err
	}
	object := p.Scope().Lookup(name)
	if object == nil {
		return Shape{}, fmt.Errorf("no %s in %s", name, folder)
	}
	named, isNamed := types.Unalias(object.Type()).(*types.Named)
	body, isStruct := object.Type().Underlying().(*types.Struct)
	if !isNamed || !isStruct {
		return Shape{}, fmt.Errorf("%s of %s is no struct", name, folder)
	}
	s := Shape{Fields: body.NumFields(), Methods: named.NumMethods()}
	for field := range body.Fields() {
		if isBoolean(field.Type()) {
			s.Booleans++
		}
		if inner, ok := m.member(field); ok {
			member := Member{Name: field.Name(), Type: types.TypeString(field.Type(), types.RelativeTo(p))}
			member.Fields, member.Booleans = m.inside(inner)
			s.Members = append(s.Members, member)
		}
	}
	return s, nil
}

// member returns the struct that a field holds by value, if the module has
// defined it.
func (m *Module) member(field *types.Var) (*types.Struct, bool) {
	if named, ok := types.Unalias(field.Type()).(*types.Named); ok && !m.ours(named.Obj().Pkg()) {
		return nil, false
	}
	inner, ok := field.Type().Underlying().(*types.Struct)
	return inner, ok
}

// inside counts the fields and booleans of a struct and of its members.
func (m *Module) inside(s *types.Struct) (fields, booleans int) {
	for field := range s.Fields() {
		fields++
		if isBoolean(field.Type()) {
			booleans++
		}
		if inner, ok := m.member(field); ok {
			f, b := m.inside(inner)
			fields, booleans = fields+f, booleans+b
		}
	}
	return fields, booleans
}

func isBoolean(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Bool
}
