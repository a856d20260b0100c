package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/meter"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// A bench is one run of everything.
type bench struct {
	options
	ctx       context.Context
	stdout    io.Writer
	words     *progress
	kinds     []*server.Kind
	scenarios []*scenario

	shop        *server.Workshop
	site        *server.Site
	certificate *server.Certificate
	cores       meter.Cores
	meter       *meter.Meter
	report      *report.Report
	deadline    time.Time // of a quick run; otherwise zero
	began       time.Time
	took        time.Duration // by the run that this one resumes
}

// minute is the measuring time of a quick run, after building: less than a minute,
// because ending the servers takes time, too.
const minute = 48 * time.Second

// all is one run, from looking for servers to writing the report.
func (b *bench) all(scratch string, args []string) error {
	open := descriptors()
	b.scenarios = scenarios(open, b.quick)
	if b.list {
		b.printList()
		return nil
	}
	if err := b.prepare(scratch, args, open); err != nil {
		return err
	}
	if b.resume {
		if err := b.continueRun(); err != nil {
			return err
		}
	}
	err := b.measureAll()
	if len(b.report.Scenarios) == 0 {
		return errors.Join(err, errors.New("nothing was measured; bench --list shows scenarios and servers"))
	}
	b.report.Warnings = b.report.Doubts()
	b.report.Took = b.took + time.Since(b.began)
	b.report.PrintOverview(b.stdout)
	b.printSkipped()
	if err := b.report.Write(b.folder()); err != nil {
		return err
	}
	fmt.Fprintf(b.stdout, "\nwritten to %s\n", b.folder())
	if err != nil {
		return err
	}
	return b.forget()
}

// prepare builds and finds all programs.
func (b *bench) prepare(scratch string, args []string, open int) error {
	b.began = time.Now()
	b.report = &report.Report{
		Date:    b.began,
		Command: command(args),
		Partial: b.quick || b.only != "",
		Rounds:  b.rounds,
		Seconds: b.seconds,
	}
	var err error
	if b.shop == nil {
		if b.shop, err = server.NewWorkshop(scratch); err != nil {
			return err
		}
	}
	if b.site, err = server.MakeSite(scratch); err != nil {
		return err
	}
	if b.certificate, err = server.MakeCertificate(scratch); err != nil {
		return err
	}
	b.cores = meter.ChooseCores()
	b.meter = meter.New(b.ctx, b.cores.Server, b.cores.Client, scratch)
	b.report.Commit = b.commit()
	b.findServers()
	b.chooseScenarios()
	b.report.Machine = b.machine(open)
	b.report.Method = b.method()
	if b.quick {
		b.deadline = time.Now().Add(minute)
	}
	return b.ctx.Err()
}

