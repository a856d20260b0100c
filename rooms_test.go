package bobbin_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The chapters of docs/rooms show code of the rooms, by the name of a function or a type
// and never by lines, and commands with their output.

var updateRooms = flag.Bool("update", false, "have docs/rooms show the code as it is now")

// chapters returns the chapters by their files' names, without the table of them.
func chapters(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("docs/rooms/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	delete(texts, "docs/rooms/README.md")
	if len(texts) < 8 {
		t.Errorf("only %d chapters were found", len(texts))
	}
	return texts
}

var shownByName = regexp.MustCompile("(?ms)^```go (\\S+\\.go)#([\\w.]+)\n(.*?)^```$")

// TestRoomsShowTheCodeThatRuns compares each declaration that a chapter shows with that of
// the file. With -update it changes the chapters.
func TestRoomsShowTheCodeThatRuns(t *testing.T) {
	skipInACopy(t)
	for file, text := range chapters(t) {
		shown := shownByName.FindAllStringSubmatch(text, -1)
		if len(shown) < 2 {
			t.Errorf("%s shows only %d pieces of code", file, len(shown))
		}
		for _, s := range shown {
			want, ok := declared(t, s[1], s[2])
			switch {
			case !ok:
				t.Errorf("%s shows %s of %s, which is not there", file, s[2], s[1])
			case s[3] == want:
			case *updateRooms:
				text = strings.Replace(text, s[0], "```go "+s[1]+"#"+s[2]+"\n"+want+"```", 1)
			default:
				t.Errorf("%s shows of %s\n%sand there is\n%sgo test -run %s -update shows that.", file, s[1], s[3], want, t.Name())
			}
		}
		if *updateRooms {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// declared returns a declaration of a file, with its comment: that of the function, method
// (Type.Name) or type of a name, or of the group in which a constant or variable is.
func declared(t *testing.T, file, name string) (string, bool) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return "", false
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Error(err)
		return "", false
	}
	for _, d := range parsed.Decls {
		names, doc := namesOf(d)
		if !slices.Contains(names, name) {
			continue
		}
		from := d.Pos()
		if doc != nil {
			from = doc.Pos()
		}
		end := set.Position(d.End()).Offset
		line, _, _ := strings.Cut(string(source[end:]), "\n") // a comment behind it
		return string(source[set.Position(from).Offset:end]) + line + "\n", true
	}
	return "", false
}

// namesOf returns the names that a declaration declares, and its comment.
func namesOf(d ast.Decl) ([]string, *ast.CommentGroup) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}, d.Doc
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if of, ok := of.(*ast.Ident); ok {
			return []string{of.Name + "." + d.Name.Name}, d.Doc
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					names = append(names, name.Name)
				}
			}
		}
		return names, d.Doc
	}
	return nil, nil
}

var oneCommand = regexp.MustCompile(`\*\*One command:\*\*\n\n    (.*)\n`)

// TestEachRoomHasItsChapter wants the parts that let a chapter stand alone, in one sitting.
func TestEachRoomHasItsChapter(t *testing.T) {
	list, err := os.ReadFile("docs/rooms/README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for file, text := range chapters(t) {
		rest := text
		for _, part := range []string{
			"# ", "\n*You may think: ", "\n**You need** ", "**One command:**\n\n    ", "\n**You should see** ", "\n```console\n$ go ",
			"\n## A question\n", "\n<details><summary>An answer</summary>\n", "\n</details>\n", "\n**Where to go on:** ",
		} {
			_, behind, ok := strings.Cut("\n"+rest, part)
			if !ok {
				t.Errorf("%s does not have %q, or not in its place", file, part)
				continue
			}
			rest = behind
		}
		if n := strings.Count(shownByName.ReplaceAllString(text, ""), "\n"); n < 60 || n > 150 {
			t.Errorf("%s has %d lines beside the code, and one sitting is 60 to 150", file, n)
		}
		if begin := oneCommand.FindStringSubmatch(text); begin == nil || !strings.Contains(text, "```console\n$ "+begin[1]+"\n") {
			t.Errorf("%s does not have the output of its one command", file)
		}
		row := regexp.MustCompile(`(?m)^\| \[[^]]+\]\(` + filepath.Base(file) + `\) \| [^|]+\? \| (\d+) \|$`).FindSubmatch(list)
		if row == nil {
			t.Errorf("docs/rooms/README.md has no row of %s with its question and its minutes", file)
			continue
		}
		minutes, _ := strconv.Atoi(string(row[1]))
		if fit := strings.Count(text, "\n") / linesAMinute; minutes < fit-5 || minutes > fit+5 {
			t.Errorf("docs/rooms/README.md gives %s %d minutes, and at %d lines a minute it has %d", file, minutes, linesAMinute, fit)
		}
		all += minutes
	}
	begin, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if row := "| " + strconv.Itoa(all) + " | [docs/rooms](docs/rooms/README.md)"; !strings.Contains(string(begin), "\n"+row) {
		t.Errorf("README.md does not have %q, the minutes of all chapters", row)
	}
}

