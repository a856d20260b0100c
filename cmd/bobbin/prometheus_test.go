package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	nethttp "net/http"
	neturl "net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// A prometheus is a real one, of Debian's package, that scrapes every 200 ms.
type prometheus struct {
	t  *testing.T
	at string
}

// startPrometheus has it scrape two addresses. It is ended with the test.
func startPrometheus(t *testing.T, a, b string) *prometheus {
	t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("skipped: prometheus is not installed (Debian's package of that name)")
	}
	config := "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n" +
		"scrape_configs: [{job_name: bobbin, metrics_path: /-/metrics, static_configs: [{targets: ['" + a + "', '" + b + "']}]}]\n"
	dir := folder(t, map[string][]byte{"prometheus.yml": []byte(config)})
	p := &prometheus{t, free(t)}
	var said bytes.Buffer
	cmd := exec.Command(path, "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "data"),
		"--web.listen-address", p.at, "--log.level", "warn")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		cmd.Wait()
		close(over)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-over
		if t.Failed() {
			t.Logf("prometheus says: %s", &said)
		}
	})
	return p
}

// ask returns what Prometheus answers to a request for its API, or an error while it does
// not answer.
func (p *prometheus) ask(path string, into any) error {
	a, err := nethttp.Get("http://" + p.at + path)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	return json.NewDecoder(a.Body).Decode(into)
}

// value returns the value of an expression, and false while there is none.
func (p *prometheus) value(expression string) (float64, bool) {
	var answer struct {
		Data struct{ Result []struct{ Value []any } }
	}
	if err := p.ask("/api/v1/query?query="+neturl.QueryEscape(expression), &answer); err != nil || len(answer.Data.Result) != 1 {
		return 0, false
	}
	x, err := strconv.ParseFloat(fmt.Sprint(answer.Data.Result[0].Value[1]), 64)
	if err != nil {
		p.t.Errorf("%s is %v", expression, answer.Data.Result[0].Value)
	}
	return x, true
}

// become waits until an expression has a value at both addresses, where it is summed up.
func (p *prometheus) become(expression string, want float64) {
	p.t.Helper()
	p.becomes("count(sum by (instance) ("+expression+") == "+fmt.Sprint(want)+")", 2)
}

// becomes waits until an expression has a value.
func (p *prometheus) becomes(expression string, want float64) {
	p.t.Helper()
	got, there := 0.0, false
	for range 3000 {
		if got, there = p.value(expression); there && got == want {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	p.t.Fatalf("%s is %v (there: %v), and does not become %v", expression, got, there, want)
}

// TestPrometheusCountsWhatClientsDid has h2load make a known number of requests on a known
// number of connections, while a real Prometheus scrapes the operator's address, and the
// site itself, whose counters its scrapes are not in.
func TestPrometheusCountsWhatClientsDid(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("h2load"); err != nil {
		t.Skip("skipped: h2load is not installed (Debian's package nghttp2-client)")
	}
	p := start(t, "", "--admin", "127.0.0.1:0")
	prom := startPrometheus(t, p.admin(), p.host())
	prom.become(`up{job="bobbin"}`, 1)
	prom.become(`bobbin_loop_up{loop="0"}`, 1)
	prom.become(`http_server_requests_total`, 0)

	out := tool(t, "h2load", "--h1", "-n", "5000", "-c", "10", p.url+"bench")
	reports(t, out, `5000 succeeded, 0 failed, 0 errored`)
	prom.become(`bobbin_connections_closed_total`, 10)
	for expression, want := range map[string]float64{
		`http_server_requests_total{class="2xx"}`: 5000,
		`http_server_requests_total`:              5000,
		`bobbin_connections_accepted_total`:       10,
		`bobbin_connections`:                      0,
		`bobbin_accept_errors_total`:              0,

		`bobbin_build_info{version="` + version + `"}`: 1,

		// Times were stamped all the while.
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",url_scheme="http",network_protocol_version="1.1"}`: 5000,
		`http_server_request_duration_seconds_count`:              5000,
		`http_server_response_body_size_bytes_sum`:                13 * 5000,
		`http_server_response_body_size_bytes_bucket{le="256.0"}`: 5000,
		`http_server_request_body_size_bytes_sum`:                 0,
	} {
		prom.become(expression, want)
	}
}

// TestPromtoolFindsNothing has Prometheus' own tool read the text. The tool does not know
// OpenMetrics, which Prometheus itself asks for and reads in the test above.
func TestPromtoolFindsNothing(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("skipped: promtool is not installed (Debian's package prometheus)")
	}
	p := start(t, "", "--admin", "127.0.0.1:0", "--limit-rate", "100/s", folder(t, map[string][]byte{"index.html": []byte("hello")}))
	fetch(t, "http://"+p.admin()+"/-/metrics", "localhost")
	fetch(t, p.url, "localhost")
	_, text := fetch(t, "http://"+p.admin()+"/-/metrics", "localhost")
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = bytes.NewReader([]byte(text))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("it finds %s: %v", out, err)
	}
}
