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
	for round := 1; round <= b.rounds; round++ {
		b.words.now("%s: round %d of %d", s.name, round, b.rounds)
		values, err := b.runBenchmarks(s.x)
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

// runBenchmarks runs them with so many connections.
func (b *bench) runBenchmarks(connections int) (map[string]float64, error) {
	program, err := b.shop.LoopTest(b.ctx)
	if err != nil {
		return nil, err
	}
	text, err := child.Output(b.ctx, child.Command{
		Args: []string{
			program, "-test.run", "^$", "-test.benchtime", benchTime,
			"-test.bench", fmt.Sprintf("^(BenchmarkTurn|BenchmarkDeadlines)$/^connections=%d$", connections),
		},
		Dir: b.shop.Scratch, Core: b.cores.Server,
	})
	if err != nil {
		return nil, err
	}
	return parseBenchmarks(text)
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
