package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
)

// The flags about the beginning and the end of a process: what it writes and opens once it
// listens, and how long it takes to stop.

// lifeOptions are these flags.
type lifeOptions struct {
	drain     string
	delayText string
	portFile  string
	open      bool

	delay time.Duration // of delayText
	port  uint16        // of the first TCP listener, when it is open
}

func (l *lifeOptions) define(f *pflag.FlagSet) {
	f.StringVar(&l.drain, "drain", "", "longest `time` in which a stop finishes open requests, such as 30s; short for --limit Drain=30s")
	f.StringVar(&l.delayText, "drain-delay", "0s", "`time` before a stop begins: health checks get 503, and requests are served; for load balancers that look every few seconds")
	f.StringVar(&l.portFile, "port-file", "", "write the port to this `file` once it is open, and remove the file at the end")
	f.BoolVarP(&l.open, "open", "o", false, "open the site in a browser; for a person on a terminal who is not root")
	takesFile(f, "port-file")
	inGroup(f, groupListen, "port-file", "open")
	inGroup(f, groupLimits, "drain", "drain-delay")
	inShortHelp(f, "open")
}

// check refuses values that cannot be meant, and sets the limit of --drain.
func (l *lifeOptions) check(o *options) error {
	if err := l.setDrain(o); err != nil {
		return err
	}
	delay, err := time.ParseDuration(l.delayText)
	if err != nil || delay < 0 {
		return fmt.Errorf("--drain-delay %q is not a duration: write 5s or 1m", l.delayText)
	}
	l.delay = delay
	if l.portFile == "" {
		return nil
	}
	folder := filepath.Dir(l.portFile)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("--port-file %s: there is no folder %s: make it first", l.portFile, folder)
	}
	if info, err := os.Stat(l.portFile); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--port-file %s: there is something that is no file: choose another name", l.portFile)
	}
	return nil
}

// setDrain sets the limit, unless a setting with precedence has set it by its other name.
func (l *lifeOptions) setDrain(o *options) error {
	if l.drain == "" {
		return nil
	}
	by, other := o.origin["drain"], o.origin["limit"]
	if file, ok := o.origin["limit.Drain"]; ok {
		other = file
	}
	for _, text := range o.site.limitText {
		switch {
		case !strings.HasPrefix(text, "Drain=") || other.rank < by.rank:
		case other.rank == by.rank:
			return errors.New("--drain and --limit Drain set the same limit: remove one")
		default:
			o.warn("--drain from %s is not used, because --limit Drain from %s has precedence", by.where(), other.where())
			return nil
		}
	}
	if err := setLimit(reflect.ValueOf(&o.limits.Drain).Elem(), l.drain); err != nil {
		return fmt.Errorf("--drain %w", err)
	}
	return nil
}

// A portFile is a file with the port, for scripts that let the kernel choose one.
type portFile struct {
	mu   sync.Mutex // an upgrade writes it while the loops run
	path string
	info fs.FileInfo // nil if it is not there
}

// write writes the file as a whole: a script that sees it sees the port.
func (p *portFile) write(l *lifeOptions) error {
	if l.portFile == "" {
		return nil
	}
	if l.port == 0 {
		return fmt.Errorf("--port-file %s: only Unix sockets are listened on, and they have no port: leave it out", l.portFile)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := writeWhole(l.portFile, fmt.Sprintf("%d\n", l.port)); err != nil {
		return fmt.Errorf("--port-file: %w", err)
	}
	info, err := os.Lstat(l.portFile)
	if err != nil {
		return fmt.Errorf("--port-file: %w", err)
	}
	p.path, p.info = l.portFile, info
	return nil
}

// writeWhole writes a file beside the one that is meant, and renames it.
func writeWhole(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		os.Remove(file.Name())
	}
	return err
}

// remove removes the file, unless another process has written it anew.
func (p *portFile) remove() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.info == nil {
		return nil
	}
	info, err := os.Lstat(p.path)
	if err == nil && os.SameFile(info, p.info) {
		err = os.Remove(p.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--port-file: %w", err)
	}
	return nil
}

// checkOpen refuses to open a browser for nobody, and as root: it would read pages with all
// rights of the system.
func checkOpen(terminal bool, uid int, at string) error {
	switch {
	case strings.HasPrefix(at, "unix:"):
		return errors.New("--open: a browser opens no Unix socket: name a port first, or leave it out")
	case uid == 0:
		return errors.New("--open opens no browser as root: start bobbin as another user, or open the page yourself")
	case !terminal:
		return errors.New("--open opens a browser for a person on a terminal, and standard error is none: leave it out")
	}
	return nil
}

// opener is the system's program that opens a URL as a person has chosen.
func opener() string {
	if runtime.GOOS == "darwin" {
		return "open"
	}
	return "xdg-open"
}

// openBrowser opens a URL, and waits for nothing. What the helper has to say is its own.
func openBrowser(url string, log *slog.Logger) {
	go func() {
		if err := exec.Command(opener(), url).Run(); err != nil {
			log.Warn("--open: no browser was opened: open the page yourself", "url", url, "error", err)
		}
	}()
}
