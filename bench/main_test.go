package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bobbin-http/bobbin/bench/child"
	"github.com/bobbin-http/bobbin/bench/load"
	"github.com/bobbin-http/bobbin/bench/meter"
	"github.com/bobbin-http/bobbin/bench/report"
	"github.com/bobbin-http/bobbin/bench/server"
)

// TestMain lets this binary be what the program is, too: a generator of load,
// and a server to try it on.
func TestMain(m *testing.M) {
	if had, err := load.Main(os.Args[1:], os.Stdin, os.Stdout); had {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		serve(os.Args[2], os.Args[3])
		return
	}
	code := m.Run()
	child.EndAll()
	os.Exit(code)
}

// serve answers with a text; "mortal" does so a few times and then falls dead.
func serve(port, text string) {
	var n atomic.Int64
	err := http.ListenAndServe(net.JoinHostPort("127.0.0.1", port), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := text
		if text == "mortal" {
			answer = "Hello, World!"
			if n.Add(1) == 100 {
				fmt.Fprintln(os.Stderr, "I die")
				os.Exit(3)
			}
		}
		fmt.Fprint(w, answer)
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestTheCommandLine(t *testing.T) {
	tests := []struct {
		name string
		args string
		want options
		err  string
	}{
		{"nothing means everything, three times", "", options{rounds: 3, seconds: 2}, ""},
		{"a quick run measures once", "--quick", options{quick: true, rounds: 1, seconds: 1}, ""},
		{"unless it is told otherwise", "--quick --rounds 2 --seconds 4", options{quick: true, rounds: 2, seconds: 4}, ""},
		{"a run that was broken off is resumed on demand", "--resume", options{rounds: 3, seconds: 2, resume: true}, ""},
		{"only and out", "--only a/b,c --out x", options{rounds: 3, seconds: 2, only: "a/b,c", out: "x"}, ""},
		{"an unknown flag is refused", "--fast", options{}, "fast"},
		{"a pattern that is none is refused", "--only [", options{}, "syntax error in pattern"},
		{"so is what is no flag", "hello-64", options{}, "name measurements with --only"},
		{"so are negative numbers", "--rounds -1", options{}, "negative"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parse(strings.Fields(test.args))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestWhatIsMeasured(t *testing.T) {
	tests := []struct {
		name             string
		options          options
		scenario, server string
		want             bool
	}{
		{"everything", options{}, "hello-256", "nginx", true},
		{"a quick run has some scenarios", options{quick: true}, "hello-64", "nginx", true},
		{"and not others", options{quick: true}, "hello-256", "nginx", false},
		{"unless they are named", options{quick: true, only: "hello-256"}, "hello-256", "nginx", true},
		{"a scenario with all servers", options{only: "hello-*"}, "hello-64", "nginx", true},
		{"no other scenario", options{only: "hello-*"}, "close", "nginx", false},
		{"a server in all scenarios", options{only: "*/bobbin"}, "close", "bobbin", true},
		{"no other server", options{only: "*/bobbin"}, "close", "nginx", false},
		{"one of many", options{only: "close/h2o, */bobbin"}, "close", "bobbin", true},
		{"a scenario of which some server is wanted", options{only: "close/h2o"}, "close", "", true},
	}
	all := scenarios(20_000, false)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := all[slices.IndexFunc(all, func(s *scenario) bool { return s.name == test.scenario })]
			if got := test.options.wants(s, test.server); got != test.want {
				t.Errorf("%s is wanted in %s: %v", test.server, test.scenario, got)
			}
		})
	}
}

func TestWhoTakesPart(t *testing.T) {
	tests := []struct {
		name, only, scenario, server string
		want                         bool
	}{
		{"all rivals where they are compared in full", "", "hello-64", "haproxy", true},
		{"the others without the minor ones", "", "static-1k", "haproxy", false},
		{"but with the rest", "", "static-1k", "nethttp", true},
		{"a changing cookie with the cheapest", "", "browser-cookie", "bun", true},
		{"the second floor not where rivals are few", "", "hello-256", "floor-edge", false},
		{"the cheapest rivals where a number grows", "", "connections-10", "nginx", true},
		{"with the floor", "", "fields-10", "floor", true},
		{"and bobbin", "", "fields-10", "bobbin", true},
		{"but no other rivals", "", "connections-10", "haproxy", false},
		{"unless they are asked for by name", "connections-10/haproxy", "connections-10", "haproxy", true},
		{"a pattern of all servers asks for none of them", "connections-10/*", "connections-10", "haproxy", false},
		{"the second floor where waiting is part of the cost", "", "hello-64", "floor-edge", true},
		{"and not with files", "", "static-64k", "floor-edge", false},
		{"one loop beside two, where they are compared", "", "loops", "loops-1", true},
		{"and two", "", "loops", "loops-2", true},
		{"and no other server", "", "loops", "bobbin", false},
		{"two loops nowhere else", "", "hello-64", "loops-2", false},
		{"bobbin by HTTP/1.1 where others speak HTTP/2", "", "h2-64", "bobbin-http1", true},
		{"beside bobbin", "", "h2c-64k", "bobbin", true},
		{"and the rivals that speak it", "", "h2-browser", "lighttpd", true},
		{"but none that does not", "", "h2-64", "fasthttp", false},
		{"by HTTP/1.1 nowhere else", "", "hello-64", "bobbin-http1", false},
		{"programs with WebSocket where messages are", "", "broadcast", "bobbin-ws", true},
		{"and no others", "", "broadcast", "bobbin", false},
		{"nobody but bobbin has our loop", "", "turn-10", "bobbin", true},
		{"no rival", "", "turn-10", "nginx", false},
		{"not even if it is asked for", "turn-10/nginx", "turn-10", "nginx", false},
	}
	all, kinds := scenarios(20_000, false), server.Kinds()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := &bench{options: options{only: test.only}}
			s := all[slices.IndexFunc(all, func(s *scenario) bool { return s.name == test.scenario })]
			k := kinds[slices.IndexFunc(kinds, func(k *server.Kind) bool { return k.Name == test.server })]
			if got := b.takesPart(s, k); got != test.want {
				t.Errorf("%s takes part in %s: %v", test.server, test.scenario, got)
			}
		})
	}
}

