package report

import "math"

// The goals, and whether a run reaches them.

// A goal is a bound for a figure of bobbin, or for its ratio to another server's.
type goal struct {
	what     string // of which request, or of what
	scenario string
	server   string // of the scenario; "" is bobbin
	figure   string
	to       string // the server that it is a multiple of; "" for the figure itself
	beyond   string // the server whose figure is subtracted, or ""
	most     float64
}

// goals are in processor time where they are ratios, whatever else a run can count.
var goals = []goal{
	{what: "hello", scenario: "hello-64", figure: CPU, to: "floor", most: 1.06},
	{what: "a browser's request", scenario: "browser", figure: CPU, to: "floor", most: 1.07},
	{what: "the same, with a changing cookie", scenario: "browser-cookie", figure: CPU, to: "floor", most: 1.10},
	{what: "pipelined", scenario: "pipelined", figure: CPU, to: "floor", most: 1.30},
	{what: "a connection per request", scenario: "close", figure: CPU, to: "floor", most: 0.85},
	{what: "a file of 1 KiB", scenario: "static-1k", figure: CPU, to: "floor", most: 1.06},
	{what: "a file of 64 KiB", scenario: "static-64k", figure: CPU, to: "floor", most: 0.85},
	{what: "a file of 64 KiB", scenario: "static-64k", figure: CPU, to: "nginx", most: 1.00},
	{what: "a file of 10 MiB", scenario: "static-10m", figure: CPU, to: "floor", most: 1.00},
	{what: "one connection", scenario: "connections-1", figure: CPU, to: "floor", most: 1.13},
	{what: "four connections", scenario: "connections-4", figure: CPU, to: "floor", most: 1.06},
	{what: "20,000 requests a second", scenario: "rate", figure: CPU, to: "floor", most: 1.10},
	{what: "hello over TLS", scenario: "tls-hello", figure: CPU, to: "nginx", most: 0.68},
	{what: "hello over TLS", scenario: "tls-hello", figure: CPU, to: "bun", most: 0.90},
	{what: "a full TLS handshake", scenario: "tls-handshakes", figure: CPU, to: "nginx", most: 0.80},
	{what: "a Blocking handler", scenario: "handlers", server: "blocking", figure: CPU, to: "nethttp", most: 0.50},
	{what: "a handler of net/http", scenario: "handlers", server: "std", figure: CPU, to: "nethttp", most: 0.50},
	{what: "a request on two loops", scenario: "loops", server: "loops-2", figure: CPU, to: "loops-1", most: 1.03},
	{what: "bytes of an idle connection", scenario: "idle-memory", figure: Held, most: 160},
	{what: "bytes of one over TLS", scenario: "idle-memory-tls", figure: Held, most: 6 << 10},
	{what: "HTTP/2 over TLS, 64 × 1 stream", scenario: "h2-64", figure: CPU, to: "nginx", most: 0.66},
	{what: "HTTP/2 over TLS, 64 × 1 stream", scenario: "h2-64", figure: CPU, to: "h2o", most: 0.72},
	{what: "HTTP/2 over TLS, 64 × 1 stream", scenario: "h2-64", figure: CPU, to: "bobbin-http1", most: 1.08},
	{what: "HTTP/2 over TLS, 1 × 100 streams", scenario: "h2-1x100", figure: CPU, to: "nginx", most: 0.13},
	{what: "HTTP/2 over TLS, 1 × 100 streams", scenario: "h2-1x100", figure: CPU, to: "h2o", most: 0.60},
	{what: "HTTP/2 over TLS, 16 × 10 streams", scenario: "h2-16x10", figure: CPU, to: "nginx", most: 0.25},
	{what: "the same, a browser's fields", scenario: "h2-browser", figure: CPU, to: "nginx", most: 0.28},
	{what: "the same, 64 KiB", scenario: "h2-64k", figure: CPU, to: "nginx", most: 0.58},
	{what: "HTTP/2 in plain text, 64 KiB", scenario: "h2c-64k", figure: CPU, to: "nginx", most: 0.50},
	{what: "bytes of a hello answer of HTTP/2", scenario: "h2-16x10", figure: Octets, most: 65},
	{what: "bytes of an idle connection of HTTP/2 over TLS", scenario: "idle-memory-h2", figure: Held, beyond: "bobbin-http1", most: 2_500},
	{what: "bytes of an idle connection of HTTP/2", scenario: "idle-memory-h2c", figure: Held, most: 3_000},
	{what: "a message of 64 bytes over WebSocket", scenario: "websocket-64", server: "bobbin-ws", figure: CPU, to: "bun-ws", most: 1.05},
	{what: "16 messages of 64 bytes at once", scenario: "websocket-16x16", server: "bobbin-ws", figure: CPU, to: "bun-ws", most: 0.75},
	{what: "16 messages of 16 KB at once", scenario: "websocket-16k", server: "bobbin-ws", figure: CPU, to: "bun-ws", most: 0.65},
	{what: "bytes of an idle WebSocket", scenario: "idle-memory-websocket", server: "bobbin-ws", figure: Held, most: 450},
	{what: "µs of a broadcast for a receiver", scenario: "broadcast", server: "bobbin-ws", figure: CPU, most: 2.5e-6},
	{what: "user instructions: hello", scenario: "instructions", figure: UserHello, most: 1_350},
	{what: "user instructions: a browser's", scenario: "instructions", figure: UserBrowser, most: 1_700},
	{what: "user instructions: its cookie changes", scenario: "instructions", figure: UserCookie, most: 4_200},
	{what: "user instructions: pipelined", scenario: "instructions", figure: UserPipelined, most: 1_000},
	{what: "user instructions: a browser's 1 KiB file", scenario: "instructions", figure: UserAskedFile, most: 3_500},
}

