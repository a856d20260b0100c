package inspect

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// An exposition is a page of metrics, read by the rules of both formats.
type exposition struct {
	types  map[string]string  // of families
	help   map[string]string  // likewise
	values map[string]float64 // by name and labels, as they are written
}

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? (\S+)$`)
	boundLabel = regexp.MustCompile(`,?le="([^"]*)"`)
)

// readPage reads a page, and reports what neither format allows.
func readPage(t *testing.T, text string, open bool) exposition {
	t.Helper()
	p := exposition{map[string]string{}, map[string]string{}, map[string]float64{}}
	body, ended := strings.CutSuffix(text, "# EOF\n")
	if ended != open {
		t.Errorf("the page ends with # EOF: %v", ended)
	}
	family := ""
	suffixes := map[string]string{"gauge": "", "counter": "", "histogram": "_bucket _sum _count"}
	if open {
		suffixes["counter"], suffixes["info"] = "_total", "_info"
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if help, ok := strings.CutPrefix(line, "# HELP "); ok {
			family, help, _ = strings.Cut(help, " ")
			if p.help[family] != "" {
				t.Errorf("%s is there twice", family)
			}
			p.help[family] = help
			continue
		}
		if words := strings.Fields(line); len(words) == 4 && words[0] == "#" && words[1] == "TYPE" {
			if words[2] != family || suffixes[words[3]] == "" && words[3] != "gauge" && (words[3] != "counter" || open) {
				t.Errorf("%q comes after the help of %s", line, family)
			}
			p.types[family] = words[3]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q is no line of metrics", line)
			continue
		}
		suffix, ok := strings.CutPrefix(m[1], family)
		if !ok || !slices.Contains(strings.Split(suffixes[p.types[family]], " "), suffix) {
			t.Errorf("%q is in the family %s, a %s", line, family, p.types[family])
		}
		x, err := strconv.ParseFloat(m[3], 64)
		if _, twice := p.values[m[1]+m[2]]; err != nil || twice {
			t.Errorf("%q: %v, there twice: %v", line, err, twice)
		}
		p.values[m[1]+m[2]] = x
		if b := boundLabel.FindStringSubmatch(m[2]); b != nil && open && !strings.ContainsAny(b[1], ".eI") {
			t.Errorf("OpenMetrics wants a dot in the bound of %q", line)
		}
	}
	p.checkHistograms(t)
	return p
}

// checkHistograms holds that buckets grow, and that the last one is the count.
func (p exposition) checkHistograms(t *testing.T) {
	t.Helper()
	type one struct{ bound, n float64 }
	buckets := map[string][]one{}
	for key, n := range p.values {
		if b := boundLabel.FindStringSubmatch(key); b != nil {
			bound, err := strconv.ParseFloat(b[1], 64)
			if err != nil {
				t.Errorf("%s: %v", key, err)
			}
			name := strings.Replace(strings.Replace(key, b[0], "", 1), "{}", "", 1)
			buckets[name] = append(buckets[name], one{bound, n})
		}
	}
	for name, list := range buckets {
		slices.SortFunc(list, func(a, b one) int { return int(max(min((a.bound-b.bound)*1e9, 1), -1)) })
		for i := 1; i < len(list); i++ {
			if list[i].n < list[i-1].n {
				t.Errorf("%s goes down at %v", name, list[i].bound)
			}
		}
		if count := p.values[strings.Replace(name, "_bucket", "_count", 1)]; count != list[len(list)-1].n {
			t.Errorf("%s ends with %v, and the count is %v", name, list[len(list)-1].n, count)
		}
	}
}

// scrape asks for the metrics.
func scrape(t *testing.T, c *httptest.Client) exposition {
	t.Helper()
	a := c.Get("/-/metrics", "Host: localhost")
	if a.Status != 200 || a.Header("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("the metrics are %v", a)
	}
	return readPage(t, a.Body, false)
}

