package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// measured makes a scenario of what some servers cost in each round. A cost of 0
// is a round without one.
func measured(costs map[string][]float64) *Scenario {
	s := &Scenario{Name: "hello", Title: "hello, <world> & \"others\"", Does: "It greets.", Not: "more than that.", Cost: CPU}
	roles := map[string]string{"floor": "floor", "floor-edge": "floor", "bobbin": "ours"}
	for _, name := range []string{"nginx", "node", "bobbin", "floor", "floor-edge"} { // in no order
		rounds, ok := costs[name]
		if !ok {
			continue
		}
		role := roles[name]
		if role == "" {
			role = "rival"
		}
		v := &Server{Name: name, Role: role, Bytes: 123}
		for i, c := range rounds {
			if c > 0 {
				v.Add(i+1, map[string]float64{CPU: c, Rate: 1 / c})
			}
		}
		s.Servers = append(s.Servers, v)
	}
	s.Sum()
	return s
}

func TestRatios(t *testing.T) {
	tests := []struct {
		name        string
		costs       map[string][]float64
		floor, best float64 // of bobbin's cost
		bestRate    float64
	}{
		{
			name:  "one round is what it is",
			costs: map[string][]float64{"floor": {10}, "bobbin": {11}, "nginx": {20}, "node": {100}},
			floor: 1.1, best: 0.55, bestRate: 20.0 / 11,
		},
		{
			name: "a machine that is slow in one round is slow for all",
			// The medians alone would have it at 1.8.
			costs: map[string][]float64{"floor": {10, 10, 30}, "bobbin": {12, 18, 36}, "nginx": {20, 20, 60}},
			floor: 1.2, best: 0.6, bestRate: 1 / 0.6,
		},
		{
			name:  "rounds that one of the two missed do not count",
			costs: map[string][]float64{"floor": {10, 0, 10}, "bobbin": {11, 99, 0}, "nginx": {0, 0, 20}},
			floor: 1.1,
		},
		{
			name:  "without a floor there is no ratio to it",
			costs: map[string][]float64{"bobbin": {10}, "nginx": {20}},
			best:  0.5, bestRate: 2,
		},
		{
			name:  "without a rival there is none to the best",
			costs: map[string][]float64{"bobbin": {10}, "floor": {8}, "floor-edge": {1}},
			floor: 1.25,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := measured(test.costs).Server("bobbin")
			near := func(what string, got, want float64) {
				if d := got - want; d > 1e-9 || d < -1e-9 {
					t.Errorf("%s is %v, want %v", what, got, want)
				}
			}
			near("the ratio to the floor", v.Summary[CPU].Floor, test.floor)
			near("the ratio to the best rival", v.Summary[CPU].Best, test.best)
			near("that of the rate", v.Summary[Rate].Best, test.bestRate)
		})
	}
}

func TestTheBestRivalIsTheCheapestOrTheFastest(t *testing.T) {
	s := measured(map[string][]float64{"floor": {1}, "bobbin": {2}, "nginx": {20, 22, 19}, "node": {21, 19, 25}})
	for _, v := range s.Servers {
		best := v.Name == "nginx"
		if v.Summary[CPU].IsBest != best || v.Summary[Rate].IsBest != best {
			t.Errorf("%s: %+v", v.Name, v.Summary)
		}
	}
	var order []string
	for _, v := range measured(map[string][]float64{"floor": {9}, "floor-edge": {8}, "bobbin": {50}, "nginx": {30}, "node": {20}}).Servers {
		order = append(order, v.Name)
	}
	if got := strings.Join(order, " "); got != "floor floor-edge bobbin node nginx" {
		t.Errorf("the order is %s", got)
	}
}

