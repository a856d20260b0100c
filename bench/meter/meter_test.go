package meter

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

func TestStatIsReadWhateverTheProgramIsCalled(t *testing.T) {
	const rest = " S 17 17 17 0 -1 4194560 1120 80 0 0 250 1999 3 4 20 0 1 0 5512345 2523136 400 18446744073709551615"
	want := stat{parent: 17, user: 2500 * time.Millisecond, kernel: 19990 * time.Millisecond, children: 70 * time.Millisecond}
	tests := []struct {
		name string
		line string
		err  bool
	}{
		{"a plain name", "4711 (nginx)" + rest, false},
		{"a name with a space", "4711 (nginx: worker)" + rest, false},
		{"a name that looks like the end of itself", "4711 (a) S 1 (b)" + rest, false},
		{"a line that is cut off", "4711 (nginx) S 17 17", true},
		{"a line without a name", "4711", true},
		{"a count that is none", "4711 (nginx)" + strings.Replace(rest, "250", "x", 1), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseStat(test.line)
			if (err != nil) != test.err {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestMemoryIsReadInKilobytes(t *testing.T) {
	const text = "Name:\tVmRSS: 1 kB\nVmHWM:\t    9000 kB\nVmRSS:\t    8804 kB\nRssAnon:\t 1 kB\n"
	if n, err := kilobytes([]byte(text), "VmRSS:"); n != 8804<<10 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := kilobytes([]byte(text), "Rss:"); err == nil {
		t.Error("a line that is not there was found")
	}
}

func TestACoreIsBusyWhenItIsNeitherIdleNorWaiting(t *testing.T) {
	const text = "cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 10 20 30 4000 5000 1 2 3 9 9\ncpu1 1 0 0 0 0 0 0 0 0 0\n"
	if d, err := parseBusy([]byte(text), 0); d != 66*tick || err != nil {
		t.Errorf("core 0: %v, %v", d, err)
	}
	if _, err := parseBusy([]byte(text), 2); err == nil {
		t.Error("a core that is not there was found")
	}
}

func TestListsOfCores(t *testing.T) {
	tests := []struct {
		name string
		list string
		want []int
	}{
		{"one", "3", []int{3}},
		{"a range", "0-2", []int{0, 1, 2}},
		{"ranges and single ones", "0-1,8,10-11", []int{0, 1, 8, 10, 11}},
		{"nothing is an error", "", nil},
		{"words are an error", "all", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseCores(test.list)
			if !slices.Equal(got, test.want) && err == nil || (err != nil) != (test.want == nil) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestWhatPerfPrintsIsUnderstood(t *testing.T) {
	tests := []struct {
		name         string
		text         string
		user, kernel float64
		err          error
	}{
		{
			name: "one line each",
			text: "# started on Tue Nov 24 01:45:42 2026\n\n384123,,instructions:u,1000123,100.00,,\n12510999,,instructions:k,1000123,100.00,,\n",
			user: 384123, kernel: 12510999,
		},
		{
			name: "two kinds of cores, of which one was not used",
			text: "<not counted>,,cpu_atom/instructions/u,0,0.00,,\n7,,cpu_core/instructions/u,1,100.00,,\n" +
				"2,,cpu_atom/instructions/k,1,100.00,,\n3,,cpu_core/instructions/k,1,100.00,,\n",
			user: 7, kernel: 5,
		},
		{
			name: "a machine that does not count is no machine that counts 0",
			text: "<not supported>,,instructions:u,0,100.00,,\n<not supported>,,instructions:k,0,100.00,,\n",
			err:  errNotCounted,
		},
		{
			name: "half of it is not enough",
			text: "384123,,instructions:u,1000123,100.00,,\n<not supported>,,instructions:k,0,100.00,,\n",
			err:  errNotCounted,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			user, kernel, err := parsePerf(test.text)
			if user != test.user || kernel != test.kernel || err != test.err {
				t.Errorf("got %v, %v, %v", user, kernel, err)
			}
		})
	}
}

func TestWhatStracePrintsIsUnderstood(t *testing.T) {
	const text = `strace: Process 8634 attached with 7 threads
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ------------------
 24.54    0.322206          52      6108         3 epoll_pwait
  9.69    0.127252          23      5366           sendto
  0.00    0.000000           0         1         1 restart_syscall
------ ----------- ----------- --------- --------- ------------------
100.00    1.313225          75     11475         4 total
`
	got, err := parseStrace(text)
	if want := (Calls{"epoll_pwait": 6108, "sendto": 5366, "restart_syscall": 1}); err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := parseStrace("strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted\n"); err == nil {
		t.Error("calls were found where there are none")
	}
}

func TestWhatCallgrindWritesIsUnderstood(t *testing.T) {
	const head = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npid: 13768\ncmd:  ./floor 9001\npart: 1\n\ndesc: Trigger: dump\n\npositions: line\n"
	tests := []struct {
		name string
		text string
		want float64
		err  string
	}{
		{"the totals are what was collected", head + "events: Ir\nsummary: 10518604\n\nfn=(1) main\n0 5\n\ntotals: 10567011\n", 10567011, ""},
		{"among other events", head + "events: Dr Ir Dw\nsummary: 1 2 3\n\ntotals: 7 10567011 9\n", 10567011, ""},
		{"events at the end that did not happen are left out", head + "events: Ir Dr\nsummary: 3\n\ntotals: 3\n", 3, ""},
		{"a file without instructions is no program that executed none", head + "events: Dr\nsummary: 1\n\ntotals: 1\n", 0, "no count of instructions"},
		{"a file that is cut off is noticed", head + "events: Ir\nsummary: 10518604\n", 0, "no totals"},
		{"a number that is none is noticed", head + "events: Ir\n\ntotals: many\n", 0, "no count of instructions"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseCallgrind(test.text)
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, %v, want %v, %q", got, err, test.want, test.err)
			}
		})
	}
}

// simulated starts a shell script under valgrind, and waits until it has said
// that it is there.
func simulated(t *testing.T, script string) (*Callgrind, *child.Child) {
	t.Helper()
	if err := CanSimulate(); err != nil {
		t.Skip(err)
	}
	m := &Meter{clientCore: child.AnyCore, scratch: t.TempDir()}
	g, err := m.NewCallgrind()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.End)
	c, err := child.Start(t.Context(), child.Command{
		Args: append(g.Args(), "sh", "-c", script), Env: g.Env(), Core: child.AnyCore,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.End)
	for until := time.Now().Add(20 * time.Second); !strings.Contains(c.Tail(), "here I am"); time.Sleep(time.Millisecond) {
		if err := c.Died(); err != nil || time.Now().After(until) {
			t.Skipf("valgrind does not run here: %v", c.Tail())
		}
	}
	return g, c
}

// works lets a family have some time of the processor.
func works(pid int) error {
	began, _, _, err := used(Family(pid))
	for now := began; err == nil && now-began < 50*time.Millisecond; {
		now, _, _, err = used(Family(pid))
	}
	return err
}

// escaped says whether one of a family is a shell that valgrind does not run.
func escaped(pid int) bool {
	return slices.ContainsFunc(Family(pid), func(p int) bool {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p))
		return strings.HasPrefix(string(line), "sh\x00")
	})
}

func TestCallgrindCountsAProcessAndItsForks(t *testing.T) {
	// The first process waits for the second, which does all the work.
	g, c := simulated(t, "(while :; do :; done) & echo here I am; wait")
	n, err := g.CountUser(t.Context(), c.PID(), func() error { return works(c.PID()) })
	if err != nil {
		t.Fatal(err)
	}
	// Valgrind does some hundred million a second.
	if n < 50_000 || n > 1e10 {
		t.Errorf("in 50 ms it counted %v instructions", n)
	}
}

func TestWhatCallgrindDoesNotSeeIsNotCountedAsNothing(t *testing.T) {
	tests := []struct {
		name, script, want string
	}{
		{"the program has become another", "echo here I am; exec sh -c 'while :; do :; done'", "has executed another program"},
		{"the work is done by what it has started", "sh -c 'while :; do :; done' & echo here I am; wait", "outside of valgrind's control"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g, c := simulated(t, test.script)
			for !escaped(c.PID()) {
				time.Sleep(time.Millisecond)
			}
			n, err := g.CountUser(t.Context(), c.PID(), func() error { return works(c.PID()) })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("it counted %v, %v; want %q", n, err, test.want)
			}
		})
	}
}

