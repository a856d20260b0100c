package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// H2load is one run of h2load, of nghttp2: a closed loop over HTTP/2, in which each
// connection keeps some streams open and replaces each that is answered. It does not
// open another connection in the place of one that a server ends.
type H2load struct {
	URL         string
	Connections int
	Streams     int // of a connection at the same time; over HTTP/1.1, pipelined requests
	Seconds     int
	Fields      []string // of the request: "Name: value"
	Paths       []string // beginning with the path of the URL, one after the other; nil for that path alone
	HTTP1       bool     // by HTTP/1.1
	Core        int
	Scratch     string // a folder for the list of paths

	// Began and Ended are called around the requests that count: the connections were
	// opened before, and have made requests for half a second. If they are nil, all
	// requests count.
	Began, Ended func()
}

// warming is how long requests do not count.
const warming = "500ms"

// marks calls functions when a line of h2load has come that begins with these words.
type marks struct {
	text         strings.Builder
	began, ended func()
}

const (
	h2loadBegan = "Main benchmark duration is started"
	h2loadEnded = "Main benchmark duration is over"
)

// Write adds output of h2load, which comes line by line.
func (m *marks) Write(p []byte) (int, error) {
	m.text.Write(p)
	for line := range strings.Lines(string(p)) {
		switch {
		case m.began != nil && strings.HasPrefix(line, h2loadBegan):
			m.began()
		case m.ended != nil && strings.HasPrefix(line, h2loadEnded):
			m.ended()
		}
	}
	return len(p), nil
}

// late is by how much h2load may end late. A connection whose handshake takes longer than
// the whole run would go on for ever.
const late = 15 * time.Second

// Run runs h2load.
func (l H2load) Run(ctx context.Context) (Outcome, error) {
	args := []string{
		"h2load", "--threads=1", "--clients=" + strconv.Itoa(l.Connections),
		"--max-concurrent-streams=" + strconv.Itoa(max(1, l.Streams)),
		"--duration=" + strconv.Itoa(l.Seconds),
		"--tls13-ciphers=TLS_AES_128_GCM_SHA256", // of all servers alike
	}
	if l.HTTP1 {
		args = append(args, "--h1")
	}
	for _, f := range l.Fields {
		args = append(args, "--header="+f)
	}
	if l.Paths == nil {
		args = append(args, l.URL)
	} else {
		list := filepath.Join(l.Scratch, "h2load.txt")
		if err := os.WriteFile(list, []byte(strings.Join(l.urls(), "\n")), 0o644); err != nil {
			return Outcome{}, err
		}
		args = append(args, "--input-file="+list)
	}
	if l.Began != nil {
		args = slices.Insert(args, 1, "--warm-up-time="+warming)
	}
	out := &marks{began: l.Began, ended: l.Ended}
	bounded, cancel := context.WithTimeout(ctx, time.Duration(l.Seconds)*time.Second+late)
	defer cancel()
	c, err := child.Start(bounded, child.Command{Args: args, Core: l.Core, Stdout: out})
	if err != nil {
		return Outcome{}, err
	}
	switch err := c.Wait(); {
	case ctx.Err() != nil:
		return Outcome{}, ctx.Err()
	case bounded.Err() != nil:
		return Outcome{}, errors.New("h2load does not end: some handshakes took longer than the whole run")
	case err != nil:
		return Outcome{}, fmt.Errorf("h2load: %w", err)
	}
	o, err := parseH2load(out.text.String())
	if l.Began != nil {
		o.Seconds = float64(l.Seconds) // h2load adds the time before them
	}
	return o, err
}

// urls returns the URL of each path.
func (l H2load) urls() []string {
	scheme, rest, _ := strings.Cut(l.URL, "://")
	authority, _, _ := strings.Cut(rest, "/")
	urls := make([]string, len(l.Paths))
	for i, path := range l.Paths {
		urls[i] = scheme + "://" + authority + path
	}
	return urls
}

// The lines of h2load that have figures. Its latencies are left alone: it prints only the
// least, the mean and the most.
var (
	h2loadFinished = regexp.MustCompile(`(?m)^finished in ([^,]+),`)
	h2loadRequests = regexp.MustCompile(`(?m)^requests: .* (\d+) succeeded, (\d+) failed,`)
	h2loadStatuses = regexp.MustCompile(`(?m)^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx`)
	h2loadTraffic  = regexp.MustCompile(`(?m)^traffic: \S+ \((\d+)\) total,`)
)

// parseH2load parses the output of h2load.
func parseH2load(text string) (Outcome, error) {
	var o Outcome
	finished := h2loadFinished.FindStringSubmatch(text)
	requests := h2loadRequests.FindStringSubmatch(text)
	statuses := h2loadStatuses.FindStringSubmatch(text)
	traffic := h2loadTraffic.FindStringSubmatch(text)
	if finished == nil || requests == nil || statuses == nil || traffic == nil {
		return o, errors.New("h2load: figures are missing in its output")
	}
	took, err := parseTime(finished[1])
	if err != nil {
		return o, fmt.Errorf("h2load: %w", err)
	}
	o.Seconds = took.Seconds()
	numbers := make([]int64, 0, 7)
	for _, digits := range [][]string{requests[1:], statuses[1:], traffic[1:]} {
		for _, d := range digits {
			n, err := strconv.ParseInt(d, 10, 64)
			if err != nil {
				return o, fmt.Errorf("h2load: %w", err)
			}
			numbers = append(numbers, n)
		}
	}
	failed, answered := numbers[1], numbers[2]
	o.Requests, o.Bytes = answered, numbers[6]
	// An answer with status 4xx or 5xx is among the failed requests.
	others := numbers[3] + numbers[4] + numbers[5]
	o.fail(OtherStatus, others)
	o.fail("requests failed or were not sent, because their connection had ended", failed-numbers[4]-numbers[5])
	return o, nil
}
