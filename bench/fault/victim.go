package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/meter"
)

// An order describes how to start a victim. The zero value is bobbin on a free port
// of the loopback with the site.
type order struct {
	args     []string // more flags
	site     string   // another folder
	listen   string   // another address
	at       *network // its network; nil for the loopback
	embedded bool     // this program with handlers, see embed.go
	open     int      // ulimit -n, or 0 for that of this process
	stdout   *os.File // or nil for a file
	deaf     bool     // stderr is a pipe that is read to the line with the address only
}

// A victim is the server under attack.
type victim struct {
	trial   *trial
	child   *child.Child
	network string // tcp or unix
	address string
	tls     bool
	probe   string // the address of the probe

	log      string // the file of its stderr, "" if that is a pipe
	before   int    // descriptors
	resident int64  // bytes, before the attack
}

// The longest times of a victim. They are not promises of the server, which are
// checked separately.
const (
	starting = 10 * time.Second
	settling = 10 * time.Second
	stopping = 20 * time.Second
)

// start starts a victim and returns when it listens.
func (t *trial) start(o order) (*victim, error) {
	v := &victim{trial: t, probe: "127.0.0.2"}
	args := []string{t.bobbin}
	if o.embedded {
		args = []string{t.self, embedded}
	}
	if o.listen == "" {
		o.listen = "127.0.0.1:0"
	}
	if o.site == "" {
		o.site = t.site
	}
	var under []string
	if o.at != nil {
		o.listen, under, v.probe = o.at.inside+":8080", o.at.enter, o.at.probe
	}
	args = slices.Concat(under, args, []string{"--listen", o.listen}, o.args, []string{o.site})
	if o.open > 0 {
		// The hard limit, since a server may raise the soft one.
		args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, o.open), "sh"}, args...)
	}
	stderr, first, err := v.openStderr(o.deaf)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	stdout := o.stdout
	if stdout == nil {
		stdout = stderr
	}
	v.child, err = child.Start(t.ctx, child.Command{Args: args, Core: child.AnyCore, Dir: t.folder, Stdout: stdout, Stderr: stderr})
	if err != nil {
		return nil, err
	}
	t.atEnd(v.child.End)
	if err := v.listens(first); err != nil {
		return nil, err
	}
	v.before, _ = meter.Descriptors(v.child.PID())
	v.resident, _ = meter.Resident([]int{v.child.PID()})
	return v, nil
}