func TestTheTimeOfAProcessIsMeasured(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
	m := New(t.Context(), 0, 0, t.TempDir())
	m.Instructions = false // perf would not end before this process does
	x, err := m.Begin(t.Context(), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const work = 60 * time.Millisecond
	for began, _, _, _ := used([]int{os.Getpid()}); ; {
		if now, _, _, _ := used([]int{os.Getpid()}); now-began > work {
			break
		}
	}
	c, err := x.End()
	if err != nil {
		t.Fatal(err)
	}
	if c.CPU < work || c.CPU > 20*work || c.Took < work/4 {
		t.Errorf("%v of work was measured as %v in %v", work, c.CPU, c.Took)
	}
	if n, err := Resident([]int{os.Getpid()}); err != nil || n < 1<<20 {
		t.Errorf("this process occupies %d bytes, %v", n, err)
	}
}

// Machines whose processor is virtual often count no instructions, but perf can
// be attached there, too, for events that the kernel counts by itself.
func TestPerfIsAttachedAndStopped(t *testing.T) {
	if _, err := exec.LookPath("perf"); err != nil {
		t.Skip("perf is not installed")
	}
	other := exec.Command("sh", "-c", "while :; do :; done")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		other.Process.Kill()
		other.Wait()
	}()
	c, err := startCounter(t.Context(), []int{other.Process.Pid}, child.AnyCore, t.TempDir(), "task-clock")
	if err != nil {
		t.Skip(err) // not everybody may
	}
	time.Sleep(100 * time.Millisecond)
	text, err := c.stop()
	if err != nil || !strings.Contains(text, ",task-clock,") || strings.Contains(text, "<not") {
		t.Errorf("it counted %q, %v", text, err)
	}
}