// command returns the command line in a form for a shell.
func command(args []string) string {
	words := []string{"go run ."}
	for _, a := range args {
		if flag, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "="); flag == "resume" { // the same command, continued
			continue
		}
		if strings.ContainsAny(a, " *?[]") {
			a = "'" + a + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// skip records an omission. Consecutive ones with the same reason share a line.
func (b *bench) skip(what, why string) {
	if n := len(b.report.Skipped); n > 0 && b.report.Skipped[n-1].Says == why {
		b.report.Skipped[n-1].Name += ", " + what
		return
	}
	b.report.Skipped = append(b.report.Skipped, report.Pair{Name: what, Says: why})
}

// takesPart reports whether a kind is measured in a scenario. Where a number grows,
// these are the floor, bobbin and the cheapest rivals; minor rivals are measured only
// in scenarios for all. Files and new connections need only one floor, because waiting
// is little of their cost. A server that is named by --only always takes part, except
// in scenarios for bobbin alone.
func (b *bench) takesPart(s *scenario, k *server.Kind) bool {
	switch {
	case !b.wants(s, k.Name):
		return false
	case k.Named || s.with != nil:
		return slices.Contains(s.with, k.Name)
	case s.inside != nil:
		return k.Role == server.Ours
	case b.names(k.Name):
		return true
	case k.Slow && (!s.wide || s.files || s.request.Close):
		return false
	case k.Role != server.Rival:
		return true
	case s.few:
		return k.Cheap
	}
	return s.wide || !k.Minor
}

// findServers keeps the servers that are installed and wanted.
func (b *bench) findServers() {
	var found []*server.Kind
	for _, k := range b.kinds {
		if !slices.ContainsFunc(b.scenarios, func(s *scenario) bool { return b.takesPart(s, k) }) {
			continue
		}
		if b.quick && k.Slow && !b.names(k.Name) {
			b.skip(k.Name, "not in a quick run")
			continue
		}
		b.words.now("building and looking for servers: %s", k.Name)
		if err := b.shop.Find(b.ctx, k); err != nil {
			if b.ctx.Err() != nil {
				return
			}
			b.skip(k.Name, err.Error())
			continue
		}
		found = append(found, k)
		b.report.Versions = append(b.report.Versions, report.Pair{
			Name: k.Name, Says: k.About + ". " + b.shop.Version(b.ctx, k),
		})
	}
	b.kinds = found
}

// chooseScenarios keeps the scenarios that are wanted and possible here.
func (b *bench) chooseScenarios() {
	var chosen []*scenario
	missing := func(tool string) bool {
		_, err := exec.LookPath(tool)
		return tool != "" && err != nil
	}
	encrypts := b.bobbinEncrypts()
	for _, s := range b.scenarios {
		switch {
		case !b.wants(s, ""):
		case s.name == "instructions" && meter.CanSimulate() != nil:
			b.skip(s.name, meter.CanSimulate().Error())
		case missing(s.tool):
			b.skip(s.name, s.tool+" is not installed")
		case s.request.TLS && !encrypts:
			b.skip(s.name, "this bobbin has no --tls-cert")
		case s.rate > 0 && b.cores.Server == b.cores.Client && b.cores.Server != child.AnyCore:
			b.skip(s.name, "the client of an open loop needs a core to itself")
		default:
			chosen = append(chosen, s)
		}
	}
	b.scenarios = chosen
	switch _, err := exec.LookPath("strace"); {
	case b.quick:
		b.skip("system calls", "not in a quick run")
	case err != nil:
		b.skip("system calls", "strace is not installed")
	}
	switch err := meter.CanSimulate(); {
	case b.meter.Instructions: // better than counting by valgrind
	case b.quick:
		b.skip("user instructions", "not in a quick run")
	case err != nil:
		b.skip("user instructions", err.Error())
	}
}

// bobbinEncrypts reports whether bobbin, if there is one, supports TLS.
func (b *bench) bobbinEncrypts() bool {
	for _, k := range b.kinds {
		if k.Role == server.Ours {
			help, _ := b.shop.Output(b.ctx, k, "--help")
			return strings.Contains(help, "--tls-cert")
		}
	}
	return true
}

// method describes the origin of the figures, in sentences.
func (b *bench) method() []string {
	m := []string{
		fmt.Sprintf("%s of %d s each. In each round all servers have their turn, one after the other, in an order that moves by one from round to round. A figure is the median of the rounds; a ratio is the median of the ratios within a round.", plural(b.rounds, "round"), b.seconds),
		"Each server is a process of its own and has one core, the client another: " + b.cores.Words + ".",
		"All servers of a scenario run at the same time, and are idle outside of their turn. Before the measurement, each gets the requests of the scenario, and takes part only if its status and body equal those of all others. Headers are not compared: the details have the sizes of the answers.",
		"bobbin is built as it ships, by `go build ./cmd/bobbin`: no code in it is only for benchmarks.",
		"wrk makes the requests with one thread, in a closed loop, unless noted at the scenario; h2load those of HTTP/2.",
	}
	if b.meter.Instructions {
		m = append(m, "The cost is instructions per request, user and kernel, counted by `perf stat -p` during the load.")
	} else {
		m = append(m, "The cost is **processor time** per request: utime and stime of the server with all threads and children, read before and after the load (the sum from the process's clock, to the nanosecond; its parts from /proc/PID/stat). Instructions would be the better figure, but could not be counted: "+b.meter.Why+".")
		if slices.ContainsFunc(b.scenarios, b.countsUser) {
			m = append(m, "Those of user space are counted by valgrind's callgrind, which emulates the program: in a round of their own, for a second, after a second that does not count. It includes a server's own process and its forks.")
		}
	}
	m = append(m, fmt.Sprintf("The command: `%s`", b.report.Command))
	return m
}

// cost returns the figure by which servers are compared in a scenario.
func (b *bench) cost(s *scenario) string {
	switch {
	case s.cost != "":
		return s.cost
	case b.meter.Instructions:
		return report.Instructions
	}
	return report.CPU
}

// expected returns the expected duration of a scenario.
func (b *bench) expected(s *scenario) time.Duration {
	if s.inside != nil { // and a program to be built
		return time.Duration(b.roundsOf(s))*s.takes + 2*time.Second
	}
	servers, warmed, counted := 0, 0, 0
	for _, k := range b.kinds {
		if b.takesPart(s, k) && b.shop.Can(k, b.job(s, k)) == nil {
			servers++
			if b.warms(s, k) {
				warmed++
			}
			if k.Uncounted == "" {
				counted++
			}
		}
	}
	each := time.Duration(b.secondsOf(s))*time.Second + 150*time.Millisecond
	if b.meter.Instructions {
		each += 300 * time.Millisecond
	}
	if s.idle > 0 {
		each += time.Second/2 + time.Duration(s.idle)*100*time.Microsecond
	}
	if s.gathers != "" {
		each += time.Duration(s.connections) * 100 * time.Microsecond
	}
	if s.marked {
		each += time.Second / 2
	}
	rounds := b.roundsOf(s)
	if s.once {
		each -= time.Duration(b.secondsOf(s)) * time.Second
	}
	all := time.Duration(rounds*servers) * each
	all += time.Duration(warmed) * 1150 * time.Millisecond
	if b.countsCalls(s) {
		all += time.Duration(servers) * 1300 * time.Millisecond
	}
	if b.countsUser(s) {
		all += time.Duration(counted) * 4500 * time.Millisecond
	}
	return all + time.Second
}

// roundsOf returns the number of rounds of a scenario.
func (b *bench) roundsOf(s *scenario) int {
	switch {
	case s.once:
		return 1
	case s.rounds > 0:
		return min(s.rounds, b.rounds)
	}
	return b.rounds
}

// secondsOf returns the length of a round of a scenario.
func (b *bench) secondsOf(s *scenario) int { return max(b.seconds, s.lasts) }

// warms reports whether a server is loaded for a second before it is measured: one that
// compiles at run time, or has a cache of files. Others need no more than the checks.
func (b *bench) warms(s *scenario, k *server.Kind) bool {
	return !b.quick && !s.once && (s.tool != "" || s.request.Protocol == server.WebSocket) && (s.files || k.Uncounted != "")
}

// countsCalls reports whether there is a round for system calls.
func (b *bench) countsCalls(s *scenario) bool {
	_, err := exec.LookPath("strace")
	return s.calls && !b.quick && err == nil
}

// countsUser reports whether there is a round for user instructions: in scenarios with
// all servers, as it takes 4 s for each; not where perf counts them, nor where a
// scenario is about something else than requests, nor over TLS, where the handshakes
// would dominate.
func (b *bench) countsUser(s *scenario) bool {
	return s.calls && s.wide && s.cost == "" && !s.files && !s.request.Close && !s.request.TLS && !b.quick && !b.meter.Instructions && meter.CanSimulate() == nil
}

func (b *bench) measureAll() error {
	b.scenarios = slices.DeleteFunc(b.scenarios, b.has)
	var sum time.Duration
	for _, s := range b.scenarios {
		sum += b.expected(s)
	}
	if !b.quick {
		b.words.say("bench: %s, %s, %s of %d s: about %s",
			plural(len(b.scenarios), "scenario"), plural(len(b.kinds), "server"), plural(b.rounds, "round"), b.seconds,
			plural(max(1, int(sum.Round(time.Minute).Minutes())), "minute"))
	}
	b.words.expect(sum)
	for _, s := range b.scenarios {
		if !b.deadline.IsZero() && time.Now().Add(b.expected(s)).After(b.deadline) {
			b.skip(s.name, "the minute is over; name scenarios with --only to measure them")
			continue
		}
		result, err := b.measure(s)
		result.Servers = slices.DeleteFunc(result.Servers, unmeasured)
		if len(result.Servers)+len(result.Left) > 0 {
			result.Sum()
			b.report.Scenarios = append(b.report.Scenarios, result)
			b.words.clear()
			result.Print(b.stdout)
		}
		if err == nil {
			err = b.keep()
		}
		if err != nil {
			b.report.Partial = true
			return err
		}
	}
	return nil
}

// printSkipped prints the omissions.
func (b *bench) printSkipped() {
	for _, w := range b.report.Warnings {
		fmt.Fprintf(b.stdout, "\n%s\n", w)
	}
	if len(b.report.Skipped) > 0 {
		fmt.Fprintln(b.stdout, "\nleft out:")
		for _, s := range b.report.Skipped {
			fmt.Fprintf(b.stdout, "  %s: %s\n", s.Name, s.Says)
		}
	}
	if !b.meter.Instructions {
		fmt.Fprintf(b.stdout, "\nThe cost is processor time, because %s.\n", b.meter.Why)
	}
}

// folder returns the folder of the report. A part of the measurements does not
// overwrite the whole.
func (b *bench) folder() string {
	switch {
	case b.options.out != "":
		return b.options.out
	case b.report.Partial:
		return filepath.Join(b.shop.Bench(), "results", "partial")
	}
	return filepath.Join(b.shop.Bench(), "results")
}

func (b *bench) printList() {
	fmt.Fprintln(b.stdout, "scenarios (* in a quick run):")
	for _, s := range b.scenarios {
		mark := " "
		if s.quick {
			mark = "*"
		}
		fmt.Fprintf(b.stdout, " %s %-18s %s\n", mark, s.name, s.title)
	}
	fmt.Fprintln(b.stdout, "\nservers:")
	for _, k := range b.kinds {
		fmt.Fprintf(b.stdout, "   %-18s %s\n", k.Name, k.About)
	}
}
