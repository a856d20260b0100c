package server

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bobbin-http/bobbin/bench/child"
)

// A Workshop builds and finds servers.
type Workshop struct {
	Root    string // of the repository
	Scratch string // for all made files; removed at the end

	programs map[string]string // the found or built programs, by name
	missing  map[string]error
}

// Bench returns the folder of this module.
func (w *Workshop) Bench() string { return filepath.Join(w.Root, "bench") }

// NewWorkshop makes one for the repository of the current folder.
func NewWorkshop(scratch string) (*Workshop, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "bench", "floor", "floor.c")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return nil, errors.New("not in bobbin's repository: run bench there, because it builds bobbin from source")
		}
	}
	return &Workshop{
		Root:     dir,
		Scratch:  scratch,
		programs: make(map[string]string),
		missing:  make(map[string]error),
	}, nil
}

// The programs that are built, by name. Others must be installed.
var (
	goPrograms = map[string]struct{ module, pkg string }{
		"bobbin":   {".", "./cmd/bobbin"},
		"handlers": {"bench", "./handlers"},
		"nethttp":  {"bench", "./rivals/nethttp"},
		"fasthttp": {"bench", "./rivals/fasthttp"},
		"hertz":    {"bench", "./rivals/hertz"},
		"coder":    {"bench", "./rivals/coder"},
		"gobwas":   {"bench", "./rivals/gobwas"},
	}
	compilers = []string{"gcc", "cc", "clang"}
)

// Find builds or finds the program of a kind.
func (w *Workshop) Find(ctx context.Context, k *Kind) error {
	if k.Program == "" || w.programs[k.Program] != "" {
		return nil
	}
	if err := w.missing[k.Program]; err != nil {
		return err
	}
	path, err := w.find(ctx, k.Program)
	if err != nil {
		w.missing[k.Program] = err
		return err
	}
	w.programs[k.Program] = path
	return nil
}

// Program builds or finds a program, and returns its path.
func (w *Workshop) Program(ctx context.Context, name string) (string, error) {
	err := w.Find(ctx, &Kind{Program: name})
	return w.programs[name], err
}

func (w *Workshop) find(ctx context.Context, name string) (string, error) {
	target := filepath.Join(w.Scratch, name)
	if p, ok := goPrograms[name]; ok {
		// As shipped: no flags, no tags.
		_, err := child.Output(ctx, child.Command{
			Args: []string{"go", "build", "-o", target, p.pkg},
			Dir:  filepath.Join(w.Root, p.module),
			Core: child.AnyCore,
		})
		return target, err
	}
	if name == "floor" {
		return target, w.compile(ctx, target)
	}
	p, fetchable := parcels[name]
	path, err := exec.LookPath(name)
	switch {
	case err == nil && !(fetchable && p.scripts()):
		return filepath.Abs(path)
	case !fetchable:
		return "", fmt.Errorf("%s is not installed", name)
	case fetched(name) == "":
		return "", fmt.Errorf("%s is not installed, and go run . --fetch has not fetched it", name)
	}
	return fetched(name), nil
}

func (w *Workshop) compile(ctx context.Context, target string) error {
	for _, compiler := range compilers {
		if _, err := exec.LookPath(compiler); err != nil {
			continue
		}
		_, err := child.Output(ctx, child.Command{
			Args: []string{compiler, "-O2", "-o", target, filepath.Join(w.Bench(), "floor", "floor.c")},
			Core: child.AnyCore,
		})
		return err
	}
	return fmt.Errorf("no C compiler is installed: none of %s", strings.Join(compilers, ", "))
}

// LoopTest builds the tests of package eventloop, for their benchmarks, and returns
// the program.
func (w *Workshop) LoopTest(ctx context.Context) (string, error) { return w.test(ctx, "./eventloop") }

// ProgramTest does so for those of bobbin's command. Go builds it with its profile.
func (w *Workshop) ProgramTest(ctx context.Context) (string, error) {
	return w.test(ctx, "./cmd/bobbin")
}

func (w *Workshop) test(ctx context.Context, pkg string) (string, error) {
	name := filepath.Base(pkg) + ".test"
	if w.programs[name] == "" {
		target := filepath.Join(w.Scratch, name)
		_, err := child.Output(ctx, child.Command{
			Args: []string{"go", "test", "-c", "-o", target, pkg}, Dir: w.Root, Core: child.AnyCore,
		})
		if err != nil {
			return "", err
		}
		w.programs[name] = target
	}
	return w.programs[name], nil
}

// Output runs the program of a kind with other arguments.
func (w *Workshop) Output(ctx context.Context, k *Kind, args ...string) (string, error) {
	return child.Output(ctx, child.Command{Args: append([]string{w.programs[k.Program]}, args...), Core: child.AnyCore})
}

// Version returns the version of a server.
func (w *Workshop) Version(ctx context.Context, k *Kind) string {
	if k.Version != nil {
		args := append([]string(nil), k.Version...)
		if path := w.programs[args[0]]; path != "" {
			args[0] = path
		}
		// Some print it to standard error.
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if err == nil && first != "" {
			return first
		}
		return "unknown"
	}
	info, err := buildinfo.ReadFile(w.programs[k.Program])
	if err != nil {
		return "unknown"
	}
	for _, d := range info.Deps {
		if strings.HasSuffix(d.Path, "/"+k.Name) {
			return d.Path + " " + d.Version + ", " + info.GoVersion
		}
	}
	return info.GoVersion
}
