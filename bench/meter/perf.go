package meter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// The events that perf is asked for. Instructions are the figure to have: they
// repeat within a hundredth whatever else the machine does.
const perfEvents = "instructions:u,instructions:k"

// attaching is how long perf is given to attach itself to every thread.
const attaching = 200 * time.Millisecond

// errNotCounted is the usual trouble in a virtual machine.
var errNotCounted = errors.New("this machine has no instruction counters, or a virtual one that does not pass them on")

// parsePerf reads what perf stat -x, prints. A processor with two kinds of
// cores has a line for each kind, of which one may say that it counted nothing.
func parsePerf(text string) (user, kernel float64, err error) {
	counted := map[bool]bool{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) < 3 || !strings.Contains(f[2], "instructions") {
			continue
		}
		n, err := strconv.ParseFloat(f[0], 64)
		if err != nil {
			continue // <not supported>, <not counted>
		}
		inUser := strings.HasSuffix(strings.TrimSuffix(f[2], "/"), "u")
		counted[inUser] = true
		if inUser {
			user += n
		} else {
			kernel += n
		}
	}
	if !counted[true] || !counted[false] {
		return 0, 0, errNotCounted
	}
	return user, kernel, nil
}

// canCount finds out whether perf counts instructions here, by trying.
func canCount(ctx context.Context, scratch string) error {
	if _, err := exec.LookPath("perf"); err != nil {
		return errors.New("perf is not installed")
	}
	out := filepath.Join(scratch, "perf.probe")
	_, err := child.Output(ctx, child.Command{
		Args: []string{"perf", "stat", "-x,", "-o", out, "-e", perfEvents, "--", "true"},
		Core: child.AnyCore,
	})
	if err != nil {
		return fmt.Errorf("perf may not be used: %w", err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	_, _, err = parsePerf(string(text))
	return err
}

// A counter is a perf that counts what a family does.
type counter struct {
	child *child.Child
	out   string
}

func startCounter(ctx context.Context, family []int, core int, scratch, events string) (*counter, error) {
	c := &counter{out: filepath.Join(scratch, "perf.out")}
	os.Remove(c.out)
	var err error
	c.child, err = child.Start(ctx, child.Command{
		Args: []string{"perf", "stat", "-x,", "-o", c.out, "-e", events, "-p", join(family)},
		Core: core,
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-c.child.Done():
		return nil, fmt.Errorf("perf: %w", c.child.Died())
	case <-time.After(attaching):
		return c, nil
	}
}

// stop returns what perf printed. It ends by the signal that it was sent, so
// that how it ended says nothing.
func (c *counter) stop() (string, error) {
	c.child.Interrupt()
	c.child.Wait()
	text, err := os.ReadFile(c.out)
	return string(text), err
}

func join(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ",")
}
