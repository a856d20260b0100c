package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Figure is one kind of number about a server.
type Figure struct {
	Key    string
	Title  string // of its column
	More   bool   // a higher value is better
	Alone  bool   // neither is better, so it has no ratios
	Says   string
	Not    string // its limits
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
	Octets       = "octets"
	SystemCalls  = "system_calls"
	Turn         = "turn"
	Deadline     = "deadline"
	Others       = "others"

	UserHello     = "user_hello"
	UserBrowser   = "user_browser"
	UserCookie    = "user_cookie"
	UserFile      = "user_1k"
	UserAskedFile = "user_1k_browser"
	UserPipelined = "user_pipelined"
)

// Figures are all figures. Times are in seconds, memory is in bytes.
var Figures = []Figure{
	{
		Key: Instructions, Title: "instr", Format: count,
		Says: "instructions of the server process per request, user and kernel, counted by perf",
		Not:  "their duration: a copy is few instructions and many cycles. Nor the kernel's work for the server in another's name, such as delivering the client's bytes on the loopback.",
	},
	{
		Key: InUser, Title: "user", Format: count,
		Says: "those of the server itself, in user space",
		Not:  "their use: a parser that checks more has more.",
	},
	{
		Key: InKernel, Title: "kernel", Format: count,
		Says: "those that the kernel executes for it",
		Not:  "the cost of a network card and its driver; this is the loopback.",
	},
	{
		Key: UserCounted, Title: "user instr. (callgrind)", Format: count,
		Says: "instructions per request in user space, counted by valgrind's callgrind in a run of their own, where perf cannot count",
		Not:  "the kernel's share, which is most of a small request. Nor exactly the number in reality: under valgrind a server is some twenty times slower, finds more to do in each turn, and so turns less often for each request; and libraries that choose their code by the processor choose it for valgrind's, which has no AVX-512.",
	},
	{
		Key: CPU, Title: "CPU µs", Format: microseconds,
		Says: "processor time of the server per request, user and kernel, with all threads and children",
		Not:  "the amount of work: a virtual machine's host, a hot processor and neighbours stretch it, from one minute to the next and by a factor of two. Compare within a round, by the ratios, and nothing between machines.",
	},
	{
		Key: KernelShare, Title: "in kernel", Alone: true, Format: percent,
		Says: "the kernel's part of the processor time",
		Not:  "precise numbers: most kernels estimate it by sampling a hundred times a second.",
	},
	{
		Key: Rate, Title: "req/s", More: true, Format: count,
		Says: "answers a second, counted by the client",
		Not:  "the server's maximum: the client has one core, too, and is often the slower one, so that different servers get the same figure. Two machines and a network would give others.",
	},
	{
		Key: P50, Title: "p50", Format: duration,
		Says: "half of all answers came within this time",
		Not:  "the waiting time of a user: there is no network in between. Under a closed loop it is little else than the number of connections divided by the rate.",
	},
	{
		Key: P99, Title: "p99", Format: duration,
		Says: "all but one in a hundred answers came within this time",
		Not:  "under a closed loop, the latency of requests that were not sent because the server was slow at that moment; wrk guesses it. The open loop counts from when a request was due.",
	},
	{
		Key: P999, Title: "p99.9", Format: duration,
		Says: "all but one in a thousand answers came within this time",
		Not:  "much about the server on a virtual machine, whose cores pause for a millisecond or two now and then.",
	},
	{
		Key: Held, Title: "bytes/conn", Format: count,
		Says: "resident memory that an idle connection adds to the server, after one request",
		Not:  "the kernel's memory for a socket, which is more, and the same for all. A collector or an allocator may hold more than is used.",
	},
	{
		Key: Resident, Title: "memory", Format: bytes,
		Says: "resident memory of the server with its children, right after the load",
		Not:  "its need: shared pages are counted, and freed memory may still be held.",
	},
	{
		Key: Octets, Title: "bytes/answer", Format: count,
		Says: "bytes of all frames that the client received, by answers; before encryption",
		Not:  "those of a connection's first answer, whose fields the client does not know yet. TLS adds 22 to each record, and some servers make one for each answer, others one for all answers of a turn.",
	},
	{
		Key: SystemCalls, Title: "calls", Format: hundredths,
		Says: "system calls per request, counted by strace in a run of their own",
		Not:  "the number without strace, which slows each call: a loop then finds more to do at each turn, and waits less often; a scheduler that watches for slow calls does more.",
	},
	{
		Key: Turn, Title: "turn ns", Format: nanoseconds,
		Says: "time of one turn of bobbin's loop in which one connection is read and answered, over a kernel in memory that does nothing for idle ones",
		Not:  "the kernel's time in a turn, or a real protocol's, which are nearly all of it. Caches are warm: a connection that becomes active after ten thousand others finds them cold.",
	},
	{
		Key: Deadline, Title: "deadline ns", Format: nanoseconds,
		Says: "time to set the deadline of one connection anew, with a share of the turns that check for passed deadlines",
		Not:  "the cost of a deadline that passes; these never do.",
	},
	{
		Key: Others, Title: "others", Alone: true, Format: percent,
		Says: "the part of the server's core that other processes used meanwhile",
		Not:  "their use of the client's core, which delays answers but costs the server nothing.",
	},
	inTurn(UserHello, "hello", "a request for 13 bytes"),
	inTurn(UserBrowser, "browser", "a browser's request for 13 bytes"),
	inTurn(UserCookie, "changing cookie", "a browser's request with another cookie each time"),
	inTurn(UserFile, "1 KiB", "a request for a file of 1 KiB"),
	inTurn(UserAskedFile, "browser's 1 KiB", "a browser's request for a file of 1 KiB"),
	inTurn(UserPipelined, "pipelined", "one of sixteen pipelined requests"),
}

// inTurn is the figure of one benchmark of a turn, under callgrind.
func inTurn(key, title, request string) Figure {
	return Figure{
		Key: key, Title: title, Format: count,
		Says: "instructions in user space for " + request + ", one in a turn, over a kernel in memory",
		Not:  "the kernel's share. Under load, a turn serves several requests, and each costs less.",
	}
}

// figure finds a figure by its key.
func figure(key string) *Figure {
	for i := range Figures {
		if Figures[i].Key == key {
			return &Figures[i]
		}
	}
	panic("report: unknown figure " + key)
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

// ratio formats a ratio.
func ratio(v float64) string {
	if v >= 100 {
		return count(v)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// count formats a number with a comma at each thousand.
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

// duration formats seconds with three significant digits.
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
