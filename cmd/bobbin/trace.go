package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/bobbin-http/bobbin/http/inspect/timeline"
)

// traceCommand is "bobbin trace ADDR": it records a running server, and makes a timeline of
// that. The server sends raw records, so that making the file costs it nothing.
func traceCommand(t *terminals, args []string, _ func(string) string) int {
	if asksForHelp(args) {
		return t.help("trace")
	}
	o, err := parseTrace(args)
	if err != nil {
		return t.fail(err)
	}
	// The first Ctrl-C ends the recording, and the second one the program.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := o.run(ctx, t); err != nil {
		fmt.Fprintf(t.err, "bobbin: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// traceOptions are the arguments of the command.
type traceOptions struct {
	server  *target
	seconds int
	events  int
	out     string
}

// mostSeconds is what a server records at most.
const mostSeconds = 60

// parseTrace reads the arguments.
func parseTrace(args []string) (o traceOptions, err error) {
	f := pflag.NewFlagSet("trace", pflag.ContinueOnError)
	f.IntVarP(&o.seconds, "seconds", "s", 5, "how long to record")
	f.IntVar(&o.events, "events", timeline.DefaultEvents, "most events in the file")
	f.StringVarP(&o.out, "output", "o", "bobbin-trace.json", "name of the file")
	f.Usage = func() {}
	if err := checkDashes(args, f); err != nil {
		return o, err
	}
	if err := f.Parse(args); err != nil {
		return o, explainFlag(err, f)
	}
	if err := checkSwallowed(f); err != nil {
		return o, err
	}
	switch {
	case f.NArg() != 1:
		return o, errors.New("usage: bobbin trace ADDR [--seconds 5] [-o FILE], such as bobbin trace :8080")
	case o.seconds < 0 || o.seconds > mostSeconds:
		return o, fmt.Errorf("--seconds %d: choose from 1 to %d, or 0 for what the loops have recorded already", o.seconds, mostSeconds)
	case o.out == "":
		return o, errors.New("-o: name a file, or write - for the standard output")
	}
	if err := checkEvents(o.events); err != nil {
		return o, err
	}
	o.server, err = targetOf(f.Arg(0))
	return o, err
}

// checkEvents refuses a bound that leaves nothing.
func checkEvents(events int) error {
	if events < timeline.LeastEvents {
		return fmt.Errorf("--events %d: choose %d or more; viewers open about a million", events, timeline.LeastEvents)
	}
	return nil
}

// run records and writes the file.
func (o *traceOptions) run(ctx context.Context, t *terminals) error {
	file, err := createTrace(o.out, t.out)
	if err != nil {
		return err
	}
	defer file.discard()
	ctx, end := context.WithTimeout(ctx, time.Duration(o.seconds)*time.Second+2*answerWithin)
	defer end()
	answer, err := o.server.get(ctx, fmt.Sprintf("/-/xray/records?seconds=%d", o.seconds))
	if ctx.Err() != nil {
		return errors.New("interrupted before the recording began")
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	records, err := timeline.NewReader(answer.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", o.server.text, err)
	}
	b := timeline.New(records.Hello, timeline.Options{Events: o.events})
	if !t.watched && o.seconds > 0 {
		fmt.Fprintf(t.err, "bobbin: recording %s for %d s; Ctrl-C ends it and writes the file\n", o.server.text, o.seconds)
	}
	early := o.read(t, records, b)
	if ctx.Err() == nil && early != nil {
		fmt.Fprintf(t.err, "bobbin: the recording ended early: %v\n", early)
	}
	if err := file.write(b); err != nil {
		return err
	}
	fmt.Fprint(t.err, file.summary(b.Summary()))
	return nil
}

// progressEvery is how often a person is told how far the recording is.
const progressEvery = 200 * time.Millisecond

// read adds all records that come, until they end. A person sees how many there are.
func (o *traceOptions) read(t *terminals, records *timeline.Reader, b *timeline.Builder) error {
	begun := time.Now()
	told := begun
	if t.watched {
		defer fmt.Fprint(t.err, "\r\x1b[K")
	}
	for {
		if now := time.Now(); t.watched && now.Sub(told) >= progressEvery {
			told = now
			fmt.Fprintf(t.err, "\r%.0f of %d s: %d requests; Ctrl-C ends the recording and writes the file\x1b[K", now.Sub(begun).Seconds(), o.seconds, b.Summary().Requests)
		}
		block, err := records.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b.Add(block)
	}
}
