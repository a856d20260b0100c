package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/http/compress"
	"github.com/bobbin-http/bobbin/http/static"
)

// Compression ahead of time: compressed files beside each file that they make
// smaller.

// The smallest and the largest file that is compressed. The largest is bounded
// because files are compressed in memory.
const (
	precompressMin = 1 << 10
	precompressMax = 256 << 20
)

func precompressCommand(t *terminals, args []string, _ func(string) string) int {
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return t.fail(errors.New("usage: bobbin precompress DIR"))
	}
	files, err := compressibleFiles(args[0])
	if err != nil {
		return t.fail(explainPath(args[0], err))
	}
	p := &progress{t: t, files: len(files)}
	var workers sync.WaitGroup
	queue := make(chan string)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for name := range queue {
				from, to, err := precompress(name)
				p.done(from, to, err)
			}
		})
	}
	for _, name := range files {
		queue <- name
	}
	close(queue)
	workers.Wait()
	return p.end()
}

// compressibleFiles returns the files below a folder that compression may shrink.
func compressibleFiles(folder string) (list []string, err error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		if err == nil {
			err = fmt.Errorf("%s is not a folder", folder)
		}
		return nil, err
	}
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		suffix := slices.ContainsFunc(compress.Codings, func(c compress.Coding) bool { return strings.HasSuffix(name, c.Suffix) })
		info, err := d.Info()
		if err == nil && !suffix && static.Compressible(static.TypeByExtension(name)) && info.Size() >= precompressMin && info.Size() <= precompressMax {
			list = append(list, name)
		}
		return err
	})
	return list, err
}

// precompress writes the compressed files beside a file, and returns its size and the
// smallest size. A coding that saves less than a tenth is left out, and its file from
// an earlier run removed.
func precompress(name string) (from, to int64, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, 0, err
	}
	plain, err := os.ReadFile(name)
	if err != nil {
		return 0, 0, err
	}
	from, to = int64(len(plain)), int64(len(plain))
	if static.ContentCoding(plain) != "" {
		return from, to, nil // such as .svgz
	}
	for _, c := range compress.Codings {
		compressed := c.Encode(nil, plain)
		if len(compressed) > len(plain)/10*9 {
			if err := os.Remove(name + c.Suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return from, to, err
			}
			continue
		}
		to = min(to, int64(len(compressed)))
		if err := replace(name+c.Suffix, compressed, info); err != nil {
			return from, to, err
		}
	}
	return from, to, nil
}

// replace writes a file atomically: a server that reads it meanwhile gets the old or
// the new one. It has the modification time of the file that it was made of.
func replace(name string, p []byte, like fs.FileInfo) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".bobbin-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // does nothing after the rename
	_, err = temporary.Write(p)
	if err == nil {
		err = temporary.Chmod(like.Mode().Perm())
	}
	if e := temporary.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chtimes(temporary.Name(), like.ModTime(), like.ModTime())
	}
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	return err
}

// progress counts the files and prints a bar.
type progress struct {
	t     *terminals
	files int

	mu       sync.Mutex
	finished int
	failed   int
	from, to int64
}

func (p *progress) done(from, to int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished++
	p.from += from
	p.to += to
	if err != nil {
		p.failed++
		fmt.Fprintf(p.t.err, "%sbobbin: %v\n", p.clear(), err)
	}
	if p.t.watched {
		const width = 40
		filled := p.finished * width / p.files
		fmt.Fprintf(p.t.err, "\r[%s%s] %d of %d", strings.Repeat("=", filled), strings.Repeat(" ", width-filled), p.finished, p.files)
	}
}

// clear removes the bar before a message.
func (p *progress) clear() string {
	if p.t.watched {
		return "\r\x1b[K"
	}
	return ""
}

func (p *progress) end() int {
	fmt.Fprintf(p.t.out, "%s%d files, %d bytes; %d bytes in their smallest form\n", p.clear(), p.finished, p.from, p.to)
	if p.failed > 0 {
		return exitFailed
	}
	return exitOK
}
