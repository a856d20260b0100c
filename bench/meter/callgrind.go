package meter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// valgrind counts instructions where the processor's counters are not available: it
// emulates a program, and its tool callgrind counts each instruction in user space,
// exactly and equally on every machine. It does not see the kernel, and a program
// runs twenty times slower.

// A Callgrind is one run of a program under valgrind.
type Callgrind struct {
	folder string // of callgrind's files, and of its control pipes
	core   int    // for the control commands
}

// CanSimulate returns why valgrind cannot be used, or nil.
func CanSimulate() error {
	for _, name := range []string{"valgrind", "vgdb"} { // installed together
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s is not installed", name)
		}
	}
	return nil
}

// NewCallgrind makes one for a program, which has to be started by Args.
func (m *Meter) NewCallgrind() (*Callgrind, error) {
	if err := CanSimulate(); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(m.scratch, "callgrind-")
	return &Callgrind{folder: folder, core: m.clientCore}, err
}

// Args returns the prefix of the program's command line. Forks are counted, too:
// nginx works in a child. Executed programs are not, since they would be counted from
// their first instruction on; CountUser notices if they do some of the work.
func (c *Callgrind) Args() []string {
	return []string{
		"valgrind", "--tool=callgrind", "--trace-children=yes", "--trace-children-skip=*",
		"--vgdb-prefix=" + c.prefix(), "--callgrind-out-file=" + filepath.Join(c.folder, "out.%p"),
	}
}

// Env returns the environment for Go programs: valgrind lacks the instruction RDTSCP,
// and callgrind fails when a signal interrupts a goroutine. Other programs ignore it.
func (c *Callgrind) Env() []string { return []string{"GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off"} }

func (c *Callgrind) prefix() string { return filepath.Join(c.folder, "vgdb") }

// End removes callgrind's files, after the program has ended.
func (c *Callgrind) End() { os.RemoveAll(c.folder) }

// CountUser counts the instructions of a process and its forks in user space while
// load runs.
func (c *Callgrind) CountUser(ctx context.Context, pid int, load func() error) (float64, error) {
	family := Family(pid)
	var strangers []int // executed programs, which valgrind does not control
	for _, p := range family {
		if err := c.tell(ctx, p, "zero"); err != nil {
			strangers = append(strangers, p)
		}
	}
	if len(strangers) == len(family) {
		return 0, errors.New("it has executed another program, which valgrind does not control")
	}
	before, _, _, err := used(strangers)
	if err != nil {
		return 0, err
	}
	if err := load(); err != nil {
		return 0, err
	}
	after, _, _, err := used(strangers)
	if err != nil {
		return 0, err
	}
	if after-before > strangersMay {
		return 0, errors.New("an executed program did some of the work, outside of valgrind's control")
	}
	for _, p := range family {
		if !slices.Contains(strangers, p) {
			if err := c.tell(ctx, p, "dump"); err != nil {
				return 0, err
			}
		}
	}
	return c.sum()
}

// strangersMay is the allowed processor time of uncounted processes. An idle helper
// uses less.
const strangersMay = 10 * time.Millisecond

// tell sends callgrind a command, and returns when it is done.
func (c *Callgrind) tell(ctx context.Context, pid int, what string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := child.Output(ctx, child.Command{
		Args: []string{"vgdb", "--vgdb-prefix=" + c.prefix(), "--pid=" + strconv.Itoa(pid), what},
		Core: c.core,
	})
	return err
}

// sum adds up the latest dump, which has a file for each process.
func (c *Callgrind) sum() (float64, error) {
	// A dump on demand has a number after that of the process.
	files, err := filepath.Glob(filepath.Join(c.folder, "out.*.*"))
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		n, err := parseCallgrind(string(text))
		if err != nil {
			return 0, err
		}
		sum += n
	}
	if sum == 0 {
		return 0, errors.New("callgrind counted no instructions")
	}
	return sum, nil
}

// parseCallgrind returns the number of instructions in a callgrind file. The line of
// totals has a number for each of the events in another line, and Ir, the
// instructions read, is one of them:
//
//	events: Ir
//	summary: 10518604
//	…
//	totals: 10567011
//
// The totals are attributed to lines of code, and equal valgrind's "collected" at the
// end of a program; the summary may be a hundredth less.
func parseCallgrind(text string) (float64, error) {
	column := -1
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(line, ":")
		if !ok || name != "events" && name != "totals" {
			continue
		}
		f := strings.Fields(rest)
		if name == "events" {
			column = slices.Index(f, "Ir")
			continue
		}
		// Trailing zeros are left out.
		if column < 0 || column >= len(f) {
			return 0, fmt.Errorf("callgrind: no count of instructions in %q", strings.TrimSpace(line))
		}
		n, err := strconv.ParseFloat(f[column], 64)
		if err != nil {
			return 0, fmt.Errorf("callgrind: no count of instructions in %q", strings.TrimSpace(line))
		}
		return n, nil
	}
	return 0, errors.New("callgrind: no totals in its file")
}

// CountProgram runs a program to its end under valgrind, in a folder, and returns its
// instructions in user space. It runs on the client's core.
func (m *Meter) CountProgram(ctx context.Context, folder string, args ...string) (float64, error) {
	c, err := m.NewCallgrind()
	if err != nil {
		return 0, err
	}
	defer c.End()
	out := filepath.Join(c.folder, "whole")
	_, err = child.Output(ctx, child.Command{
		Args: append([]string{"valgrind", "--tool=callgrind", "--callgrind-out-file=" + out}, args...),
		Env:  append(c.Env(), "GOMAXPROCS=1"), Dir: folder, Core: m.clientCore,
	})
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	return parseCallgrind(string(text))
}
