//go:build !js

package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed page
var pageFiles embed.FS

const module = "github.com/bobbin-http/bobbin"

// buildPage writes the page to a folder: its files, the program that its worker runs, the
// script by the same Go that starts it, and the code that it shows.
func buildPage(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	root, err := command("", nil, "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return fmt.Errorf("run it in a clone of the repository: %w", err)
	}
	goroot, err := command(root, nil, "env", "GOROOT")
	if err != nil {
		return err
	}
	if err := writePage(folder); err != nil {
		return err
	}
	if err := writeData(root, filepath.Join(folder, "page.json")); err != nil {
		return err
	}
	script, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("this Go does not bring the script that starts WebAssembly: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "wasm_exec.js"), script, 0o644); err != nil {
		return err
	}
	_, err = command(root, []string{"GOOS=js", "GOARCH=wasm"},
		"build", "-trimpath", "-gcflags=all=-l", "-ldflags=-s -w", "-o", filepath.Join(folder, "play.wasm"), "./cmd/playground")
	return err
}

// writePage writes the embedded files.
func writePage(folder string) error {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name), text, 0o644)
	})
}

// command runs the go command, and returns the line that it prints.
func command(folder string, env []string, args ...string) (string, error) {
	c := exec.Command("go", args...)
	c.Dir, c.Env = folder, append(os.Environ(), env...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("the go command builds the page, and it is not in PATH")
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, errs.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