// toldAll is a Config in which every metric has something to tell.
func toldAll() Config {
	return Config{
		Version: `1.2.3 "a\b"`,
		Files:   func(int) FileCounters { return FileCounters{Hits: 11, Misses: 12, Evictions: 13, Bytes: 14} },
		Limited: func() uint64 { return 15 },
		Process: func() Process {
			return Process{CPU: 1500 * time.Millisecond, Started: time.UnixMilli(1_700_000_000_250), Resident: 16, Virtual: 17, Descriptors: 18}
		},
	}
}

// TestBothFormatsTellTheSame reads every metric in both.
func TestBothFormatsTellTheSame(t *testing.T) {
	serve(t, toldAll(), 0, func(c *httptest.Client, _ *Inspector) {
		visitor := c.At("10.0.0.2")
		scrape(t, c)
		visitor.Get("/")
		visitor.Do("POST", "/", "four")
		c.Sleep(time.Second)
		plain := scrape(t, c)
		a := c.Get("/-/metrics", "Host: localhost", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
		if a.Header("Content-Type") != "application/openmetrics-text; version=1.0.0; charset=utf-8" {
			t.Errorf("the type is %q", a.Header("Content-Type"))
		}
		open := readPage(t, a.Body, true)
		for i := range families {
			f := &families[i]
			name, kind := strings.TrimSuffix(strings.TrimSuffix(f.name, "_total"), "_info"), f.kind
			if open.types[name] != f.kind || open.help[name] == "" {
				t.Errorf("%s is of type %q there, with the help %q", name, open.types[name], open.help[name])
			}
			if kind == "info" {
				kind = "gauge"
			}
			if plain.types[f.name] != kind || plain.help[f.name] == "" {
				t.Errorf("%s is of type %q here, with the help %q", f.name, plain.types[f.name], plain.help[f.name])
			}
			if f.timed != strings.Contains(plain.help[f.name], "from the first scrape until a minute without one") {
				t.Errorf("%s has the help %q", f.name, plain.help[f.name])
			}
		}
		if len(open.types) != len(families) || len(plain.values) != len(open.values) {
			t.Errorf("%d families, and %d values in place of %d", len(open.types), len(open.values), len(plain.values))
		}
		for key, want := range map[string]float64{
			`bobbin_build_info{version="1.2.3 \"a\\b\"",goversion="` + runtime.Version() + `",goos="` + runtime.GOOS + `"}`: 1,

			"bobbin_file_cache_hits_total": 11, "bobbin_file_cache_misses_total": 12, "bobbin_file_cache_evictions_total": 13, "bobbin_file_cache_bytes": 14,
			"bobbin_ratelimited_total": 15, "process_resident_memory_bytes": 16, "process_virtual_memory_bytes": 17, "process_open_fds": 18,
			"process_cpu_seconds_total": 1.5, "process_start_time_seconds": 1_700_000_000.25,
		} {
			if plain.values[key] != want || open.values[key] != want {
				t.Errorf("%s is %v and %v, not %v", key, plain.values[key], open.values[key], want)
			}
		}
	})
}

// TestCountersEqualWhatClientsDid has visitors and scrapes. A scrape is in no counter,
// before or after it, and neither is one that is under way.
func TestCountersEqualWhatClientsDid(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		visitor := c.At("10.0.0.2")
		want := map[string]float64{
			`http_server_requests_total{class="2xx"}`: 0, `http_server_requests_total{class="4xx"}`: 0, `bobbin_connections_accepted_total`: 0,
			`bobbin_connections_closed_total{reason="closed"}`: 0, `bobbin_connections{state="idle"}`: 0, `bobbin_connections{state="reading"}`: 0,
			`http_server_active_requests{url_scheme="http"}`: 0, `bobbin_connections{state="handling"}`: 0, `bobbin_loop_up{loop="0"}`: 1,
		}
		compare := func(when string) {
			t.Helper()
			p := scrape(t, c)
			for key := range want {
				if got := p.values[key]; got != want[key] {
					t.Errorf("%s: %s is %v, not %v", when, key, got, want[key])
				}
			}
		}
		compare("at first")
		compare("after a scrape")
		stays := visitor.Dial()
		for range 3 {
			stays.Send(httptest.Request("GET", "/", ""))
			stays.Answer("GET")
		}
		half := visitor.Dial()
		half.Send("GET / HT")
		wrong := visitor.Dial()
		wrong.Send("GET\r\n\r\n")
		wrong.Answer("GET")
		wrong.Close()
		if a := visitor.Get("/-/metrics", "Host: localhost"); a.Status != 403 { // by a client from elsewhere
			t.Errorf("a stranger gets %v", a)
		}
		c.Sleep(time.Second)
		want[`http_server_requests_total{class="2xx"}`] = 3
		want[`http_server_requests_total{class="4xx"}`] = 2
		want[`bobbin_connections_accepted_total`] = 4
		want[`bobbin_connections{state="idle"}`] = 1
		want[`bobbin_connections{state="reading"}`] = 1
		want[`bobbin_connections_closed_total{reason="closed"}`] = closedOf(scrape(t, c))
		compare("later")
		if want[`bobbin_connections_closed_total{reason="closed"}`]+scrape(t, c).values[`bobbin_connections_closed_total{reason="closed by the peer"}`] != 2 {
			t.Error("two have ended")
		}
		stays.Close()
		half.Close()
	})
}