// openStderr makes the file for the victim's stderr. first returns its first lines.
func (v *victim) openStderr(deaf bool) (stderr *os.File, first func() string, err error) {
	if !deaf {
		v.log = filepath.Join(v.trial.folder, fmt.Sprintf("stderr-%d", time.Now().UnixNano()))
		stderr, err = os.Create(v.log)
		return stderr, func() string { p, _ := os.ReadFile(v.log); return string(p) }, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	v.trial.atEnd(func() { read.Close() })
	lines := make(chan string, 1)
	go func() {
		said, from := "", bufio.NewReaderSize(read, 16)
		for !listening.MatchString(said) {
			line, err := from.ReadString('\n')
			if said += line; err != nil {
				break
			}
		}
		lines <- said
	}()
	return write, func() string {
		select {
		case line := <-lines:
			return line
		default:
			return ""
		}
	}, nil
}

var listening = regexp.MustCompile(`listening ([^\s,]+)`)

// listens waits for the line with the address.
func (v *victim) listens(first func() string) error {
	said := ""
	_, ok := v.trial.until(starting, func() bool {
		said += first()
		return listening.MatchString(said) || v.child.Died() != nil
	})
	m := listening.FindStringSubmatch(said)
	if !ok || m == nil {
		return fmt.Errorf("the victim does not start: %v; output %q", v.child.Died(), said)
	}
	v.network, v.address = "tcp", m[1]
	if path, is := strings.CutPrefix(m[1], "unix:"); is {
		v.network, v.address = "unix", path
		return nil
	}
	at, err := url.Parse(m[1])
	if err != nil {
		return err
	}
	v.address, v.tls = at.Host, at.Scheme == "https"
	return nil
}

// descriptors returns the number of open descriptors of the victim, or -1 if unknown.
func (v *victim) descriptors() int {
	n, err := meter.Descriptors(v.child.PID())
	if err != nil {
		return -1
	}
	return n
}

// spare is how many descriptors a victim may have above its start: cached open files
// and lingering connections.
const spare = 16

// settle waits until the attackers are gone, and reports the cost of the attack.
func (v *victim) settle() {
	pid := v.child.PID()
	_, back := v.trial.until(settling, func() bool { return v.descriptors() <= v.before+spare })
	after := v.descriptors()
	if !back {
		v.trial.fail("%d descriptors are open, and %d were before the attack", after, v.before)
	}
	peak, err := meter.Peak(pid)
	now, err2 := meter.Resident([]int{pid})
	if errors.Join(err, err2) == nil {
		v.trial.log("resident", "%s at rest, %s at most, %s after", mib(v.resident), mib(peak), mib(now))
	}
	v.trial.log("open", "%d descriptors before, %d after", v.before, after)
}

// shrinks waits until memory is back at the start. The runtime collects an idle
// program's garbage after two minutes, and then gives it back.
func (v *victim) shrinks() {
	const more = 24 << 20
	resident := int64(0)
	took, back := v.trial.until(5*time.Minute, func() bool {
		resident, _ = meter.Resident([]int{v.child.PID()})
		return resident <= v.resident+more
	})
	v.trial.log("resident", "%s after %.0f s more", mib(resident), took.Seconds())
	if !back {
		v.trial.fail("%s are resident long after the attack, and %s were before", mib(resident), mib(v.resident))
	}
}

// within fails the trial if the victim has ever occupied more memory.
func (v *victim) within(most int64) {
	if peak, err := meter.Peak(v.child.PID()); err == nil && peak > most {
		v.trial.fail("%s resident at most, and %s are allowed", mib(peak), mib(most))
	}
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// drain is the longest time from SIGTERM to the end: Limits.Drain and a second.
const drain = 11 * time.Second

// stop ends the victim by SIGTERM and checks its exit code and its time.
func (v *victim) stop(right ...int) {
	t := v.trial
	if err := v.child.Died(); err != nil {
		t.fail("the victim ended before SIGTERM: %v%s", err, v.logTail())
		return
	}
	v.child.Signal(syscall.SIGTERM)
	took, ended := t.until(stopping, func() bool { return v.child.Died() != nil })
	if !ended {
		t.fail("SIGTERM does not end the victim within %v", stopping)
		v.child.Signal(syscall.SIGQUIT) // for the stacks in its log
		t.wait(time.Second)
		v.child.End()
		v.keepLog()
		return
	}
	status := v.child.ExitCode()
	t.log("end", "status %d, %.1f s after SIGTERM", status, took.Seconds())
	if !slices.Contains(right, status) {
		t.fail("exit status %d, not %v%s", status, right, v.logTail())
	}
	if took > drain && !t.short {
		t.fail("SIGTERM took %.1f s, and %v are allowed", took.Seconds(), drain)
	}
}

// keepLog keeps the log of a victim, with its stacks, beyond the end of this program.
func (v *victim) keepLog() {
	text, err := os.ReadFile(v.log)
	if err != nil {
		return
	}
	path := filepath.Join(os.TempDir(), "fault-"+v.trial.scenario.name+".log")
	if os.WriteFile(path, text, 0o600) == nil {
		v.trial.log("stacks", "in %s", path)
	}
}

// logTail returns the end of the log, for a victim that has failed.
func (v *victim) logTail() string {
	lines := v.lines()
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf(" (output %q)", lines[max(0, len(lines)-3):])
}

// lines returns the log after the first line, which has the address.
func (v *victim) lines() []string {
	if v.log == "" {
		return nil
	}
	f, err := os.Open(v.log)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 16<<20))
	_, rest, _ := strings.Cut(string(text), "\n")
	rest, _, _ = strings.Cut(rest, "SIGQUIT: quit\n") // without the stacks that stop requested
	return strings.FieldsFunc(rest, func(r rune) bool { return r == '\n' })
}

var (
	variable = regexp.MustCompile(`\d+(\.\d+)*`)
	stamp    = regexp.MustCompile(`^time=\S+ `)
	trouble  = regexp.MustCompile(`level=(WARN|ERROR)`)
)

// reportLog reports the log. If something must have been logged, an empty log is a
// failure.
func (v *victim) reportLog(must bool) {
	lines := v.lines()
	kinds, counts := []string(nil), map[string]int{}
	told := false
	for _, l := range lines {
		told = told || trouble.MatchString(l)
		l = stamp.ReplaceAllString(l, "")
		kind := variable.ReplaceAllString(l, "N")
		if counts[kind]++; counts[kind] == 1 && len(kinds) < 4 {
			kinds = append(kinds, kind)
			if len(l) > 200 {
				l = l[:200] + "…"
			}
			v.trial.log("log", "%s", l)
		}
	}
	v.trial.log("log", "%d lines of %d kinds", len(lines), len(counts))
	for kind, n := range counts {
		if most := int(time.Since(v.trial.began).Seconds()) + 2; n > most && trouble.MatchString(kind) {
			v.trial.fail("the log has one message %d times in %d s: %s", n, most-2, kind)
		}
	}
	if must && !told {
		v.trial.fail("the log does not report the attack")
	}
}
