// Pgo makes the profile by which the Go compiler optimises bobbin: cmd/bobbin/default.pgo.
//
//	cd bench && go run ./pgo
//
// It runs BenchmarkTurn and BenchmarkBrowse of cmd/bobbin, which have all of the server but
// the kernel, and keeps what the profile has of bobbin. Make it anew when hot functions were
// renamed, moved or merged; a test of cmd/bobbin notices names that are gone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/server"
)

// mix are the benchmarks that are profiled, one after the other and equally long.
const (
	turns  = "^BenchmarkTurn$/^(bench|browser|browser-cookie|1k|1k-browser|pipelined)$"
	browse = "^BenchmarkBrowse$"
)

// Of the profile, samples without these functions are dropped, and frames of the tests are
// hidden: the program has none of them, and the compiler would look for each.
const (
	wanted = `bobbin-http/bobbin/(eventloop|http)`
	hidden = `^testing\.|bobbin/cmd/bobbin\.|^runtime\.asyncPreempt`
)

func main() {
	each := flag.Duration("time", 2*time.Second, "time of each benchmark; more makes the profile larger, and little better")
	out := flag.String("out", "", "the profile (cmd/bobbin/default.pgo)")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: go run ./pgo [-time 5s] [-out FILE]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	defer child.EndAll()
	if err := run(ctx, *each, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pgo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, each time.Duration, out string) error {
	scratch, err := os.MkdirTemp("", "bobbin-pgo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	shop, err := server.NewWorkshop(scratch)
	if err != nil {
		return err
	}
	if out == "" {
		out = filepath.Join(shop.Root, "cmd", "bobbin", "default.pgo")
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	test := filepath.Join(scratch, "bobbin.test")
	do := func(args ...string) error {
		text, err := child.Output(ctx, child.Command{Args: args, Dir: shop.Root, Core: child.AnyCore})
		if err != nil {
			return fmt.Errorf("%s\n%w", text, err)
		}
		return nil
	}
	// Without an older profile: the new one follows from the source alone.
	if err := do("go", "test", "-c", "-pgo=off", "-o", test, "./cmd/bobbin"); err != nil {
		return err
	}
	var raw []string
	for _, benchmarks := range []string{turns, browse} {
		file := filepath.Join(scratch, fmt.Sprintf("raw%d", len(raw)))
		raw = append(raw, file)
		if err := do(test, "-test.run", "^$", "-test.bench", benchmarks, "-test.benchtime", each.String(), "-test.cpuprofile", file); err != nil {
			return err
		}
	}
	args := []string{"go", "tool", "pprof", "-proto", "-symbolize=none", "-focus=" + wanted, "-hide=" + hidden, "-output=" + out}
	if err := do(append(args, raw...)...); err != nil {
		return err
	}
	info, err := os.Stat(out)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes\n", out, info.Size())
	top, err := child.Output(ctx, child.Command{Args: []string{"go", "tool", "pprof", "-top", "-nodecount=20", out}, Core: child.AnyCore})
	fmt.Print(top)
	return err
}