func closedOf(p exposition) float64 {
	return p.values[`bobbin_connections_closed_total{reason="closed"}`]
}

// TestTimesAreStampedFromTheFirstScrapeUntilAMinuteWithoutOne asks for a duration before,
// between and after.
func TestTimesAreStampedFromTheFirstScrapeUntilAMinuteWithoutOne(t *testing.T) {
	const count = `http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",url_scheme="http",network_protocol_version="1.1"}`
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		loop := i.servers[0].Loop()
		reads := func() (is bool) {
			if err := loop.Post(func() { is = loop.BeingTimed() }); err != nil {
				t.Error(err)
			}
			c.Sleep(time.Millisecond)
			return is
		}
		visitor := c.At("10.0.0.2")
		visitor.Do("POST", "/", "four")
		if reads() {
			t.Error("the loop is timed before a scrape")
		}
		sums := func(p exposition) (s string) {
			for _, name := range []string{count, `bobbin_loop_turn_seconds_count{loop="0"}`, `bobbin_loop_lag_seconds_count{loop="0"}`, `bobbin_loop_events_per_wait_count{loop="0"}`} {
				s += fmt.Sprint(p.values[name], " ")
			}
			return s
		}
		if got := sums(scrape(t, c)); got != "0 0 0 0 " {
			t.Errorf("at the first scrape there are %s", got)
		}
		visitor.Do("POST", "/", "four")
		visitor.Do("POST", "/", "four")
		c.Sleep(200 * time.Millisecond)
		p := scrape(t, c)
		if p.values[count] != 2 || strings.Contains(sums(p), " 0 ") {
			t.Errorf("after two requests there are %s", sums(p))
		}
		for range 3 {
			c.Sleep(50 * time.Second)
			if scrape(t, c); !reads() {
				t.Error("the loop is not timed between two scrapes")
			}
		}
		visitor.Do("POST", "/", "four")
		c.Sleep(61 * time.Second)
		if reads() {
			t.Error("the loop is timed a minute after the last scrape")
		}
		visitor.Do("POST", "/", "four") // in no duration
		c.Sleep(time.Second)
		before := scrape(t, c)
		if before.values[count] != 3 {
			t.Errorf("then there are %s", sums(before))
		}
		visitor.Do("POST", "/", "four")
		c.Sleep(200 * time.Millisecond)
		after := scrape(t, c)
		if after.values[count] != 4 {
			t.Errorf("in the end there are %s", sums(after))
		}
		for key, n := range before.values {
			if strings.Contains(key, "_bucket") && after.values[key] < n {
				t.Errorf("%s goes from %v down to %v", key, n, after.values[key])
			}
		}
		c.Sleep(2 * time.Minute)
	})
}

