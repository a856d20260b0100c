package guide

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	kernel "github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/cmd/tour/breaks"
)

// A Process is a step that runs in a process of its own: it may hang, spin or die, and
// its threads and processor time can be told from the guide's.
type Process struct {
	breaks.Target
	cmd     *exec.Cmd
	stdin   io.Closer // the process ends when this is closed, so also when the guide ends
	stderr  head
	ended   chan struct{}
	started time.Time
}

// startTime is the longest wait for a step to listen.
const startTime = 30 * time.Second

// Start runs a step at a free port. Program is the command that has Guide.Run behind it,
// as words.
func Start(program []string, s Step, wrong string) (*Process, error) {
	args := append(program[1:len(program):len(program)], "serve", strconv.Itoa(s.Number), "--port", "0", "--until-eof")
	if wrong != "" {
		args = append(args, "--wrong", wrong)
	}
	p := &Process{cmd: exec.Command(program[0], args...), ended: make(chan struct{}), started: time.Now()}
	p.cmd.Env = append(os.Environ(), "GOTRACEBACK=none") // one line is enough when step 2 dies
	p.cmd.Stderr = &p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.Target.Process, p.Died = p.cmd.Process, p.died
	listening := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewReader(stdout)
		line, _ := lines.ReadString('\n')
		listening <- line
		io.Copy(io.Discard, lines)
		p.cmd.Wait()
	}()
	select {
	case line := <-listening:
		_, address, _ := strings.Cut(strings.TrimSpace(line), "http://")
		if p.Address = strings.TrimSuffix(address, "/"); p.Address != "" {
			return p, nil
		}
		err = fmt.Errorf("step %d does not listen: %s", s.Number, p.stderr.line())
	case <-time.After(startTime):
		err = fmt.Errorf("step %d does not listen after %v", s.Number, startTime)
	}
	p.Stop()
	return nil, err
}

// Stop ends the process, and returns how much of its time it has had a processor.
func (p *Process) Stop() (busy, lived time.Duration) {
	lived = time.Since(p.started)
	p.cmd.Process.Kill()
	<-p.ended
	p.stdin.Close()
	if state := p.cmd.ProcessState; state != nil {
		busy = state.UserTime() + state.SystemTime()
	}
	return busy, lived
}

// died waits so long for the end of the process.
func (p *Process) died(wait time.Duration) (lastWords string, died bool) {
	select {
	case <-p.ended:
	case <-time.After(wait):
	}
	select {
	case <-p.ended: // it may have ended long before, and select takes either
		return p.stderr.line(), true
	default:
		return "", false
	}
}

// serve is the other side of Start: it runs a step until the process ends.
func (g *Guide) serve(s Step, port int, wrong string, untilEOF bool) error {
	if wrong != "" && !s.has(wrong) {
		return fmt.Errorf("step %d has no wrong way %q%s", s.Number, wrong, s.wrongWays())
	}
	if port < 0 || port > 65535 {
		return fmt.Errorf("--port %d is no port: a port is a number up to 65535", port)
	}
	if untilEOF {
		go func() {
			io.Copy(io.Discard, g.In)
			os.Exit(0)
		}()
	}
	err := s.Serve(port, wrong)
	switch {
	case err == nil:
		return fmt.Errorf("step %d has ended", s.Number)
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, kernel.ErrInUse): // of the last step
		return fmt.Errorf("step %d: %w; choose another with --port", s.Number, err)
	}
	return fmt.Errorf("step %d: %w", s.Number, err)
}

// A head keeps the first bytes that are written to it.
type head struct {
	mu   sync.Mutex
	text []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, p[:min(len(p), 4096-len(h.text))]...)
	return len(p), nil
}

// line is the first line.
func (h *head) line() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	line, _, _ := strings.Cut(string(h.text), "\n")
	return line
}