func TestAFamilyHasGrandchildren(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
	shell := exec.Command("sh", "-c", "sleep 60 & echo $!; wait")
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 20) // the number of the grandchild says that it is there
	n, _ := out.Read(first)
	family := Family(os.Getpid())
	if !slices.Contains(family, shell.Process.Pid) || len(family) < 3 {
		t.Errorf("the family of %d is %v, without %d or its child %s", os.Getpid(), family, shell.Process.Pid, first[:n])
	}
	for _, pid := range Family(shell.Process.Pid) {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill()
		}
	}
	shell.Wait()
}

func TestAWholeProgramIsCounted(t *testing.T) {
	if err := CanSimulate(); err != nil {
		t.Skip(err)
	}
	m := &Meter{scratch: t.TempDir(), clientCore: child.AnyCore}
	// A shell's loop: each further turn is the same number of instructions.
	count := func(turns string) float64 {
		n, err := m.CountProgram(t.Context(), t.TempDir(), "/bin/sh", "-c", "i=0; while [ $i -lt "+turns+" ]; do i=$((i+1)); done")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	none, once, twice := count("0"), count("2000"), count("4000")
	if r := (twice - none) / (once - none); r < 1.98 || r > 2.02 {
		t.Errorf("4,000 turns have %.3f times the instructions of 2,000", r)
	}
	if _, err := m.CountProgram(t.Context(), t.TempDir(), "/bin/sh", "-c", "exit 3"); err == nil {
		t.Error("the failure of a program is not reported")
	}
}
