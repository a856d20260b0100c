package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// The cost of a turn of bobbin's loop as connections become more. A server under load
// does not show it, because the kernel's part is too large. So benchmarks of package
// eventloop measure it, each in a process of its own on the server's core, in the
// rounds of the other scenarios.

// benchmarks are the benchmarks with their figures.
var benchmarks = map[string]string{
	"BenchmarkTurn":      report.Turn,
	"BenchmarkDeadlines": report.Deadline,
}

// benchTime is how long each of them runs in a round.
const benchTime = "200ms"

// measureInside is measure for a scenario without servers. All kinds of bobbin have
// the same loop.
func (b *bench) measureInside(s *scenario, result *report.Scenario) error {
	at := slices.IndexFunc(b.kinds, func(k *server.Kind) bool { return b.takesPart(s, k) })
	if at < 0 {
		return nil
	}
	v := &report.Server{Name: b.kinds[at].Name, Role: string(server.Ours)}
	result.Servers = append(result.Servers, v)
	rounds := b.roundsOf(s)
	for round := 1; round <= rounds; round++ {
		b.words.now("%s: round %d of %d", s.name, round, rounds)
		values, err := s.inside(b, s)
		if b.ctx.Err() != nil {
			return b.ctx.Err()
		}
		if err != nil {
			result.Left = append(result.Left, report.Pair{Name: v.Name, Says: err.Error()})
			return nil
		}
		v.Add(round, values)
	}
	return nil
}

// timeTurns runs them with so many connections as the scenario has.
func timeTurns(b *bench, s *scenario) (map[string]float64, error) {
	program, err := b.shop.LoopTest(b.ctx)
	if err != nil {
		return nil, err
	}
	text, err := child.Output(b.ctx, child.Command{
		Args: []string{
			program, "-test.run", "^$", "-test.benchtime", benchTime,
			"-test.bench", fmt.Sprintf("^(BenchmarkTurn|BenchmarkDeadlines)$/^connections=%d$", s.x),
		},
		Dir: b.shop.Scratch, Core: b.cores.Server,
	})
	if err != nil {
		return nil, err
	}
	return parseBenchmarks(text)
}

// countedTurns are the rows of BenchmarkTurn in cmd/bobbin, with their figures and the
// number of requests in a turn.
var countedTurns = []struct {
	row      string
	figure   string
	requests float64
}{
	{"bench", report.UserHello, 1},
	{"browser", report.UserBrowser, 1},
	{"browser-cookie", report.UserCookie, 1},
	{"1k", report.UserFile, 1},
	{"1k-browser", report.UserAskedFile, 1},
	{"pipelined", report.UserPipelined, 16},
}

// The two lengths of each, in turns: their difference has no start of the program.
const shortRun, longRun = 20_000, 60_000

// countTurns counts the instructions of a request in user space, in a turn with one
// request over a kernel in memory. docs/measuring.md has the same as a command.
func countTurns(b *bench, _ *scenario) (map[string]float64, error) {
	program, err := b.shop.ProgramTest(b.ctx)
	if err != nil {
		return nil, err
	}
	values := make(map[string]float64)
	for _, t := range countedTurns {
		run := func(turns int) (float64, error) {
			return b.meter.CountProgram(b.ctx, b.shop.Scratch, program, "-test.run", "^$",
				"-test.bench", "^BenchmarkTurn$/^"+t.row+"$", "-test.benchtime", strconv.Itoa(turns)+"x")
		}
		short, err := run(shortRun)
		if err != nil {
			return nil, err
		}
		long, err := run(longRun)
		if err != nil {
			return nil, err
		}
		if long-short < longRun-shortRun { // less than an instruction for each
			return nil, fmt.Errorf("the benchmark %q of cmd/bobbin did not run", t.row)
		}
		values[t.figure] = (long - short) / (longRun - shortRun) / t.requests
	}
	return values, nil
}

// parseBenchmarks parses the output of go test -bench, in seconds:
//
//	BenchmarkTurn/connections=10-2   3730722   323.3 ns/op   0 B/op   0 allocs/op
//
// The number after the name, of processors, is missing if it is one.
func parseBenchmarks(text string) (map[string]float64, error) {
	values := make(map[string]float64)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != "ns/op" {
			continue
		}
		name, _, _ := strings.Cut(f[0], "/")
		key, ours := benchmarks[name]
		if !ours {
			continue
		}
		ns, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			return nil, fmt.Errorf("%q in the output of a benchmark is not a time", strings.TrimSpace(line))
		}
		values[key] = ns / 1e9
	}
	if len(values) < len(benchmarks) {
		return nil, errors.New("not all benchmarks of package eventloop ran")
	}
	return values, nil
}
