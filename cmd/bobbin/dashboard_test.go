package main

import (
	"encoding/json"
	nethttp "net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	dashboardFile = "../../deploy/grafana/bobbin.json"
	rulesFile     = "../../deploy/prometheus/bobbin.rules.yml"
)

// A dashboard is as much of Grafana's as a query needs.
type dashboard struct {
	Templating struct{ List []struct{ Name string } }
	Panels     []struct {
		ID          int
		Type, Title string
		Description string
		GridPos     struct{ H, W, X, Y int }
		Targets     []struct{ RefID, Expr, LegendFormat string }
	}
}

// readDashboard reads that of deploy, and complains of panels that lie upon each other or have no
// name or question.
func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	ids, cells := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d, %q, has a number twice, or no name, description or question", p.ID, p.Title)
		}
		ids[p.ID] = true
		for y := range p.GridPos.H {
			for x := range p.GridPos.W {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := cells[at]; other != "" || at[0] >= 24 {
					t.Fatalf("%q lies upon %q, or beside the page", p.Title, other)
				}
				cells[at] = p.Title
			}
		}
	}
	return &d
}

// expressions returns what the dashboard asks, with its variables as Grafana would have them, and
// what the alerts compare with a number.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	variables := strings.NewReplacer("$__rate_interval", "10s", "$job", ".*", "$instance", ".*")
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			all = append(all, variables.Replace(target.Expr))
		}
	}
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`(?m)^ *expr: (.*) (?:>|<|==) [0-9.]+$`).FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "- alert:"); n == 0 || n != len(alerts) {
		t.Errorf("%d of %d alerts compare something with a number", len(alerts), n)
	}
	for _, alert := range alerts {
		all = append(all, alert[1])
	}
	return all
}

// result returns how many series Prometheus has for an expression, and why it cannot tell.
func (p *prometheus) result(expression string) (series int, why string) {
	var answer struct {
		Status, Error string
		Data          struct{ Result []struct{ Value []any } }
	}
	if err := p.ask("/api/v1/query?query="+neturl.QueryEscape(expression), &answer); err != nil {
		return 0, err.Error()
	}
	return len(answer.Data.Result), answer.Error
}

// TestDashboardAndAlertsHaveData has a real Prometheus scrape two servers that have some to do, and
// asks it all that the dashboard and the alerts of deploy ask.
func TestDashboardAndAlertsHaveData(t *testing.T) {
	t.Parallel()
	site := folder(t, map[string][]byte{"index.html": some})
	one := start(t, "", "--admin", "127.0.0.1:0", "--limit-rate", "1000/s", site)
	two := start(t, "", "--admin", "127.0.0.1:0", "--loops", "2", site)
	prom := startPrometheus(t, one.admin(), two.admin())
	prom.become(`up{job="bobbin"}`, 1)

	stop, over := make(chan bool), make(chan bool)
	go func() {
		defer close(over)
		for {
			for _, url := range []string{one.url, two.url, two.url + "nothing"} {
				if answer, err := nethttp.Get(url); err == nil {
					answer.Body.Close()
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	defer func() {
		close(stop)
		<-over
	}()
	for _, expression := range expressions(t) {
		series, why := 0, ""
		for range 1500 {
			if series, why = prom.result(expression); series > 0 || strings.Contains(why, "parse error") {
				break
			}
			<-time.After(20 * time.Millisecond)
		}
		if series == 0 {
			t.Errorf("there is no data for %s: %s", expression, why)
		}
	}
}

// TestPromtoolFindsNoFaultInTheRules has Prometheus' own tool read the alerts, whose every line of
// advice is there.
func TestPromtoolFindsNoFaultInTheRules(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("skipped: promtool is not installed (Debian's package prometheus)")
	}
	if out, err := exec.Command(promtool, "check", "rules", "--lint-fatal", rulesFile).CombinedOutput(); err != nil || !strings.Contains(string(out), "11 rules found") {
		t.Errorf("it says %s: %v", out, err)
	}
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	for rule := range strings.SplitSeq(string(text), "- alert:") {
		name, _, _ := strings.Cut(rule, "\n")
		if missing := slices.IndexFunc([]string{"summary:", "description:", "severity:"}, func(s string) bool { return !strings.Contains(rule, s) }); missing >= 0 && !strings.HasPrefix(rule, "#") {
			t.Errorf("the alert%s lacks one of summary, description and severity", name)
		}
	}
}
