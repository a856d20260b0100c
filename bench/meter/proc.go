package meter

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Process figures from /proc. Where /proc is missing, they are left out.

// tick is the unit of times in /proc: USER_HZ, which has had this value on every
// Linux of the last twenty years.
const tick = 10 * time.Millisecond

// A stat is a part of /proc/PID/stat.
type stat struct {
	parent       int
	user, kernel time.Duration // all threads, also ended ones
	children     time.Duration // ended children that were waited for
}

// parseStat parses /proc/PID/stat. The name of the program is in parentheses and may
// contain anything, parentheses too, so that the fields begin after the last one.
func parseStat(line string) (stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, errors.New("no ) after the program's name")
	}
	// proc(5) counts from 1 and the name is 2, so f[0] is its number 3.
	f := strings.Fields(line[end+1:])
	const parent, utime, stime, cutime, cstime = 4 - 3, 14 - 3, 15 - 3, 16 - 3, 17 - 3
	if len(f) <= cstime {
		return stat{}, fmt.Errorf("only %d fields after the program's name", len(f))
	}
	var n [cstime + 1]int64
	for _, i := range []int{parent, utime, stime, cutime, cstime} {
		var err error
		if n[i], err = strconv.ParseInt(f[i], 10, 64); err != nil {
			return stat{}, fmt.Errorf("field %d: %w", i+3, err)
		}
	}
	return stat{
		parent:   int(n[parent]),
		user:     time.Duration(n[utime]) * tick,
		kernel:   time.Duration(n[stime]) * tick,
		children: time.Duration(n[cutime]+n[cstime]) * tick,
	}, nil
}

func readStat(pid int) (stat, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(line))
}

// Family returns a process and all its descendants: nginx works in a child.
func Family(pid int) []int {
	family := []int{pid}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return family
	}
	children := make(map[int][]int)
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if s, err := readStat(child); err == nil {
			children[s.parent] = append(children[s.parent], child)
		}
	}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family
}

// used returns the CPU time of a family so far. The sum is exact where the clocks of
// other processes can be read. Its division into user and kernel is an estimate of
// most kernels, taken at timer interrupts.
func used(family []int) (total, user, kernel time.Duration, err error) {
	for _, pid := range family {
		s, err := readStat(pid)
		if err != nil {
			return 0, 0, 0, err
		}
		own, ok := processClock(pid)
		if !ok {
			own = s.user + s.kernel
		}
		total += own + s.children
		user += s.user
		kernel += s.kernel
	}
	return total, user, kernel, nil
}

// Resident returns the resident memory of a family, in bytes.
func Resident(family []int) (int64, error) {
	var sum int64
	for _, pid := range family {
		n, err := resident(pid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// resident prefers the file that the kernel computes page by page: the sums in status
// lag by up to some 100 KiB.
func resident(pid int) (int64, error) {
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)); err == nil {
		if n, err := kilobytes(text, "Rss:"); err == nil {
			return n, nil
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return kilobytes(text, "VmRSS:")
}

// Peak returns the largest resident memory so far of a process, in bytes.
func Peak(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return kilobytes(text, "VmHWM:")
}

// Descriptors returns the number of open descriptors of a process.
func Descriptors(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries), err
}

// kilobytes returns the value of a line, in bytes.
func kilobytes(text []byte, name string) (int64, error) {
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) == 3 && f[0] == name && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("no line %s", name)
}

// parseBusy returns the busy time of a core from /proc/stat.
func parseBusy(text []byte, core int) (time.Duration, error) {
	name := "cpu" + strconv.Itoa(core)
	for line := range bytes.Lines(text) {
		f := strings.Fields(string(line))
		if len(f) < 9 || f[0] != name {
			continue
		}
		// user nice system idle iowait irq softirq steal; the rest is contained in
		// the first two.
		var busy time.Duration
		for i, s := range f[1:9] {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return 0, err
			}
			if !slices.Contains([]int{3, 4}, i) {
				busy += time.Duration(n) * tick
			}
		}
		return busy, nil
	}
	return 0, fmt.Errorf("no core %d", core)
}

func busy(core int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseBusy(text, core)
}