// TestAPageThatIsOpenKeepsTheTimesOfTheMetrics has a watcher of the page come and go: the times
// are made for both.
func TestAPageThatIsOpenKeepsTheTimesOfTheMetrics(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		const turns = `bobbin_loop_turn_seconds_count{loop="0"}`
		last := scrape(t, c).values[turns]
		more := func(when string) {
			c.At("10.0.0.2").Get("/")
			c.Sleep(time.Second)
			n := scrape(t, c).values[turns]
			if n <= last {
				t.Errorf("%s there are %v turns, after %v", when, n, last)
			}
			last = n
		}
		more("before the page is open")
		_, _, s := begin(t, c)
		more("while the page is open")
		s.conn.Close()
		c.Sleep(time.Second)
		more("when it is closed")
		c.Sleep(2 * time.Minute)
	})
}

// TestEachPhaseIsThere has the time of a second, most of it asleep.
func TestEachPhaseIsThere(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		scrape(t, c)
		c.Sleep(time.Second)
		p := scrape(t, c)
		for _, phase := range Phases {
			n, there := p.values[`bobbin_loop_time_seconds_total{loop="0",phase="`+phase.ID+`"}`]
			if asleep := phase.ID == "wait"; !there || asleep != (n > 0.9) {
				t.Errorf("%s takes %v s", phase.ID, n)
			}
		}
		c.Sleep(2 * time.Minute)
	})
}

