package main

import (
	"debug/buildinfo"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files beside the program in an archive.

// commonFiles returns the files that all archives have. The program prints some of them.
func (r *release) commonFiles(program string) (list []entry, err error) {
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return nil, err
		}
		list = append(list, entry{name: name, mode: 0o644, data: text})
	}
	for _, printed := range []struct{ name, args string }{
		{"man/bobbin.1", "man"},
		{"completions/bobbin.bash", "completion bash"},
		{"completions/_bobbin", "completion zsh"},
		{"completions/bobbin.fish", "completion fish"},
	} {
		text, err := command(r.root, nil, program, strings.Fields(printed.args)...)
		if err != nil {
			return nil, err
		}
		list = append(list, entry{name: printed.name, mode: 0o644, data: []byte(text)})
	}
	deploy, err := deployFiles(r.root)
	return append(list, deploy...), err
}

// deployFiles returns the files of deploy/, except modules of their own, which are tests.
func deployFiles(root string) (list []entry, err error) {
	top := filepath.Join(root, "deploy")
	if _, err := os.Stat(top); err != nil {
		return nil, fmt.Errorf("the repository has no deploy/: %w", err)
	}
	err = filepath.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(file, ".go") || strings.HasPrefix(d.Name(), ".") || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		list = append(list, entry{name: filepath.ToSlash(name), mode: mode, data: text})
		return nil
	})
	return list, err
}

// notices returns the licences of all modules in a program, and of Go. They ask for a
// copy beside the program.
func (r *release) notices(program string) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	env, err := r.environment(host)
	if err != nil {
		return nil, err
	}
	goroot, err := command(r.root, env, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("bobbin has parts of the following projects, under these licences.\n")
	if err := addLicences(&b, "The Go Programming Language", strings.TrimSpace(goroot)); err != nil {
		return nil, err
	}
	for _, dep := range info.Deps {
		dir, err := command(r.root, env, "go", "list", "-m", "-f", "{{.Dir}}", dep.Path)
		if err != nil {
			return nil, err
		}
		if err := addLicences(&b, dep.Path+" "+dep.Version, strings.TrimSpace(dir)); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

// addLicences adds the licence files of a folder.
func addLicences(b *strings.Builder, name, dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, d := range list {
		upper := strings.ToUpper(d.Name())
		stem, _, _ := strings.Cut(upper, ".")
		if d.IsDir() || !slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, stem) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, d.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(b, "\n%s\n%s, %s\n\n%s\n", strings.Repeat("=", 79), name, d.Name(), strings.TrimSpace(string(text)))
	}
	if !found {
		return fmt.Errorf("%s has no licence file in %s: use the Go of go.dev, and a complete module cache", name, dir)
	}
	return nil
}
