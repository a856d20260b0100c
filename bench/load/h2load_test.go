package load

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bobbin-http/bobbin/bench/child"
)

// h2loadSays is what h2load prints after a run of 2 s.
const h2loadSays = `starting benchmark...
Warm-up started for thread #0.
Main benchmark duration is started for thread #0.
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 2.01s, 42795.50 req/s, 2.61MB/s
requests: 85591 total, 85655 started, 85591 done, 85591 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 85591 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 5.23MB (5481664) total, 2.69MB (2825655) headers (space savings 64.50%), 1.06MB (1112683) data
                     min         max         mean         sd        +/- sd
time for request:      312us     12.31ms      1.48ms       406us    91.20%
`

func TestTheOutputOfH2loadIsParsed(t *testing.T) {
	tests := []struct {
		name, text string
		want       Outcome
		err        string
	}{
		{"requests, seconds and bytes", h2loadSays, Outcome{Requests: 85591, Seconds: 2.01, Bytes: 5481664}, ""},
		{
			"requests after the end of a connection are failures",
			strings.Replace(h2loadSays, "85591 succeeded, 0 failed, 0 errored", "85580 succeeded, 11 failed, 11 errored", 1),
			Outcome{Requests: 85591, Seconds: 2.01, Bytes: 5481664, Failed: map[string]int64{"requests failed or were not sent, because their connection had ended": 11}}, "",
		},
		{
			"another status is no answer, and no other failure",
			strings.NewReplacer("85591 succeeded, 0 failed", "85588 succeeded, 3 failed", "85591 2xx, 0 3xx, 0 4xx, 0 5xx", "85586 2xx, 2 3xx, 2 4xx, 1 5xx").Replace(h2loadSays),
			Outcome{Requests: 85586, Seconds: 2.01, Bytes: 5481664, Failed: map[string]int64{OtherStatus: 5}}, "",
		},
		{"a short run", strings.Replace(h2loadSays, "2.01s", "978.53ms", 1), Outcome{Requests: 85591, Seconds: 0.97853, Bytes: 5481664}, ""},
		{"an output that ends early is an error", h2loadSays[:strings.Index(h2loadSays, "status")], Outcome{}, "figures are missing"},
		{"a time that is none is an error", strings.Replace(h2loadSays, "2.01s", "soon", 1), Outcome{}, `"soon" is not a time`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseH2load(test.text)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("the error is %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Requests != test.want.Requests || got.Seconds != test.want.Seconds || got.Bytes != test.want.Bytes || got.Trouble() != test.want.Trouble() {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// recorder notes the requests that a server gets.
type recorder struct {
	mu   sync.Mutex
	seen map[string]int // by protocol, path and a field
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[q.Proto+" "+q.RequestURI+" "+q.Header.Get("X-Name")]++
	w.Write([]byte("hi"))
}

func (r *recorder) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range r.seen {
		n += of
	}
	return n
}

func TestH2loadAsksForEachPathByTheProtocolThatIsWanted(t *testing.T) {
	if _, err := exec.LookPath("h2load"); err != nil {
		t.Skip("h2load is not installed")
	}
	paths := []string{"/a?page=0", "/a?page=1", "/a?page=2"}
	tests := []struct {
		name      string
		encrypted bool
		http1     bool
		paths     []string
		want      []string
	}{
		{"HTTP/2 over TLS", true, false, paths, []string{"HTTP/2.0 /a?page=0 value", "HTTP/2.0 /a?page=1 value", "HTTP/2.0 /a?page=2 value"}},
		{"HTTP/1.1 over TLS", true, true, nil, []string{"HTTP/1.1 /a value"}},
		{"HTTP/2 in plain text", false, false, nil, []string{"HTTP/2.0 /a value"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{seen: make(map[string]int)}
			s := httptest.NewUnstartedServer(r)
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP1(true)
			s.Config.Protocols.SetHTTP2(true)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.EnableHTTP2 = test.encrypted
			if test.encrypted {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()
			before, after := 0, 0
			o, err := H2load{
				URL: s.URL + "/a", Connections: 2, Streams: 3, Seconds: 1, Fields: []string{"X-Name: value"},
				Paths: test.paths, HTTP1: test.http1, Core: child.AnyCore, Scratch: t.TempDir(),
				Began: func() { before = r.count() }, Ended: func() { after = r.count() },
			}.Run(t.Context())
			if err != nil || o.Trouble() != "" || o.Requests == 0 || o.Bytes < 11*o.Requests || o.Seconds != 1 {
				t.Fatalf("%+v, %v", o, err)
			}
			// The server counts from a moment after h2load does.
			if before == 0 || after < before+int(o.Requests)/2 {
				t.Errorf("the server has seen %d requests before those that count, and %d with them, which are %d", before, after, o.Requests)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			var got []string
			for of := range r.seen {
				got = append(got, of)
			}
			if slices.Sort(got); !slices.Equal(got, test.want) {
				t.Errorf("the server has seen %q, want %q", got, test.want)
			}
		})
	}
}