var shownOutput = regexp.MustCompile("(?ms)^```console\n\\$ (go [^\n]*)\n(.*?)^```$")

// warning is a line that a loop logs on a machine that is busy.
var warning = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d [0-9:]+ WARN .*\n`)

// TestRoomsShowTheOutputThatThereIs runs each command that a chapter shows, and compares
// its output. A line "…" stands for any lines; numbers and times are not compared.
func TestRoomsShowTheOutputThatThereIs(t *testing.T) {
	skipInACopy(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command, which the chapters call, is not here")
	}
	for file, text := range chapters(t) {
		for _, shown := range shownOutput.FindAllStringSubmatch(text, -1) {
			t.Run(filepath.Base(file), func(t *testing.T) {
				out, err := exec.CommandContext(t.Context(), "go", arguments(shown[1])[1:]...).CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", shown[1], err, out)
				}
				out = warning.ReplaceAll(out, nil)
				if part, ok := hasParts(string(out), shown[2]); !ok {
					t.Errorf("%s does not print, or not in this order,\n%s\nbut\n%s", shown[1], part, out)
				}
			})
		}
	}
}

// arguments splits a command at its blanks, but not within single quotes.
func arguments(command string) []string {
	found := regexp.MustCompile(`'[^']*'|[^' ]+`).FindAllString(command, -1)
	for i, a := range found {
		found[i] = strings.Trim(a, "'")
	}
	return found
}

// hasParts reports whether an output has the parts of one that is shown, which are between
// its lines "…", in their order and nothing else where no such line is. If not, it returns
// the part that is missing.
func hasParts(out, shown string) (missing string, ok bool) {
	rest := "\n" + unnumbered(out)
	parts := strings.Split("\n"+unnumbered(shown), "\n…\n")
	for i, part := range parts {
		part = "\n" + strings.Trim(part, "\n") + "\n"
		if part == "\n\n" {
			continue
		}
		at := strings.Index(rest, part)
		if at < 0 || i == 0 && at > 0 || i == len(parts)-1 && !strings.HasSuffix(rest, part) {
			return part, false
		}
		rest = rest[at+len(part)-1:]
	}
	return "", true
}

var (
	numbers   = regexp.MustCompile(`[+-]?\d[\d.,]*(ns|µs|ms|s\b)?`)
	blanks    = regexp.MustCompile(`[ \t]+`)
	fromCache = regexp.MustCompile(`(?m)^(ok .*) (\(cached\)|N)$`)
)

// unnumbered replaces numbers and times, which differ each time.
func unnumbered(text string) string {
	text = blanks.ReplaceAllString(numbers.ReplaceAllString(text, "N"), " ")
	return fromCache.ReplaceAllString(text, "$1")
}

func TestAnOutputHasTheParts(t *testing.T) {
	const out = "one 1\ntwo 0.02s\nthree 3µs\nok \tpackage\t0.1s\n"
	for _, row := range []struct {
		name, shown string
		want        bool
	}{
		{"all of it", out, true},
		{"other numbers", "one 7\ntwo 1.5s\nthree 8ms\nok package (cached)\n", true},
		{"lines left out at each place", "…\ntwo 0s\n…\n", true},
		{"lines left out in the middle", "one 1\n…\nok package 1s\n", true},
		{"another word", "one 1\nzwei 0.02s\n…\n", false},
		{"another order", "…\ntwo 0s\n…\none 1\n…\n", false},
		{"a beginning that is missing", "two 0s\n…\n", false},
		{"an end that is missing", "…\ntwo 0s\n", false},
		{"a line that is missing in the middle", "one 1\nthree 3s\n…\n", false},
		{"half a line", "…\nwo 0s\n…\n", false},
	} {
		if _, ok := hasParts(out, row.shown); ok != row.want {
			t.Errorf("%s: %v", row.name, ok)
		}
	}
}
