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

// Where the processor counts no instructions for us, valgrind does: it executes
// a program by itself, and its tool callgrind counts each instruction of user
// space, exactly and in the same way on every machine. The kernel's it does not
// see, and a program runs twenty times slower meanwhile.

// A Callgrind is a program's life under valgrind.
type Callgrind struct {
	folder string // of what callgrind writes, and of the pipes by which it is told
	core   int    // for those who tell it
}

// CanSimulate says why nothing can be run under valgrind, or nil.
func CanSimulate() error {
	for _, name := range []string{"valgrind", "vgdb"} { // one comes with the other
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%s is not installed", name)
		}
	}
	return nil
}

// NewCallgrind is for one program, which has to be started by Args.
func (m *Meter) NewCallgrind() (*Callgrind, error) {
	if err := CanSimulate(); err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(m.scratch, "callgrind-")
	return &Callgrind{folder: folder, core: m.clientCore}, err
}

// Args is what stands before the command line of the program. What it forks is
// counted, too: nginx works in a child. What it executes is not, since that
// would be counted from its first instruction on; CountUser notices if some of
// the work is done there.
func (c *Callgrind) Args() []string {
	return []string{
		"valgrind", "--tool=callgrind", "--trace-children=yes", "--trace-children-skip=*",
		"--vgdb-prefix=" + c.prefix(), "--callgrind-out-file=" + filepath.Join(c.folder, "out.%p"),
	}
}

// Env is what a program in Go has to be told: valgrind does not know the
// instruction RDTSCP, and callgrind loses its way when a goroutine is
// interrupted by a signal. Others do not look at it.
func (c *Callgrind) Env() []string { return []string{"GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off"} }

func (c *Callgrind) prefix() string { return filepath.Join(c.folder, "vgdb") }

// End removes what callgrind has written, once the program has ended.
func (c *Callgrind) End() { os.RemoveAll(c.folder) }

// CountUser counts the instructions that a process and its forks execute in user
// space while load runs.
func (c *Callgrind) CountUser(ctx context.Context, pid int, load func() error) (float64, error) {
	family := Family(pid)
	var strangers []int // what the program has executed, which valgrind has no hold of
	for _, p := range family {
		if err := c.tell(ctx, p, "zero"); err != nil {
			strangers = append(strangers, p)
		}
	}
	if len(strangers) == len(family) {
		return 0, errors.New("it has become another program, of which valgrind has no hold")
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
		return 0, errors.New("some of the work was done by a program that it has executed, which is out of valgrind's reach")
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

// strangersMay is how much processor time may have been used where nothing was
// counted. A helper that waits for its turn uses less.
const strangersMay = 10 * time.Millisecond

// tell has callgrind do something, and returns when it is done.
func (c *Callgrind) tell(ctx context.Context, pid int, what string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := child.Output(ctx, child.Command{
		Args: []string{"vgdb", "--vgdb-prefix=" + c.prefix(), "--pid=" + strconv.Itoa(pid), what},
		Core: c.core,
	})
	return err
}

// sum adds up what was written at the last dump, by each process into a file of
// its own.
func (c *Callgrind) sum() (float64, error) {
	// A dump on demand has a number behind that of the process.
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

// parseCallgrind finds in what callgrind has written how many instructions it
// counted. The line of totals has a number for each of the events that another
// line names, and Ir, the instructions that were read, is one of them:
//
//	events: Ir
//	summary: 10518604
//	…
//	totals: 10567011
//
// The totals are what is attributed to lines of code, and what valgrind calls
// collected when a program ends; the summary may be a hundredth less.
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
		// Numbers at the end that are 0 are left out.
		if column < 0 || column >= len(f) {
			return 0, fmt.Errorf("callgrind says %q, which has no count of instructions", strings.TrimSpace(line))
		}
		n, err := strconv.ParseFloat(f[column], 64)
		if err != nil {
			return 0, fmt.Errorf("callgrind says %q, which has no count of instructions", strings.TrimSpace(line))
		}
		return n, nil
	}
	return 0, errors.New("callgrind has not written how many instructions there were")
}
