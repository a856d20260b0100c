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

// Calls counts system calls by name.
type Calls map[string]float64

// parseStrace parses the table of strace -c:
//
//	% time     seconds  usecs/call     calls    errors syscall
//	------ ----------- ----------- --------- --------- ----------------
//	 24.54    0.322206          52      6108         3 epoll_pwait
//
// The column of errors is empty where there were none.
func parseStrace(text string) (Calls, error) {
	calls := make(Calls)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 || len(f) > 6 || f[len(f)-1] == "total" {
			continue
		}
		if _, err := strconv.ParseFloat(f[0], 64); err != nil {
			continue // the heading, or the line below it
		}
		n, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			return nil, fmt.Errorf("strace: no count of calls in %q", strings.TrimSpace(line))
		}
		calls[f[len(f)-1]] += n
	}
	if len(calls) == 0 {
		return nil, errors.New("strace: no calls counted")
	}
	return calls, nil
}

// CountCalls counts the system calls of a process and its descendants while load
// runs. It slows them down a lot, so nothing else can be measured meanwhile.
func (m *Meter) CountCalls(ctx context.Context, pid int, load func() error) (Calls, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return nil, errors.New("strace is not installed")
	}
	out := filepath.Join(m.scratch, "strace.out")
	os.Remove(out)
	args := []string{"strace", "-c", "-f", "-o", out}
	for _, p := range Family(pid) {
		args = append(args, "-p", strconv.Itoa(p))
	}
	s, err := child.Start(ctx, child.Command{Args: args, Core: m.clientCore})
	if err != nil {
		return nil, err
	}
	defer s.End()
	for until := time.Now().Add(patience); !strings.Contains(s.Tail(), "attached"); {
		if err := s.Died(); err != nil {
			return nil, fmt.Errorf("strace: %w", err)
		}
		if time.Now().After(until) {
			return nil, errors.New("strace cannot attach")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := load(); err != nil {
		return nil, err
	}
	s.Interrupt() // its exit code is ignored
	s.Wait()
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return parseStrace(string(text))
}

// patience is the time for strace to attach itself.
const patience = 3 * time.Second
