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

// The events for perf. Instructions are the best figure: they repeat within a
// hundredth on any machine.
const perfEvents = "instructions:u,instructions:k"

// attaching is the time for perf to attach itself to every thread.
const attaching = 200 * time.Millisecond

// errNotCounted is common in virtual machines.
var errNotCounted = errors.New("this machine has no instruction counters, or a virtual one that hides them")

// parsePerf parses the output of perf stat -x. A processor with two kinds of cores
// has a line for each kind, one of which may have no count.
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

// canCount tries whether perf can count instructions.
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
		return fmt.Errorf("perf does not work: %w", err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	_, _, err = parsePerf(string(text))
	return err
}

// A counter is a perf that counts for a family of processes.
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

// stop returns the output of perf. It ends by the signal, so its exit code is
// ignored.
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