func TestMedians(t *testing.T) {
	tests := []struct {
		name string
		all  []float64
		want float64
	}{
		{"of one", []float64{3}, 3},
		{"of two, the middle between them", []float64{1, 2}, 1.5},
		{"of three, whatever their order", []float64{9, 1, 5}, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := median(test.all); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestNumbersAreWrittenToBeRead(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"thousands have commas", count(1234567), "1,234,567"},
		{"hundreds have none", count(999.4), "999"},
		{"few have a digit more", count(1.25), "1.2"},
		{"a cost is in microseconds", microseconds(7.654e-6), "7.65"},
		{"a large one needs no digits behind the point", microseconds(0.0123), "12,300"},
		{"a short time", duration(44.04e-6), "44.0 µs"},
		{"a time", duration(0.00258), "2.58 ms"},
		{"a long time", duration(1.5), "1.50 s"},
		{"memory", bytes(9122611), "8.7 MiB"},
		{"less memory", bytes(90 << 10), "90 KiB"},
		{"a ratio", ratio(1.058), "1.06"},
		{"a ratio that nobody needs to know exactly", ratio(1278.4), "1,278"},
		{"an axis has no zeros behind the point", short("10.00"), "10"},
		{"but before it", short("100"), "100"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %q, want %q", test.got, test.want)
			}
		})
	}
}

// full is a report with something of everything.
func full() *Report {
	r := &Report{
		Date: time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC), Took: time.Minute, Commit: "0123456789ab", Command: "go run .",
		Rounds: 3, Seconds: 1, Method: []string{"By looking."},
		Machine: []Pair{{"processor", "one | two"}}, Versions: []Pair{{"floor", "C"}, {"bobbin", "0.1"}, {"nginx", "1.22"}},
		Skipped: []Pair{{"h2o", "h2o is not installed"}}, Warnings: []string{"Others were there."},
	}
	first := measured(map[string][]float64{"floor": {7e-6, 8e-6}, "bobbin": {8e-6, 9e-6}, "nginx": {12e-6, 11e-6}, "node": {900e-6, 950e-6}})
	first.Left = []Pair{{"article", "it keeps no connection open"}}
	first.Trips = []float64{85e-9, 90e-9}
	first.Server("bobbin").Calls = map[string]float64{"recvfrom": 1, "sendto": 1.02, "futex": 0.001}
	first.Server("nginx").Notes = []string{"12 failed reads"}
	r.Scenarios = append(r.Scenarios, first)
	for _, x := range []int{1, 10, 1000} {
		s := measured(map[string][]float64{"floor": {7e-6}, "bobbin": {8e-6 * float64(x)}})
		s.Name, s.Group, s.X = "connections-"+count0(float64(x)), "connections", x
		r.Scenarios = append(r.Scenarios, s)
	}
	// Instructions have two parts, and a scenario may have no floor, or nothing.
	s := &Scenario{Name: "tls", Title: "tls", Cost: Instructions, Servers: []*Server{{Name: "bobbin", Role: "ours"}}}
	s.Servers[0].Add(1, map[string]float64{Instructions: 19200, InUser: 6200, InKernel: 13000})
	s.Sum()
	empty := &Scenario{Name: "empty", Title: "empty", Cost: CPU, Left: []Pair{{"nginx", "it died: signal: killed"}}}
	empty.Sum()
	r.Scenarios = append(r.Scenarios, s, empty)
	return r
}

