package load

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

const wrkSays = `Running 5s test @ http://127.0.0.1:8080/bench
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   165.23us  101.11us   4.83ms   96.61%
    Req/Sec   385.87k    11.98k  401.79k    68.00%
  Latency Distribution
     50%  152.00us
     75%  170.00us
     90%  0.93ms
     99%  1.25ms
  1919191 requests in 5.10s, 225.14MB read
`

func TestWhatWrkSaysIsUnderstood(t *testing.T) {
	tests := []struct {
		name string
		text string
		want Outcome
		err  string
	}{
		{
			name: "requests, seconds and two percentiles are in what it always prints",
			text: wrkSays + "Requests/sec: 376311.95\nTransfer/sec:     44.14MB\n",
			want: Outcome{Requests: 1919191, Seconds: 5.1, P50: 152 * time.Microsecond, P99: 1250 * time.Microsecond},
		},
		{
			name: "our line tells more, and more precisely",
			text: wrkSays + "Requests/sec: 376311.95\ntold 236077056 153 1251 4100 4830\n",
			want: Outcome{
				Requests: 1919191, Seconds: 5.1, Bytes: 236077056,
				P50: 153 * time.Microsecond, P99: 1251 * time.Microsecond,
				P999: 4100 * time.Microsecond, Worst: 4830 * time.Microsecond,
			},
		},
		{
			name: "a run may take minutes",
			text: "  17 requests in 1.50m, 3.00KB read\n",
			want: Outcome{Requests: 17, Seconds: 90},
		},
		{
			name: "trouble is counted by kind",
			text: wrkSays + "  Socket errors: connect 0, read 12, write 0, timeout 3\n  Non-2xx or 3xx responses: 7\n",
			want: Outcome{
				Requests: 1919191, Seconds: 5.1, P50: 152 * time.Microsecond, P99: 1250 * time.Microsecond,
				Failed: map[string]int64{"failed reads": 12, "answers later than 2 s": 3, OtherStatus: 7},
			},
		},
		{
			name: "a run that ended early says nothing",
			text: "unable to connect to 127.0.0.1:1 Connection refused\n",
			err:  "the number of requests is missing",
		},
		{
			name: "a time that is none is not taken for 0",
			text: "  17 requests in soon, 3.00KB read\n",
			err:  `"soon" is not a time`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseWrk(test.text)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("the error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Trouble() != test.want.Trouble() {
				t.Errorf("the trouble is %q, want %q", got.Trouble(), test.want.Trouble())
			}
			got.Failed, test.want.Failed = nil, nil
			if got.Requests != test.want.Requests || got.Seconds != test.want.Seconds || got.Bytes != test.want.Bytes ||
				got.P50 != test.want.P50 || got.P99 != test.want.P99 || got.P999 != test.want.P999 || got.Worst != test.want.Worst {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAFieldThatChangesIsAnotherOneInEachRequest(t *testing.T) {
	if _, err := exec.LookPath("wrk"); err != nil {
		t.Skip("wrk is not installed")
	}
	var mu sync.Mutex
	seen := make(map[string]int)
	wrong, all := 0, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie := r.Header.Get("Cookie")
		mu.Lock()
		defer mu.Unlock()
		all++
		seen[cookie]++
		if len(cookie) != len("id=a-0001") || r.Header.Get("Accept") != "*/*" {
			wrong++
		}
	}))
	defer s.Close()
	o, err := Wrk{
		URL: s.URL, Connections: 4, Seconds: 1, Fields: []string{"Accept: */*", "Cookie: id=a-"}, Changing: "Cookie",
		Core: child.AnyCore, Scratch: t.TempDir(),
	}.Run(t.Context())
	if err != nil || o.Trouble() != "" || o.Requests == 0 {
		t.Fatalf("%+v, %v", o, err)
	}
	most := 0
	for _, n := range seen {
		most = max(most, n)
	}
	if wrong > 0 || most > all/changes+2 {
		t.Errorf("of %d requests %d have other fields, and one cookie came %d times", all, wrong, most)
	}
}
