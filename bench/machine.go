package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/bobbin-http/bobbin/bench/report"
)

// machine describes the machine. Unknown values are left out.
func (b *bench) machine(descriptors int) []report.Pair {
	var all []report.Pair
	add := func(name, says string) {
		if says != "" {
			all = append(all, report.Pair{Name: name, Says: says})
		}
	}
	info := read("/proc/cpuinfo")
	processor := field(info, "model name")
	if processor == "" {
		processor = firstLine("sysctl", "-n", "machdep.cpu.brand_string")
	}
	add("processor", strings.TrimSpace(fmt.Sprintf("%s, %d usable cores, %s", processor, runtime.NumCPU(), runtime.GOARCH)))
	if strings.Contains(field(info, "flags"), "hypervisor") {
		add("virtual", "yes: its cores are shared and scheduled by a host")
	}
	add("frequency", read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))
	add("memory", field(read("/proc/meminfo"), "MemTotal"))
	add("system", firstLine("uname", "-srm"))
	add("scratch", fileSystem(b.shop.Scratch))
	add("cores", b.cores.Words)
	add("descriptors", fmt.Sprint(descriptors))
	if load, _, ok := strings.Cut(read("/proc/loadavg"), " "); ok {
		add("load before", load)
	}
	add("Go", runtime.Version())
	add("wrk", firstLine("wrk", "-v"))
	add("C compiler", firstLine("gcc", "--version"))
	add("perf", firstLine("perf", "--version"))
	if !b.meter.Instructions {
		add("valgrind", firstLine("valgrind", "--version"))
	}
	add("strace", firstLine("strace", "-V"))
	return all
}

func read(name string) string {
	text, _ := os.ReadFile(name)
	return strings.TrimSpace(string(text))
}

// field returns the value of "name: value" in a file of the kernel.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// firstLine returns the first line of a program's output, on either stream and with
// any exit code: some programs print their version only in an error.
func firstLine(args ...string) string {
	out, _ := exec.Command(args[0], args[1:]...).CombinedOutput()
	line, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("\n"))
	return string(line)
}

// fileSystem describes the file system of the served files.
func fileSystem(folder string) string {
	out, err := exec.Command("df", "-T", folder).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(lines) != 2 {
		return ""
	}
	if f := strings.Fields(lines[1]); len(f) > 1 {
		return "on " + f[1]
	}
	return ""
}

// commit describes the measured version.
func (b *bench) commit() string {
	git := func(args ...string) string {
		// Without a lock, because a user may be working there.
		out, err := exec.Command("git", append([]string{"--no-optional-locks", "-C", b.shop.Root}, args...)...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	head := git("rev-parse", "--short=12", "HEAD")
	if head == "" {
		return "unknown"
	}
	if changed := git("status", "--porcelain", "--", ".", ":!bench/results"); changed != "" {
		head += fmt.Sprintf(", with uncommitted changes to %d files", strings.Count(changed, "\n")+1)
	}
	return head
}
