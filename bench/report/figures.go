package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Figure is one kind of number that is told of a server.
type Figure struct {
	Key    string
	Title  string // of its column
	More   bool   // is better
	Alone  bool   // has no better and no worse, so that its ratios say nothing
	Says   string
	Not    string // what it does not say
	Format func(float64) string
}

// The keys of all figures, in the order of their columns.
const (
	Instructions = "instructions"
	InUser       = "in_user"
	InKernel     = "in_kernel"
	UserCounted  = "user_callgrind"
	CPU          = "cpu"
	KernelShare  = "kernel_share"
	Rate         = "rate"
	P50          = "p50"
	P99          = "p99"
	P999         = "p999"
	Held         = "held"
	Resident     = "resident"
	SystemCalls  = "system_calls"
	Turn         = "turn"
	Deadline     = "deadline"
)

// Figures is all of them. Times are in seconds, memory is in bytes.
var Figures = []Figure{
	{
		Key: Instructions, Title: "instr", Format: count,
		Says: "instructions of the server process per request, user and kernel, counted by perf",
		Not:  "nothing of how long they take: a copy is few instructions and many cycles. Nothing of what the kernel does for the server in another's name, such as delivering what the client sends on the loopback.",
	},
	{
		Key: InUser, Title: "user", Format: count,
		Says: "those of them that the server itself executes",
		Not:  "whether they were worth it: a parser that checks more has more.",
	},
	{
		Key: InKernel, Title: "kernel", Format: count,
		Says: "those that the kernel executes for it",
		Not:  "what a network card and its driver would add; this is the loopback.",
	},
	{
		Key: UserCounted, Title: "user instr. (callgrind)", Format: count,
		Says: "instructions per request that the server itself executes, counted by valgrind's callgrind in a run of their own, where perf cannot count",
		Not:  "the kernel's share, which is most of a small request. Nor quite what it is in life: under valgrind a server is some twenty times slower, finds more to do whenever it looks, and so looks less often for each request; and libraries that choose their code by the processor choose it for valgrind's, which has no AVX-512.",
	},
	{
		Key: CPU, Title: "CPU µs", Format: microseconds,
		Says: "processor time of the server per request, user and kernel, with all threads and children",
		Not:  "how much work that was: a virtual machine's host, a hot processor and neighbours stretch it, from one minute to the next and by a factor of two. Compare within a round, by the ratios, and nothing between machines.",
	},
	{
		Key: KernelShare, Title: "in kernel", Alone: true, Format: percent,
		Says: "the part of the processor time that was spent in the kernel",
		Not:  "anything precise: most kernels estimate it by looking a hundred times a second.",
	},
	{
		Key: Rate, Title: "req/s", More: true, Format: count,
		Says: "answers a second, as the client counts them",
		Not:  "what a server could do: the client has one core, too, and is often the slower one, so that different servers get the same figure. Two machines and a network would give others.",
	},
	{
		Key: P50, Title: "p50", Format: duration,
		Says: "half of all answers came within this time",
		Not:  "how long a user waits: there is no network in between. Under a closed loop it is little else than the number of connections divided by the rate.",
	},
	{
		Key: P99, Title: "p99", Format: duration,
		Says: "all but one in a hundred did",
		Not:  "under a closed loop, what happened to requests that nobody sent because the server was slow just then; wrk makes up for that by guessing. The open loop counts from when a request was due.",
	},
	{
		Key: P999, Title: "p99.9", Format: duration,
		Says: "all but one in a thousand did",
		Not:  "much about the server on a virtual machine, whose cores stand still for a millisecond or two now and then.",
	},
	{
		Key: Held, Title: "bytes/conn", Format: count,
		Says: "resident memory that an idle connection adds to the server, after one request",
		Not:  "what the kernel keeps for a socket, which is more, and the same for all. A collector or an allocator may hold more than is used.",
	},
	{
		Key: Resident, Title: "memory", Format: bytes,
		Says: "resident memory of the server with its children, right behind the load",
		Not:  "what it needs: shared pages are counted, and what was freed may still be held.",
	},
	{
		Key: SystemCalls, Title: "calls", Format: hundredths,
		Says: "system calls per request, counted by strace in a run of their own",
		Not:  "the number without strace, which slows each call: a loop then finds more to do at each turn, and calls its wait less often; a scheduler that watches for slow calls does more.",
	},
	{
		Key: Turn, Title: "turn ns", Format: nanoseconds,
		Says: "time of one turn of bobbin's loop in which one connection is heard and answered, over a kernel in memory that does nothing for those who are silent",
		Not:  "what the kernel takes for a turn, or a real protocol, which is nearly all of it. Caches are warm: who comes back after ten thousand others finds them cold.",
	},
	{
		Key: Deadline, Title: "deadline ns", Format: nanoseconds,
		Says: "time to set the deadline of one connection anew, with a share of the turns that look whose time has come",
		Not:  "what a deadline costs that is over; this is about those that never are.",
	},
}

// figure finds one by its key.
func figure(key string) *Figure {
	for i := range Figures {
		if Figures[i].Key == key {
			return &Figures[i]
		}
	}
	panic("report: there is no figure " + key)
}

func microseconds(s float64) string {
	us := s * 1e6
	switch {
	case us < 100:
		return strconv.FormatFloat(us, 'f', 2, 64)
	case us < 1000:
		return strconv.FormatFloat(us, 'f', 1, 64)
	}
	return count(us)
}

func nanoseconds(s float64) string {
	if ns := s * 1e9; ns < 100 {
		return strconv.FormatFloat(ns, 'f', 1, 64)
	}
	return count(s * 1e9)
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

func hundredths(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// ratio is how a ratio is written everywhere.
func ratio(v float64) string {
	if v >= 100 {
		return count(v)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// count writes a number with a comma at each thousand.
func count(v float64) string {
	if math.Abs(v) < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	var b strings.Builder
	if v < 0 {
		b.WriteByte('-')
	}
	for i, digit := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// duration writes seconds with three digits that mean something.
func duration(s float64) string {
	d := time.Duration(s * 1e9)
	switch {
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func bytes(v float64) string {
	const mib = 1 << 20
	if v < mib {
		return fmt.Sprintf("%.0f KiB", v/1024)
	}
	return fmt.Sprintf("%.1f MiB", v/mib)
}
