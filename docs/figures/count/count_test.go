package count

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// small is a module in which each figure can be counted by hand.
var small = map[string]string{
	"go.mod": "module example.com/small\n\ngo 1.26\n",
	"README.md": "# Small\n\n## Read it\n\n| file | lines | answers |\n|---|---|---|\n" +
		"| [top.go](top.go) | 12 | 2 | first |\n| [deep/deep.go](deep/deep.go) | 5 | 2 | second |\n\n## More\n\n| [other.go](other.go) | 1 | 2 | not in it |\n",
	"top.go": `package small

type Top struct {
	On, Off bool
	inner   inner
	next    *Top
}

func (t *Top) Say(list List[int]) bool {
	local := t.inner.deep && list.Len() > limit
	return local
}
`,
	"other.go": `package small

type inner struct {
	deep, down bool
	more       struct{ under bool }
}

type List[T any] []T

func (l List[T]) Len() int { return len(l) }

const limit = 3
`,
	"deep/deep.go": `package deep

import "example.com/small"

func Run(t *small.Top) bool { return t.On && t.Say(small.List[int]{}) }
`,
	"top_test.go":          "package small\n\nfunc ForTests() {}\n",
	"testdata/apart.go":    "package apart\n\nfunc Apart() {}\n",
	"apart/go.mod":         "module example.com/apart\n",
	"apart/apart.go":       "package apart\n\nfunc Apart() {}\n",
	"cmd/small/main.go":    "package main\n\nfunc main() {}\n\nfunc Exported() {}\n",
	"paths/paths.go":       "package paths\n\n" + branches,
	"paths/paths_plan9.go": "package paths\n\nfunc Elsewhere() {}\n",
}

const branches = `func f(p []int, c chan int) (n int) {
	if len(p) > 1 && p[0] == 1 || p[1] == 2 {
		n++
	}
	for range p {
		func() {
			for n < 1 {
				n++
			}
		}()
	}
	switch n {
	case 1, 2:
	default:
	}
	select {
	case <-c:
	default:
	}
	return n
}
`

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTypesAndNamesAreCounted(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not here")
	}
	dir := write(t, small)
	m, err := Load(dir, "./...")
	if err != nil {
		t.Fatal(err)
	}

	shape, err := m.Shape(".", "Top")
	if err != nil {
		t.Fatal(err)
	}
	want := Shape{Fields: 4, Methods: 1, Booleans: 2, Members: []Member{{Name: "inner", Type: "inner", Fields: 4, Booleans: 3}}}
	if !reflect.DeepEqual(shape, want) {
		t.Errorf("Top is %+v, want %+v", shape, want)
	}

	rows, err := ReadingList(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := m.Read(rows)
	if err != nil {
		t.Fatal(err)
	}
	reading := []Sitting{
		{Row{"top.go", 12, 2}, []string{"List", "List.Len", "inner", "inner.deep", "limit"}},
		{Row{"deep/deep.go", 5, 2}, []string{"small.List"}},
	}
	if !reflect.DeepEqual(list, reading) {
		t.Errorf("the list is %+v, want %+v", list, reading)
	}
}

func TestFunctionsAreCounted(t *testing.T) {
	functions, err := Functions(write(t, small))
	if err != nil {
		t.Fatal(err)
	}
	want := []Function{
		{"cmd/small/main.go", "main", 1, 1},
		{"cmd/small/main.go", "Exported", 1, 1},
		{"deep/deep.go", "Run", 1, 2},
		{"other.go", "List.Len", 1, 1},
		{"paths/paths.go", "f", 21, 8},
		{"paths/paths_plan9.go", "Elsewhere", 1, 1},
		{"top.go", "Top.Say", 4, 2},
	}
	if !slices.Equal(functions, want) {
		t.Errorf("functions are %v, want %v", functions, want)
	}
}

func TestExportedNamesAreFound(t *testing.T) {
	names, err := Exported(write(t, small))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"deep.Run", "paths.Elsewhere", "small.List", "small.List.Len", "small.Top", "small.Top.Off", "small.Top.On", "small.Top.Say"}
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
}
