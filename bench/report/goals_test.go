package report

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// goalRow returns the row of a goal in a run with one scenario, hello-64.
func goalRow(t *testing.T, s *Scenario, what, to string) []string {
	t.Helper()
	r := &Report{}
	if s != nil {
		s.Name = "hello-64"
		r.Scenarios = []*Scenario{s}
	}
	for _, row := range r.goalTable() {
		if row[0] == what && row[1] == to {
			return row[2:]
		}
	}
	t.Fatalf("there is no goal for %s", what)
	return nil
}

func TestAGoalHoldsOrFallsShort(t *testing.T) {
	disturbed := measured(map[string][]float64{"floor": {100, 100, 100}, "bobbin": {120, 105, 106}})
	disturbed.Server("floor").Rounds[1].Values[Others] = 0.04
	disturbed.Server("floor").Rounds[2].Values[Others] = 0.3
	disturbed.Server("bobbin").Rounds[0].Values[Others] = 0.45
	tests := []struct {
		name string
		of   *Scenario
		want []string
	}{
		{"one that is reached holds", measured(map[string][]float64{"floor": {100}, "bobbin": {106}}), []string{"1.06", "1.06", "holds", "–"}},
		{"what is printed is what is compared", measured(map[string][]float64{"floor": {100}, "bobbin": {106.4}}), []string{"1.06", "1.06", "holds", "–"}},
		{"one that is missed falls short", measured(map[string][]float64{"floor": {100}, "bobbin": {107}}), []string{"1.07", "1.06", "falls short", "–"}},
		{"the median of the rounds counts, and rounds that were disturbed are named", disturbed, []string{"1.06", "1.06", "holds", "2 of 3, up to 45 %"}},
		{"a run without the floor does not know", measured(map[string][]float64{"bobbin": {107}}), []string{"–", "1.06", "not measured", "–"}},
		{"nor does one without the scenario", nil, []string{"–", "1.06", "not measured", "–"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := goalRow(t, test.of, "hello", "floor"); !slices.Equal(got, test.want) {
				t.Errorf("the row is %q, want %q", got, test.want)
			}
		})
	}
}

func TestAPartOfTheMeasurementsHasOnlyItsGoals(t *testing.T) {
	s := measured(map[string][]float64{"floor": {100}, "bobbin": {106}})
	s.Name = "hello-64"
	r := &Report{Scenarios: []*Scenario{s}}
	if n := len(r.goalTable()); n != len(goals)+1 {
		t.Errorf("a whole run has %d rows for %d goals", n, len(goals))
	}
	r.Partial = true
	if n := len(r.goalTable()); n != 2 {
		t.Errorf("a part has %d rows, want a heading and one", n)
	}
}

func TestAGoalMayBeAFigureByItself(t *testing.T) {
	s := &Scenario{Name: "idle-memory", Cost: Held, Servers: []*Server{{Name: "bobbin", Role: "ours"}}}
	s.Servers[0].Add(1, map[string]float64{Held: 160.4})
	s.Sum()
	r := &Report{Scenarios: []*Scenario{s}}
	want := []string{"bytes of an idle connection", "–", "160", "160", "holds", "–"}
	if !slices.ContainsFunc(r.goalTable(), func(row []string) bool { return slices.Equal(row, want) }) {
		t.Errorf("no row is %q", want)
	}
}

func TestAGoalMayBeADifferenceOrATime(t *testing.T) {
	idle := &Scenario{Name: "idle-memory-h2", Cost: Held, Servers: []*Server{{Name: "bobbin", Role: "ours"}, {Name: "bobbin-http1", Role: "ours"}}}
	idle.Servers[0].Add(1, map[string]float64{Held: 11_600})
	idle.Servers[1].Add(1, map[string]float64{Held: 9_000})
	idle.Sum()
	broadcast := &Scenario{Name: "broadcast", Cost: CPU, Servers: []*Server{{Name: "bobbin-ws", Role: "ours"}}}
	broadcast.Servers[0].Add(1, map[string]float64{CPU: 2.4961e-6})
	broadcast.Sum()
	alone := &Scenario{Name: "idle-memory-h2", Cost: Held, Servers: idle.Servers[:1]}
	tests := []struct {
		name string
		of   []*Scenario
		want []string
	}{
		{"what is beyond another server's", []*Scenario{idle}, []string{"bytes of an idle connection of HTTP/2 over TLS", "beyond bobbin-http1", "2,600", "2,500", "falls short", "–"}},
		{"which was not measured", []*Scenario{alone}, []string{"bytes of an idle connection of HTTP/2 over TLS", "beyond bobbin-http1", "–", "2,500", "not measured", "–"}},
		{"microseconds", []*Scenario{broadcast}, []string{"µs of a broadcast for a receiver", "–", "2.50", "2.50", "holds", "–"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := (&Report{Scenarios: test.of}).goalTable()
			if !slices.ContainsFunc(table, func(row []string) bool { return slices.Equal(row, test.want) }) {
				t.Errorf("no row is %q:\n%q", test.want, table)
			}
		})
	}
}