func TestEachServerCanDoItsScenario(t *testing.T) {
	w, err := server.NewWorkshop(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{shop: w, site: &server.Site{}, certificate: &server.Certificate{}}
	for _, s := range scenarios(20_000, false) {
		for _, k := range server.Kinds() {
			if !slices.Contains(s.with, k.Name) {
				continue
			}
			if err := w.Can(k, b.job(s, k)); err != nil && err.Error() != "node is not installed" && !strings.Contains(err.Error(), "module is not installed") {
				t.Errorf("%s is named by %s, and cannot do it: %v", k.Name, s.name, err)
			}
			want := s.request.Protocol
			if k.Name == "bobbin-http1" {
				want = server.HTTP1
			}
			if got := b.job(s, k).Request.Protocol; got != want {
				t.Errorf("%s is asked by %v in %s, want %v", k.Name, got, s.name, want)
			}
		}
	}
}

func TestOnlyLoopsHaveAllCores(t *testing.T) {
	b := &bench{cores: meter.Cores{Server: 3, Client: 4}}
	for _, s := range scenarios(20_000, false) {
		want := 3
		if s.name == "loops" {
			want = child.AnyCore
		}
		if got := b.serverCore(s); got != want {
			t.Errorf("the servers of %s run on core %d, want %d", s.name, got, want)
		}
	}
}

func TestWhatABenchmarkPrintsIsUnderstood(t *testing.T) {
	const both = "goos: linux\nBenchmarkTurn/connections=10-2   \t 3730722\t       320.0 ns/op\t       0 B/op\t       0 allocs/op\n" +
		"BenchmarkDeadlines/connections=10 \t69953895\t        16.00 ns/op\n"
	tests := []struct {
		name, text     string
		turn, deadline float64
		err            string
	}{
		{"with and without the number of processors", both + "PASS\n", 320e-9, 16e-9, ""},
		{"others do not count", both + "BenchmarkOther/connections=10 1 5 ns/op\n", 320e-9, 16e-9, ""},
		{"one of two is too few", both[:strings.Index(both, "BenchmarkDeadlines")], 0, 0, "not all benchmarks"},
		{"a time that is none is noticed", strings.Replace(both, "320.0", "soon", 1), 0, 0, "is not a time"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseBenchmarks(test.text)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("the error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || got[report.Turn] != test.turn || got[report.Deadline] != test.deadline {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestTheCountedTurnsAreRowsOfTheProgramsBenchmark(t *testing.T) {
	text, err := os.ReadFile("../cmd/bobbin/cost_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range countedTurns {
		if !strings.Contains(string(text), "\t{\""+c.row+"\", ") {
			t.Errorf("BenchmarkTurn has no row %q", c.row)
		}
	}
}

func TestScenariosFitTheMachine(t *testing.T) {
	for _, descriptors := range []int{256, 1024, 4096, 20_000, 1 << 20} {
		for _, quick := range []bool{false, true} {
			seen := make(map[string]bool)
			for _, s := range scenarios(descriptors, quick) {
				if seen[s.name] {
					t.Errorf("with %d descriptors there are two %s", descriptors, s.name)
				}
				seen[s.name] = true
				if s.connections+s.idle > max(descriptors-100, 1100) {
					t.Errorf("%s has %d connections, with %d descriptors", s.name, s.connections+s.idle, descriptors)
				}
				if s.not == "" || s.does == "" || s.measure == nil || s.load == nil && s.cost != report.Held && s.inside == nil {
					t.Errorf("%s is not complete", s.name)
				}
			}
		}
	}
}

func TestFifteenThousandConnectionsAreMeasuredWhereDescriptorsAllow(t *testing.T) {
	for descriptors, want := range map[int]bool{1024: false, 12_000: false, 15_499: false, 15_500: true, 1 << 20: true} {
		got := slices.ContainsFunc(scenarios(descriptors, false), func(s *scenario) bool { return s.name == "connections-15000" })
		if got != want {
			t.Errorf("with %d descriptors: %v", descriptors, got)
		}
	}
}

func TestRequestsAreOfTheSizeThatIsClaimed(t *testing.T) {
	tests := []struct {
		name, scenario string
		least, most    int
	}{
		{"a browser's", "browser", 570, 640},
		{"the same without what changes", "browser-cookie", 570, 640},
		{"one of many fields", "fields-100", 99 * 40, 99*40 + 60},
		{"wrk's own", "hello-64", 40, 60},
	}
	all := scenarios(20_000, false)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := all[slices.IndexFunc(all, func(s *scenario) bool { return s.name == test.scenario })]
			if n := len(s.request.Text("127.0.0.1:12345")); n < test.least || n > test.most {
				t.Errorf("it has %d bytes", n)
			}
		})
	}
	if n := strings.Count(all[0].request.Text("a"), "\r\n") - 2; n != 1 {
		t.Errorf("the plainest request has %d fields", n)
	}
}