// name returns the name of the server that the goal is for.
func (g goal) name() string {
	if g.server == "" {
		return "bobbin"
	}
	return g.server
}

// reached returns the figure of a run, rounded as it is printed, or false if it was
// not measured.
func (g goal) reached(s *Scenario) (float64, bool) {
	if s == nil {
		return 0, false
	}
	v := s.Server(g.name())
	if g.to != "" {
		r := relative(v, s.Server(g.to), g.figure)
		return math.Round(100*r) / 100, r > 0
	}
	value, ok := v.median(g.figure)
	if g.beyond != "" {
		less, there := s.Server(g.beyond).median(g.figure)
		value, ok = value-less, ok && there
	}
	if g.figure == CPU { // is printed in hundredths of a microsecond
		return math.Round(1e8*value) / 1e8, ok
	}
	return math.Round(value), ok
}

// median returns a figure of a server, which may be nil.
func (s *Server) median(key string) (float64, bool) {
	if s == nil {
		return 0, false
	}
	sum, ok := s.Summary[key]
	return sum.Value, ok
}

// goalTable returns a row for each goal: the figure, the goal, and whether it holds. In
// a part of the measurements those that were not measured are left out.
func (r *Report) goalTable() [][]string {
	table := [][]string{{"goal", "in proportion to", "bobbin", "at most", "", "disturbed"}}
	for _, g := range goals {
		s := r.scenario(g.scenario)
		to, format := "–", figure(g.figure).Format
		switch {
		case g.to != "":
			to, format = g.to, ratio
		case g.beyond != "":
			to = "beyond " + g.beyond
		}
		is, verdict, disturbed := "–", "not measured", "–"
		if v, ok := g.reached(s); ok {
			is, verdict = format(v), "holds"
			if v > g.most {
				verdict = "falls short"
			}
			disturbed = s.disturbed(g.name(), g.to, g.beyond).words()
		} else if r.Partial {
			continue
		}
		table = append(table, []string{g.what, to, is, format(g.most), verdict, disturbed})
	}
	return table
}

// scenario finds a scenario by its name, or returns nil.
func (r *Report) scenario(name string) *Scenario {
	for _, s := range r.Scenarios {
		if s.Name == name {
			return s
		}
	}
	return nil
}