func TestPlotsAreWellFormed(t *testing.T) {
	plots := full().Plots()
	for _, name := range []string{"hello.svg", "connections.svg", "tls.svg", "overview.svg"} {
		if plots[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	if len(plots) != 4 {
		t.Errorf("there are %d plots", len(plots))
	}
	for name, svg := range plots {
		t.Run(name, func(t *testing.T) {
			d := xml.NewDecoder(strings.NewReader(svg))
			var shapes int
			for {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				start, ok := token.(xml.StartElement)
				if !ok {
					continue
				}
				switch start.Name.Local {
				case "rect", "polyline", "circle":
					shapes++
				}
				for _, a := range start.Attr {
					if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
						t.Errorf("<%s %s=%q>", start.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
			if shapes == 0 {
				t.Error("it shows nothing")
			}
			if !strings.Contains(svg, "prefers-color-scheme: dark") || !strings.Contains(svg, "aria-label") {
				t.Error("it cannot be read in the dark, or not at all")
			}
		})
	}
}

func TestWhatGrowsIsATable(t *testing.T) {
	r := full()
	for _, x := range []int{1, 10_000} {
		s := &Scenario{Name: "turn-" + count0(float64(x)), Group: "turn", X: x, Grows: "connections", Cost: Turn, Servers: []*Server{{Name: "bobbin", Role: "ours"}}}
		s.Servers[0].Add(1, map[string]float64{Turn: 340e-9, Deadline: 15.6e-9})
		s.Sum()
		r.Scenarios = append(r.Scenarios, s)
	}
	for _, s := range r.members("connections") {
		s.Grows = "connections"
	}
	r.members("connections")[1].Servers = r.members("connections")[1].Servers[:1] // of which bobbin is missing
	text := r.Markdown(r.Plots())
	for name, want := range map[string]string{
		"a row for each number, a column for each server": "| connections | floor | **bobbin** |\n|---|--:|--:|\n| 1 | 7.00 | **8.00** |\n| 10 | 7.00 | – |\n| 1,000 | 7.00 | **8,000** |\n",
		"all figures of one that is alone":                "| connections | turn ns | deadline ns |\n|---|--:|--:|\n| 1 | 340 | 15.6 |\n| 10,000 | 340 | 15.6 |\n",
	} {
		if want = strings.Replace(want, "**bobbin**", "bobbin", 1); !strings.Contains(text, want) {
			t.Errorf("%s: it does not say\n%s", name, want)
		}
	}
	if n := strings.Count(text, "\n## turn\n"); n != 1 {
		t.Errorf("there are %d sections for one group", n)
	}
	for _, row := range r.overview() {
		if strings.HasPrefix(row[0], "turn") {
			t.Error("a turn is among the costs of a request")
		}
	}
}

func TestOnePointIsEnoughForAPlot(t *testing.T) {
	s := measured(map[string][]float64{"floor": {7e-6}})
	s.Group, s.X = "alone", 1
	r := &Report{Scenarios: []*Scenario{s}}
	if r.Plots()["alone.svg"] == "" {
		t.Error("there is none")
	}
}

func TestTheReportSaysWhatFiguresDoNot(t *testing.T) {
	r := full()
	text := r.Markdown(r.Plots())
	for _, want := range []string{
		"0123456789ab", "24 November 2026", "one \\| two", "h2o is not installed", "Others were there.",
		"*What this does not say:* more than that.", "without article: it keeps no connection open", "nginx: 12 failed reads",
		"sendto 1.02, recvfrom 1.00 |", "(overview.svg)", "(connections.svg)", "85, 90", "does not say",
		figure(CPU).Not, figure(Instructions).Not,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(text, figure(Held).Not) {
		t.Error("it explains a column that there is not")
	}
	// Every table has as many cells in each row as in its heading.
	cells := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells != 0 && n != cells {
			t.Errorf("a row has %d cells in place of %d: %s", n-1, cells-1, line)
		}
		cells = n
	}
}

func TestAReportReplacesTheOneBefore(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "results")
	if err := full().Write(folder); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(folder, "mine.svg")
	if err := os.WriteFile(mine, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	second := full()
	second.Scenarios = second.Scenarios[:1]
	if err := second.Write(folder); err != nil {
		t.Fatal(err)
	}
	for name, there := range map[string]bool{
		"README.md": true, "results.json": true, "hello.svg": true, "overview.svg": true, "mine.svg": true,
		"connections.svg": false, "tls.svg": false,
	} {
		if _, err := os.Stat(filepath.Join(folder, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Scenarios[0].Server("bobbin").Summary[CPU]; got != second.Scenarios[0].Server("bobbin").Summary[CPU] {
		t.Errorf("what is read back is %+v", got)
	}
}

func TestTheTableIsInColumns(t *testing.T) {
	var b strings.Builder
	full().Scenarios[0].Print(&b)
	const want = `
hello: hello, <world> & "others"

  server  CPU µs  × floor  × best rival    req/s
  floor     7.50     1.00          0.66  133,929
  bobbin    8.50     1.13          0.74  118,056
  nginx    11.50     1.54          1.00   87,121
  node     925.0      124         80.68    1,082
`
	if got := b.String(); !strings.HasPrefix(got, want) {
		t.Errorf("it is%s\nand not%s", got, want)
	}
}
