// Watched measures what it costs to watch bobbin: the processor time of a request while
// metrics are scraped, the inspector's page is open, or a trace is recorded, beside that of
// an unwatched server.
//
//	cd bench && go run ./watched
//
// One server and one wrk run on a core each. In each round every way of watching has its
// turn between two turns unwatched, and its ratio is to the mean of these: so that a machine
// that is slow for a while is slow for both. The result is the median of the rounds.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/meter"
	"github.com/bobbin-http/bobbin/bench/server"
)

// A way is a way to watch a server.
type way struct {
	name  string
	path  string        // that is asked for
	every time.Duration // again, when an answer has ended
	goal  string
}

var ways = []way{
	{"a scrape each second", "/-/metrics", time.Second, "0.5 %"},
	{"the page is open", "/-/xray/stream", 0, "3 %"},
	{"a trace is recorded", "/-/xray/records?seconds=60", 0, "15 %"},
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "watch" {
		every, _ := time.ParseDuration(os.Args[3])
		watch(os.Args[2], every)
		return
	}
	rounds := flag.Int("rounds", 7, "rounds")
	seconds := flag.Int("seconds", 2, "of each turn")
	connections := flag.Int("connections", 64, "of wrk")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *seconds, *connections); err != nil {
		fmt.Fprintln(os.Stderr, "watched:", err)
		os.Exit(1)
	}
}

// watch asks for a URL again and again, and reads the answers. It runs as a process of its
// own, on the client's core.
func watch(url string, every time.Duration) {
	for {
		answer, err := http.Get(url)
		if err != nil || answer.StatusCode != http.StatusOK {
			fmt.Fprintln(os.Stderr, answer, err)
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, answer.Body) // until the server ends it, or this process is ended
		answer.Body.Close()
		time.Sleep(every)
	}
}

// A gauge measures one server.
type gauge struct {
	ctx     context.Context
	cores   meter.Cores
	meter   *meter.Meter
	server  *server.Running
	load    load.Wrk
	scratch string
}

func run(ctx context.Context, rounds, seconds, connections int) error {
	scratch, err := os.MkdirTemp("", "bobbin-watched-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	defer child.EndAll()
	shop, err := server.NewWorkshop(scratch)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(server.Kinds(), func(k *server.Kind) bool { return k.Name == "bobbin" })
	kind := server.Kinds()[at]
	if err := shop.Find(ctx, kind); err != nil {
		return err
	}
	g := &gauge{ctx: ctx, cores: meter.ChooseCores(), scratch: scratch}
	if g.server, err = shop.Start(ctx, kind, server.Job{}, g.cores.Server); err != nil {
		return err
	}
	g.meter = meter.New(ctx, g.cores.Server, g.cores.Client, scratch)
	g.load = load.Wrk{
		URL: "http://" + g.server.Address + server.HelloPath, Connections: connections, Seconds: seconds,
		Core: g.cores.Client, Scratch: scratch,
	}
	if _, err := g.cost(nil); err != nil { // it becomes warm
		return err
	}
	costs, ratios := make(map[string][]float64), make(map[string][]float64)
	before, err := g.cost(nil)
	if err != nil {
		return err
	}
	for range rounds {
		for i := range ways {
			w := &ways[i]
			watched, err := g.cost(w)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			after, err := g.cost(nil)
			if err != nil {
				return err
			}
			costs[""] = append(costs[""], after)
			costs[w.name] = append(costs[w.name], watched)
			ratios[w.name] = append(ratios[w.name], watched/((before+after)/2))
			before = after
		}
	}
	fmt.Printf("%s; wrk with %d connections, %d rounds of %d s\n\n", g.cores.Words, connections, rounds, seconds)
	fmt.Println("| | µs a request | to unwatched | between | goal |\n|---|---|---|---|---|")
	fmt.Printf("| unwatched | %.2f | | | |\n", median(costs[""]))
	for _, w := range ways {
		r := ratios[w.name]
		fmt.Printf("| %s | %.2f | %+.1f %% | %+.1f and %+.1f | %s |\n", w.name, median(costs[w.name]),
			percent(median(r)), percent(slices.Min(r)), percent(slices.Max(r)), w.goal)
	}
	return nil
}

// cost returns the processor time of a request, in microseconds, while a server is watched
// in some way, or not at all.
func (g *gauge) cost(w *way) (float64, error) {
	if w != nil {
		self, err := os.Executable()
		if err != nil {
			return 0, err
		}
		url := "http://" + g.server.Address + w.path
		watcher, err := child.Start(g.ctx, child.Command{Args: []string{self, "watch", url, w.every.String()}, Core: g.cores.Client})
		if err != nil {
			return 0, err
		}
		defer watcher.End()
		time.Sleep(300 * time.Millisecond)
		if err := watcher.Died(); err != nil {
			return 0, err
		}
	}
	m, err := g.meter.Begin(g.ctx, g.server.Child.PID())
	if err != nil {
		return 0, err
	}
	outcome, err := g.load.Run(g.ctx)
	if err != nil {
		return 0, err
	}
	cost, err := m.End()
	if err != nil {
		return 0, err
	}
	if trouble := outcome.Trouble(); trouble != "" || outcome.Requests == 0 {
		return 0, fmt.Errorf("%d requests, %s", outcome.Requests, strings.TrimSpace(trouble))
	}
	return float64(cost.CPU.Nanoseconds()) / 1e3 / float64(outcome.Requests), nil
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

func percent(ratio float64) float64 { return (ratio - 1) * 100 }
