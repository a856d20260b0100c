package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// The program gives up rights when it has opened what it serves: root's, for the user of
// --user, and those to files that it has no use for, by landlock on Linux and by unveil and
// pledge on OpenBSD. A mistake in the server then reaches no more than the site.

// sandboxOptions are the flags.
type sandboxOptions struct {
	mode string
	user string

	account *account // of user, set by check; nil without --user
	entered bool     // set by enter
}

func (s *sandboxOptions) define(f *pflag.FlagSet) {
	f.StringVar(&s.user, "user", "", "become this `user`, or USER:GROUP, once the sockets are open and the keys are read; for root")
	f.StringVar(&s.mode, "sandbox", "auto", "keep the program from all other files than those of its settings: `mode` auto (where the system can), on (or do not start) or off")
	inGroup(f, groupLimits, "user", "sandbox")
	takesOne(f, "sandbox", "auto", "on", "off")
}

// check finds the user, and refuses what cannot be.
func (s *sandboxOptions) check(o *options) error {
	if s.mode != "auto" && s.mode != "on" && s.mode != "off" {
		return fmt.Errorf("--sandbox %q: write --sandbox auto, on or off", s.mode)
	}
	if s.mode == "on" && o.allLinks() {
		return errors.New("--sandbox on and --symlinks all contradict each other: links may lead to every file; name --symlinks inside, or serve without the sandbox")
	}
	if s.mode == "on" && o.life.open {
		return errors.New("--sandbox on and --open contradict each other: the browser would be in the sandbox, too; leave one out")
	}
	if s.user == "" {
		return nil
	}
	found, err := findAccount(s.user)
	root := os.Geteuid() == 0
	switch {
	case err != nil && !root && confined():
		return nil // a reload or an upgrade: the program has become the user, and cannot read the list of users
	case err != nil:
		return err
	case !root && !found.is():
		return fmt.Errorf("--user %s: only root can become another user: start bobbin as root, or leave --user out", s.user)
	}
	s.account = found
	return nil
}

// own makes the log and the folder for certificates that are not there yet, for the user of
// --user, which is to write them.
func (s *sandboxOptions) own(o *options) error {
	if s.account == nil || os.Geteuid() != 0 {
		return nil
	}
	if _, file, toFile := strings.Cut(o.global.log, "="); toFile && file != "" {
		if err := s.account.makeFile(file); err != nil {
			return fmt.Errorf("--log: %w", err)
		}
	}
	if o.https.mode == "auto" {
		folder, err := o.https.acme.cache()
		if err == nil {
			err = s.account.makeFolder(folder)
		}
		if err != nil {
			return fmt.Errorf("--acme-folder: %w", err)
		}
	}
	return nil
}

// ownProcess is set by main: the process is the program's alone, and may give up its rights.
// That of a test, which calls run, may not.
var ownProcess bool

// confine becomes the user of --user and enters the sandbox. The sockets are open by now,
// and the keys read. It is not undone.
func (o *options) confine(log *slog.Logger, terminal bool) error {
	if !ownProcess {
		return nil
	}
	s := &o.sandbox
	_, _ = time.Now().Zone() // reads the time zone of the machine
	processFigures()         // opens what only root could open later
	if s.account != nil {
		if err := s.account.become(); err != nil {
			return err
		}
	} else if os.Geteuid() == 0 && !o.local() {
		log.Warn("serves the network as root: --user NAME gives root's rights up when the sockets are open")
	}
	if err := s.enter(o, log, terminal); err != nil {
		return err
	}
	if file, err := os.Open(o.path); err == nil {
		file.Close()
	} else if errors.Is(err, fs.ErrPermission) && s.account != nil {
		return fmt.Errorf("--user %s: this user cannot read what is to be served: %w: give it the right to read it, and to enter the folders above", s.account.name, err)
	}
	s.warnOfUnreadable(o, log)
	return nil
}

// warnOfUnreadable names the files that the program has opened, and cannot open any more: a
// key of root's, or a file of a folder that is too wide for the sandbox.
func (s *sandboxOptions) warnOfUnreadable(o *options, log *slog.Logger) {
	_, written, _ := strings.Cut(o.global.log, "=")
	for _, name := range o.reloadReads() {
		flags := os.O_RDONLY
		if name == written {
			flags = os.O_WRONLY | os.O_APPEND
		}
		file, err := os.OpenFile(name, flags|syscall.O_NONBLOCK, 0)
		if err == nil {
			file.Close()
		}
		if errors.Is(err, fs.ErrPermission) {
			log.Warn("a file was opened at the start that a reload cannot open: the server's user needs rights to it, and --sandbox a folder for it", "file", name)
		}
	}
}

// explain says of an error of a reload what the sandbox has to do with it.
func (s *sandboxOptions) explain(err error) error {
	if s.entered && errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: the sandbox has the files of the start and those beside them: restart bobbin, which an upgrade does not replace", err)
	}
	return err
}

// confined reports whether the process is in a sandbox: in none the root can be listed.
func confined() bool {
	root, err := os.Open("/")
	if err == nil {
		root.Close()
	}
	return errors.Is(err, fs.ErrPermission)
}

// enter enters the sandbox, if there is to be one. A person on a terminal is told with
// --verbose.
func (s *sandboxOptions) enter(o *options, log *slog.Logger, terminal bool) error {
	level := slog.LevelInfo
	if terminal {
		level = slog.LevelDebug
	}
	tell := func(text string, more ...any) { log.Log(context.Background(), level, text, more...) }
	switch {
	case s.mode == "off":
		return nil
	case s.mode == "auto" && o.allLinks():
		tell("no sandbox, because links of --symlinks all may lead to every file")
		return nil
	}
	if o.life.open {
		return nil // the browser would be in it, too
	}
	r := o.reach().tidied()
	err := enterSandbox(r)
	var without noSandbox
	switch {
	case errors.As(err, &without) && s.mode == "on":
		return fmt.Errorf("--sandbox on: %w: choose --sandbox auto to serve without", err)
	case errors.As(err, &without) && !systemHasSandbox:
		return nil // which is no news to its users
	case errors.As(err, &without):
		tell("no sandbox: " + err.Error())
		return nil
	case err != nil:
		return fmt.Errorf("--sandbox: %w", err)
	}
	s.entered = true
	tell("sandbox: no file but these can be opened", "read", r.read, "write", r.write, "sockets", r.bind, "run", r.run)
	return nil
}

// noSandbox is the reason why a system has none.
type noSandbox string

func (e noSandbox) Error() string { return string(e) }