func TestTheFormatIsThatOfAccept(t *testing.T) {
	for _, row := range []struct {
		name   string
		accept string // several fields have a bar between
		open   bool
	}{
		{"without a wish it is text", "", false},
		{"a browser gets text", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
		{"curl gets text", "*/*", false},
		{"Prometheus 2 gets OpenMetrics", "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true},
		{"Prometheus 3 does", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true},
		{"text with a larger weight is text", "application/openmetrics-text;q=0.3,text/plain;q=0.4", false},
		{"with the same weight it is OpenMetrics", "text/plain,application/openmetrics-text", true},
		{"text of any kind counts", "application/openmetrics-text;q=0.3,text/*;q=0.4", false},
		{"anything counts least", "application/openmetrics-text;q=0.3,*/*;q=0.4", false},
		{"what is exact goes before what is not", "application/openmetrics-text;q=0.3,text/plain;q=0.2,*/*", true},
		{"a weight of 0 is a no", "application/openmetrics-text;q=0", false},
		{"only an older version is text", "application/openmetrics-text;version=0.0.1", false},
		{"a version may have quotation marks", `application/openmetrics-text; version="1.0.0"`, true},
		{"the case does not matter", "Application/OpenMetrics-Text; Version=1.0.0; Q=1.000", true},
		{"two fields are one list", "text/plain;q=0.1|application/openmetrics-text;q=0.2", true},
		{"a weight that is none is a no", "application/openmetrics-text;q=1.5,text/plain;q=0.1", false},
		{"nor is one with four digits", "application/openmetrics-text;q=0.1234", false},
	} {
		if got := prefersOpenMetrics(strings.Split(row.accept, "|")); got != row.open {
			t.Errorf("%s: OpenMetrics is %v", row.name, got)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.2")
	f.Add(`a;;=;q=,;,"`)
	f.Fuzz(func(t *testing.T, accept string) {
		open := prefersOpenMetrics([]string{accept})
		if open && !strings.Contains(strings.ToLower(accept), "application/openmetrics-text") {
			t.Errorf("%q does not name OpenMetrics", accept)
		}
		if open && prefersOpenMetrics([]string{accept, "*/*;q=0"}) != open {
			t.Error("what is not wanted at all changes the choice")
		}
	})
}

// TestWhoMayScrape has the addresses of the site and of the operator.
func TestWhoMayScrape(t *testing.T) {
	for _, path := range []string{"/-/metrics", "/-/healthy", "/-/ready"} {
		for _, row := range []struct {
			name   string
			loop   int
			from   string
			method string
			fields []string
			status int
		}{
			{"this machine may on the site", 0, "127.0.0.1", "GET", []string{"Host: localhost"}, 200},
			{"by HEAD, too", 0, "127.0.0.1", "HEAD", []string{"Host: localhost"}, 200},
			{"another one may not", 0, "10.0.0.1", "GET", []string{"Host: localhost"}, 403},
			{"nor may a page by another name", 0, "127.0.0.1", "GET", []string{"Host: evil.example"}, 403},
			{"nor may what comes through a proxy", 0, "127.0.0.1", "GET", []string{"Host: localhost", "X-Forwarded-For: 10.0.0.1"}, 403},
			{"nothing is to be sent there", 0, "127.0.0.1", "POST", []string{"Host: localhost", "Content-Length: 0"}, 405},
			{"every peer may on the operator's address", -1, "10.0.0.1", "GET", []string{"Host: bobbin.example"}, 200},
			{"through a proxy, too", -1, "10.0.0.1", "GET", []string{"Host: bobbin.example", "Via: 1.1 a"}, 200},
			{"nothing is to be sent there, either", -1, "10.0.0.1", "POST", []string{"Host: localhost", "Content-Length: 0"}, 405},
		} {
			serve(t, Config{}, row.loop, func(c *httptest.Client, _ *Inspector) {
				a := c.At(row.from).Do(row.method, path, "", row.fields...)
				if a.Status != row.status || a.Header("Cache-Control") != "no-store" && a.Status == 200 {
					t.Errorf("%s, %s: %v", path, row.name, a)
				}
				c.Sleep(2 * time.Minute)
			})
		}
	}
}

// TestLoopsAreSummedUp has figures of two loops, and of one that has never answered.
func TestLoopsAreSummedUp(t *testing.T) {
	s := snapshot{inspector: New(Config{}), said: []loopState{loopAnswered, loopEnded, loopSilent}}
	one := sample{limit: 10, series: []http.Series{{Method: "GET", Status: 200, Scheme: "http", Version: "1.1"}}}
	one.counters[http.Done2xx].N = 5
	one.series[0].Duration.Counts[3], one.series[0].Duration.Sum = 2, time.Second
	one.series[0].RequestBody.Counts[1], one.series[0].RequestBody.Sum = 2, 1000
	other := one
	other.series = append([]http.Series{{Other: true}}, one.series...)
	other.series[0].Duration.Counts[len(http.DurationBounds)] = 7
	s.loops = []*sample{&one, &other, nil}
	server, err := http.NewServer(http.Config{Handler: func(*http.Response, *http.Request) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	s.inspector.Show(http.Servers{server})
	p := readPage(t, string(s.write(nil, true)), true)
	const get = `{http_request_method="GET",http_response_status_code="200",url_scheme="http",network_protocol_version="1.1"}`
	for key, want := range map[string]float64{
		`http_server_requests_total{class="2xx"}`: 10, "bobbin_connections_limit": 20,
		"http_server_request_duration_seconds_count" + get: 4, "http_server_request_duration_seconds_sum" + get: 2,
		"http_server_request_body_size_bytes_sum" + get: 2000, "http_server_request_body_size_bytes_count" + get: 4,
		`http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="_OTHER",url_scheme="",network_protocol_version=""}`: 7,
		`bobbin_loop_up{loop="0"}`: 1, `bobbin_loop_up{loop="1"}`: 0, `bobbin_loop_up{loop="2"}`: 0,
		`bobbin_loop_turns_total{loop="1"}`: 0,
	} {
		if got, there := p.values[key]; got != want || !there {
			t.Errorf("%s is %v, not %v", key, got, want)
		}
	}
	if _, there := p.values[`bobbin_loop_turns_total{loop="2"}`]; there {
		t.Error("a loop that has never answered has figures")
	}
	if len(one.series) != 1 || one.series[0].Duration.Counts[3] != 2 {
		t.Error("a sample was changed")
	}
	server.Stop()
	if err := server.Run(); err != nil {
		t.Error(err)
	}
}

// TestConnectionsAreCountedByWhatTheyDo has one of each, and those that watch.
func TestConnectionsAreCountedByWhatTheyDo(t *testing.T) {
	var s sample
	for _, row := range []eventloop.ConnInfo{
		{Activity: eventloop.Idle}, {Activity: eventloop.Reading}, {Activity: eventloop.Writing, Full: true}, {Activity: eventloop.Ending},
		{Activity: eventloop.Handling, Handled: 1}, {Activity: eventloop.Handling, Handled: 4}, {Activity: eventloop.Handling, Handled: 1, TLS: true, Full: true},
		{Activity: eventloop.Handling, Handled: 1, Full: true, LeftOut: true},
	} {
		s.count(&row)
	}
	if s.states != [eventloop.Activities]int{1, 1, 3, 1, 1} || s.active != [2]int{5, 1} || s.blocked != 2 {
		t.Errorf("they are counted as %v, %v, %d", s.states, s.active, s.blocked)
	}
}

// TestNamesAndLabelsAreClosed looks for what is none of the labels that the table tells.
func TestNamesAndLabelsAreClosed(t *testing.T) {
	serve(t, toldAll(), 0, func(c *httptest.Client, _ *Inspector) {
		scrape(t, c)
		visitor := c.At("10.0.0.2")
		visitor.Do("BREW", "/secret?q=secret", "", "User-Agent: secret", "Content-Length: 0")
		visitor.Do("GET", "/", "", "Host: secret.example")
		c.Sleep(time.Second)
		a := c.Get("/-/metrics", "Host: localhost")
		if strings.Contains(a.Body, "secret") || strings.Contains(a.Body, "BREW") {
			t.Error("there is a word of a client's")
		}
		labels := map[string]string{}
		for _, f := range families {
			labels[f.name] = f.labels
		}
		for _, key := range slices.Sorted(maps.Keys(readPage(t, a.Body, false).values)) {
			name, rest, _ := strings.Cut(key, "{")
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if _, known := labels[name]; !known {
					name = strings.TrimSuffix(name, suffix)
				}
			}
			var got []string
			for _, m := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(rest, -1) {
				if m[1] != "le" {
					got = append(got, m[1])
				}
			}
			if strings.Join(got, ", ") != labels[name] {
				t.Errorf("%s has the labels %s, and %s has %q", key, got, name, labels[name])
			}
		}
		c.Sleep(2 * time.Minute)
	})
}

// TestTheMetricsOfTheDocsAreThoseOfTheCode compares the table of docs/watching.md with that
// of the code, and prints what is to be there.
func TestTheMetricsOfTheDocsAreThoseOfTheCode(t *testing.T) {
	var b strings.Builder
	b.WriteString("| metric | type | labels | |\n|---|---|---|---|\n")
	for i := range families {
		f := &families[i]
		help := f.help
		if f.timed {
			help += " *"
		}
		labels := ""
		if f.labels != "" {
			labels = "`" + strings.ReplaceAll(f.labels, ", ", "`, `") + "`"
			if f.labels == seriesLabels {
				labels = "those of a request"
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, labels, help)
	}
	page, err := os.ReadFile("../../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "\n\n"+b.String()+"\n") {
		t.Errorf("docs/watching.md does not have this table:\n%s", b.String())
	}
	if text := strings.Join(strings.Fields(string(page)), " "); !strings.Contains(text, "`"+strings.ReplaceAll(seriesLabels, ", ", "`, `")+"`") {
		t.Error("docs/watching.md does not have the labels of a request")
	}
	for _, trouble := range Troubles {
		if !strings.Contains(string(page), trouble.Name) {
			t.Errorf("docs/watching.md does not tell of %q", trouble.Name)
		}
	}
}