func TestBobbinIsOneWhereThereIsNoFloor(t *testing.T) {
	s := &Scenario{Name: "h2-64", Cost: CPU}
	for name, cost := range map[string]float64{"bobbin": 10, "bobbin-http1": 8, "nginx": 20} {
		v := &Server{Name: name, Role: "ours"}
		if name == "nginx" {
			v.Role = "rival"
		}
		v.Add(1, map[string]float64{CPU: cost})
		s.Servers = append(s.Servers, v)
	}
	s.Sum()
	if base := s.base(); base.Name != "bobbin" {
		t.Errorf("1.00 is %s, which is cheaper", base.Name)
	}
}

func TestEachRowSaysWhetherItWasDisturbed(t *testing.T) {
	s := measured(map[string][]float64{"floor": {7e-6, 7e-6}, "bobbin": {8e-6, 8e-6}, "nginx": {9e-6, 9e-6}})
	for i, part := range []float64{0.01, 0.45} {
		s.Server("bobbin").Rounds[i].Values[Others] = part
		s.Server("nginx").Rounds[i].Values[Others] = 0.02
	}
	s.Sum()
	r := &Report{Scenarios: []*Scenario{s}}
	var printed strings.Builder
	s.Print(&printed)
	r.PrintOverview(&printed)
	page := r.Markdown(nil)
	for _, want := range []string{"bobbin: disturbed: others used of its core 45 % in round 2\n", "1 of 4, up to 45 %"} {
		if !strings.Contains(printed.String(), want) || !strings.Contains(page, want) {
			t.Errorf("%q is not in what is printed or written:\n%s", want, &printed)
		}
	}
	if strings.Contains(page, "nginx: disturbed") {
		t.Error("a server that was alone is said to have been disturbed")
	}
	if doubts := r.Doubts(); len(doubts) != 1 || !strings.HasPrefix(doubts[0], "Others used the server's core during 1 of 4 measurements, up to 45 %") {
		t.Errorf("the doubts are %q", doubts)
	}
}

func TestTheReadmeHasTheNumbersOfTheCommittedRun(t *testing.T) {
	r, err := Read("../results/results.json")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.InReadme(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(page) {
		t.Errorf("the table of README.md is not that of the run in bench/results; go run . --readme, in bench, makes it:\n%s", r.ReadmeTable())
	}
	committed, err := os.ReadFile("../results/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(committed), r.Commit) {
		t.Errorf("bench/results/README.md is not of the same run as results.json, of %s", r.Commit)
	}
}

func TestATableGetsIntoTheReadme(t *testing.T) {
	s := measured(map[string][]float64{"floor": {10}, "bobbin": {11}, "nginx": {12}})
	s.Name = "hello-64"
	idle := &Scenario{Name: "idle-memory", Cost: Held, Servers: []*Server{{Name: "bobbin", Role: "ours"}, {Name: "nginx", Role: "rival"}}}
	idle.Servers[0].Add(1, map[string]float64{Held: 1234})
	idle.Servers[1].Add(1, map[string]float64{Held: 5678})
	idle.Sum()
	messages := &Scenario{Name: "websocket-64", Cost: CPU, Servers: []*Server{{Name: "bobbin-ws", Role: "ours"}, {Name: "coder", Role: "rival"}}}
	messages.Servers[0].Add(1, map[string]float64{CPU: 2})
	messages.Servers[1].Add(1, map[string]float64{CPU: 4})
	messages.Sum()
	r := &Report{Scenarios: []*Scenario{s, idle, messages}}
	const table = `| processor time of | bobbin | nginx |
|---|--:|--:|
| 13 bytes, 64 connections | **1.10** | 1.20 |
| bytes of an idle connection | **1,234** | 5,678 |
| WebSocket: a message of 64 bytes | **1.00** | – |
`
	tests := []struct{ name, page, want string }{
		{"in the place of an older one", "before\n\n| processor time of | other |\n|---|\n| 1 |\n\nafter\n", "before\n\n" + table + "\nafter\n"},
		{"and again", "before\n\n" + table + "\nafter\n", "before\n\n" + table + "\nafter\n"},
		{"but not where there is none", "before\n\nafter\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := r.InReadme(test.page)
			if got != test.want || (err == errNoTable) != (test.want == "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
