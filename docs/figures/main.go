// Figures prints the figures by which this repository judges its own shape: the
// sizes of Loop and Conn, the files at http's top, the largest functions, and
// how many unknown names a reader of the README's list meets in each file.
//
//	go run ./docs/figures
package main

import (
	"cmp"
	"flag"
	"fmt"
	"log"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/docs/figures/count"
)

func main() {
	log.SetFlags(0)
	names := flag.Bool("names", false, "list the unread names of each file of the reading list")
	worst := flag.Int("worst", 10, "number of functions in each list of the largest")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatal("usage: figures [-names] [-worst N], in the root of the repository")
	}
	if err := show(*names, *worst); err != nil {
		log.Fatal("figures: ", err)
	}
}

// show prints all figures of the module in the current folder.
func show(names bool, worst int) error {
	module, err := count.Load(".", "./...")
	if err != nil {
		return err
	}
	for _, name := range []string{"Loop", "Conn"} {
		if err := showShape(module, name); err != nil {
			return err
		}
	}
	if err := showTop("http"); err != nil {
		return err
	}
	if err := showFunctions(worst); err != nil {
		return err
	}
	return showReading(module, names)
}

func showShape(module *count.Module, name string) error {
	s, err := module.Shape("eventloop", name)
	if err != nil {
		return err
	}
	fmt.Printf("eventloop.%s: %d fields, %d of them booleans; %d methods\n", name, s.Fields, s.Booleans, s.Methods)
	fields, booleans := s.Fields, s.Booleans
	for _, m := range s.Members {
		fmt.Printf("    %s (%s) holds %d fields, %d booleans\n", m.Name, m.Type, m.Fields, m.Booleans)
		fields, booleans = fields+m.Fields, booleans+m.Booleans
	}
	if len(s.Members) > 0 {
		fmt.Printf("    with those of its members: %d fields, %d booleans\n", fields, booleans)
	}
	return nil
}

// showTop counts the files of a folder, without tests and without folders in it.
func showTop(folder string) error {
	files := 0
	err := count.Sources(folder, func(file string) error {
		if !strings.Contains(file, "/") {
			files++
		}
		return nil
	})
	fmt.Printf("%s: %d files at its top\n", folder, files)
	return err
}

func showFunctions(worst int) error {
	functions, err := count.Functions(".")
	if err != nil {
		return err
	}
	lists := []struct {
		title string
		of    func(count.Function) int
		above int
	}{
		{"lines", func(f count.Function) int { return f.Lines }, count.MaxLines},
		{"paths (cyclomatic)", func(f count.Function) int { return f.Paths }, count.MaxPaths},
	}
	for _, list := range lists {
		slices.SortStableFunc(functions, func(a, b count.Function) int { return cmp.Compare(list.of(b), list.of(a)) })
		over := 0
		for _, f := range functions {
			if list.of(f) > list.above {
				over++
			}
		}
		fmt.Printf("functions by %s: %d above %d\n", list.title, over, list.above)
		for _, f := range functions[:min(worst, len(functions))] {
			fmt.Printf("    %4d  %s: %s\n", list.of(f), f.File, f.Name)
		}
	}
	return nil
}

func showReading(module *count.Module, names bool) error {
	rows, err := count.ReadingList("README.md")
	if err != nil {
		return err
	}
	list, err := module.Read(rows)
	if err != nil {
		return err
	}
	fmt.Println("the reading list: lines, unread names")
	lines := 0
	for _, s := range list {
		lines += s.Lines
		fmt.Printf("    %4d  %3d  %s\n", s.Lines, len(s.Unread), s.File)
		if names {
			fmt.Printf("               %s\n", strings.Join(s.Unread, ", "))
		}
	}
	fmt.Printf("    %4d       in all\n", lines)
	return nil
}
