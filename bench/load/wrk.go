package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// Wrk is one run of wrk: a closed loop, in which each connection sends its next
// request after its last answer. So it waits for a slow server, and its latencies are
// those of a server with so many connections at once.
type Wrk struct {
	URL         string
	Connections int
	Seconds     int
	Fields      []string // of the request, beside Host: "Name: value"
	Pipeline    int      // requests in one write; 0 is 1
	Changing    string   // the name of one of the fields, which ends otherwise in each request; "" for none
	Core        int
	Scratch     string // a folder for its script
}

// Run runs wrk.
func (w Wrk) Run(ctx context.Context) (Outcome, error) {
	script := filepath.Join(w.Scratch, "wrk.lua")
	if err := os.WriteFile(script, []byte(w.script()), 0o644); err != nil {
		return Outcome{}, err
	}
	args := []string{"wrk", "-t1", "-c" + strconv.Itoa(w.Connections), "-d" + strconv.Itoa(w.Seconds) + "s",
		"--latency", "-s", script}
	for _, f := range w.Fields {
		args = append(args, "-H", f)
	}
	text, err := child.Output(ctx, child.Command{Args: append(args, w.URL), Core: w.Core})
	if err != nil {
		return Outcome{}, err
	}
	o, err := parseWrk(text)
	if w.Pipeline > 1 {
		// wrk adds latencies that it believes to have missed, computed from the time
		// between two answers of a connection. For simultaneous answers that is
		// wrong, and so are its percentiles.
		o.P50, o.P99, o.P999, o.Worst = 0, 0, 0, 0
	}
	return o, err
}

// changes is the number of different requests where a field changes.
const changes = 4993

// script returns wrk's Lua script. Without a function that makes or reads requests,
// wrk runs at full speed; done is called at the end.
func (w Wrk) script() string {
	s := `
done = function(summary, latency, requests)
	io.write(string.format("told %d %d %d %d %d\n", summary.bytes,
		latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
`
	if w.Changing != "" {
		// Made before the load: wrk has one core, and it is the slower side. A
		// connection gets about every w.Connections-th, and with a prime number of
		// them hardly ever the same one twice in a row.
		s += fmt.Sprintf(`
local all, n = {}, 0
init = function(args)
	local value = wrk.headers[%q]
	for i = 1, %d do
		wrk.headers[%q] = value .. string.format("%%04d", i)
		all[i] = wrk.format()
	end
end
request = function()
	n = n %% #all + 1
	return all[n]
end
`, w.Changing, changes, w.Changing)
	}
	if w.Pipeline > 1 {
		s += fmt.Sprintf(`
local all
init = function(args) all = string.rep(wrk.format(), %d) end
request = function() return all end
`, w.Pipeline)
	}
	return s
}

// parseWrk parses the output of wrk and of the script.
func parseWrk(text string) (Outcome, error) {
	var o Outcome
	var told bool
	for line := range strings.Lines(text) {
		f := strings.Fields(strings.ReplaceAll(line, ",", " "))
		switch {
		case len(f) >= 4 && f[1] == "requests" && f[2] == "in":
			n, err := strconv.ParseInt(f[0], 10, 64)
			if err != nil {
				return o, fmt.Errorf("wrk: %w", err)
			}
			took, err := parseTime(f[3])
			if err != nil {
				return o, fmt.Errorf("wrk: %w", err)
			}
			o.Requests, o.Seconds, told = n, took.Seconds(), true
		case len(f) == 2 && (f[0] == "50%" || f[0] == "99%"):
			t, err := parseTime(f[1])
			if err != nil {
				return o, fmt.Errorf("wrk: %w", err)
			}
			if f[0] == "50%" {
				o.P50 = t
			} else {
				o.P99 = t
			}
		case len(f) == 6 && f[0] == "told":
			var n [5]int64
			for i := range n {
				var err error
				if n[i], err = strconv.ParseInt(f[i+1], 10, 64); err != nil {
					return o, fmt.Errorf("wrk: %w", err)
				}
			}
			o.Bytes = n[0]
			for i, to := range []*time.Duration{&o.P50, &o.P99, &o.P999, &o.Worst} {
				*to = time.Duration(n[i+1]) * time.Microsecond
			}
		case len(f) == 10 && f[0] == "Socket" && f[1] == "errors:":
			for i := 2; i < 10; i += 2 {
				n, err := strconv.ParseInt(f[i+1], 10, 64)
				if err != nil {
					return o, fmt.Errorf("wrk: %w", err)
				}
				o.fail(map[string]string{
					"connect": "failed connects", "read": "failed reads",
					"write": "failed writes", "timeout": "answers later than 2 s",
				}[f[i]], n)
			}
		case strings.HasPrefix(line, "  Non-2xx or 3xx responses:"):
			n, err := strconv.ParseInt(f[len(f)-1], 10, 64)
			if err != nil {
				return o, fmt.Errorf("wrk: %w", err)
			}
			o.fail(OtherStatus, n)
		}
	}
	if !told {
		return o, errors.New("wrk: the number of requests is missing in its output")
	}
	return o, nil
}

// parseTime parses a time of wrk: 152.00us, 4.83ms, 5.00s, 1.10m.
func parseTime(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time", s)
	}
	return d, nil
}
