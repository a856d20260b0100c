package http

import (
	"log/slog"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestThePageOfLimitsIsTrue compares docs/limits.md with the defaults.
func TestThePageOfLimitsIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(page), -1) {
		said[row[1]] = row[2]
	}
	for f, v := range reflect.ValueOf(Limits{}.withDefaults()).Fields() {
		if got, ok := said[f.Name]; !ok || meant(got) != v.Int() {
			t.Errorf("the page says %q of %s, whose default is %v", got, f.Name, v)
		}
		delete(said, f.Name)
	}
	for name := range said {
		t.Errorf("the page has %s, which is no limit", name)
	}
}

// TestTheLimitsOfALoopAreAmongThoseOfAServer compares the two structs field by
// field: names, types and defaults, and that a server's loop gets its server's value.
func TestTheLimitsOfALoopAreAmongThoseOfAServer(t *testing.T) {
	var limits Limits
	defaults := reflect.ValueOf(limits.withDefaults())
	for f, v := range reflect.ValueOf(eventloop.Limits{}.WithDefaults()).Fields() {
		own := reflect.ValueOf(&limits).Elem().FieldByName(f.Name)
		if !own.IsValid() || own.Type() != f.Type {
			t.Errorf("Limits has no %s %v", f.Name, f.Type)
			continue
		}
		if got := defaults.FieldByName(f.Name); got.Int() != v.Int() {
			t.Errorf("the default of %s is %v, and %v for a loop", f.Name, got, v)
		}
		own.SetInt(7)
		if got := reflect.ValueOf(limits.ofLoop()).FieldByName(f.Name).Int(); got != 7 {
			t.Errorf("a loop's %s is %d, and its server's 7", f.Name, got)
		}
	}
}

// TestLoopLimitsAndLogBelongToTheServer sets them in Config.Loop, where they would
// have no effect.
func TestLoopLimitsAndLogBelongToTheServer(t *testing.T) {
	for want, loop := range map[string]eventloop.Config{
		"set Config.Limits instead": {Limits: eventloop.Limits{Conns: 5}},
		"set Config.Log instead":    {Log: slog.Default()},
	} {
		if _, err := NewServer(Config{Handler: hello, Loop: loop}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, and not %q", err, want)
		}
	}
}

// meant is the number that the page's text stands for.
func meant(text string) int64 {
	if d, err := time.ParseDuration(text); err == nil {
		return int64(d)
	}
	digits, unit, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1
	}
	return n * map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]
}

func TestLimitsThatCannotBeKeptAreRefused(t *testing.T) {
	type row struct {
		name   string
		limits Limits
		says   string
	}
	rows := []row{
		{"a head beyond 64 KiB", Limits{FieldBytes: 64 << 10}, "more than the 65535"},
		{"a head whose sum is more than an int has", Limits{RequestLine: math.MaxInt, FieldBytes: math.MaxInt}, "more than the 65535"},
		{"more fields than there is room for", Limits{FieldCount: 101}, "more than the 100"},
		{"a number below 0", Limits{Requests: -1}, "Requests is below 0"},
		{"a time below 0", Limits{IdleTimeout: -time.Second}, "IdleTimeout is below 0"},
		{"a limit of the loop below 0", Limits{Conns: -1}, "Conns is below 0"},
		{"memory that no machine has", Limits{ReadBudget: math.MaxInt}, "ReadBudget, which a loop keeps room for, can be from 1 to"},
		{"a window that grows to less than it has", Limits{StreamWindow: 200, StreamWindowMost: 100}, "StreamWindowMost can be from 200 to 2147483647, and not 100"},
		{"a window of a connection below that of HTTP/2", Limits{ConnWindow: 65_534}, "ConnWindow can be from 65535 to 2147483647, and not 65534"},
		{"one that grows to less than it has", Limits{ConnWindow: 200_000, ConnWindowMost: 100_000}, "ConnWindowMost can be from 200000 to 2147483647, and not 100000"},
		{"a least frame above the largest", Limits{LeastFrame: 16<<10 + 1}, "LeastFrame can be from 1 to 16384, and not 16385"},
	}
	if math.MaxInt > math.MaxInt32 {
		beyond := math.MaxInt32
		beyond++
		rows = append(rows,
			row{"more requests than a connection counts to", Limits{Requests: beyond}, "Requests can be from 1 to 2147483647"},
			row{"more streams than HTTP/2 has", Limits{Streams: beyond}, "Streams can be from 1 to 2147483647"},
			row{"a window above what HTTP/2 can say", Limits{StreamWindow: beyond}, "StreamWindow can be from 1 to 2147483647"},
			row{"a window that grows above that", Limits{StreamWindowMost: beyond}, "StreamWindowMost can be from 262144 to 2147483647"},
			row{"a window of a connection above that", Limits{ConnWindow: beyond}, "ConnWindow can be from 65535 to 2147483647"},
			row{"one that grows above that", Limits{ConnWindowMost: beyond}, "ConnWindowMost can be from 1048576 to 2147483647"})
	}
	for _, row := range rows {
		if _, err := NewServer(Config{Handler: hello, Limits: row.limits}); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err := row.limits.Check(); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

// TestEveryLimitMayBeAsLargeAsItsTypeHas sets each to that, or to the largest that
// is allowed, and expects of a conversation with bodies, pauses and the end of the
// server what it is with the defaults.
func TestEveryLimitMayBeAsLargeAsItsTypeHas(t *testing.T) {
	allowed := map[string]int64{ // above is an error, see the test before this
		"Requests": mostRequests, "ChunkExtension": mostExtension, "ReadBudget": 8 << 20, "FieldCount": h1.MaxFields,
		"RequestLine": 30 << 10, "FieldBytes": 48 << 10, "EmptyLines": 10_000,
		"Streams": mostStreams, "StreamWindow": h2.MaxWindow, "StreamWindowMost": h2.MaxWindow,
		"ConnWindow": h2.MaxWindow, "ConnWindowMost": h2.MaxWindow, "LeastFrame": h2.MinFrameSize,
	}
	requests := []string{
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	}
	converse := func(t *testing.T, limits Limits) (heard string) {
		err := stage(t, sim.New(1), Config{Handler: site, Limits: limits}, func(_ *Server, c *sim.Script, w *sim.Wire) {
			var p []byte
			var err error
			for _, request := range requests {
				for _, b := range []byte(request) {
					c.Sleep(30 * time.Millisecond)
					if err := c.Send(w, []byte{b}); err != nil {
						t.Error(err)
					}
				}
				if p, err = c.Receive(w, p, 4096); err != nil {
					t.Error(err)
				}
				c.Sleep(time.Second)
			}
			w.CloseWrite()
			rest, err := c.ReceiveAll(w)
			if err != nil {
				t.Error(err)
			}
			p = append(p, rest...)
			heard = regexp.MustCompile("Date: [^\r]*").ReplaceAllString(string(p), "Date")
		})
		if err != nil {
			t.Error(err)
		}
		return heard
	}
	want := converse(t, Limits{})
	if strings.Count(want, "HTTP/1.1 200 OK") != 3 {
		t.Fatalf("with the defaults it is %q", want)
	}
	all := new(Limits)
	v := reflect.ValueOf(all).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		name := v.Type().Field(i).Name
		t.Run(name, func(t *testing.T) {
			*all = Limits{}
			most, ok := allowed[name]
			if !ok {
				most = math.MaxInt64 >> (64 - f.Type().Bits())
			}
			f.SetInt(most)
			if name == "FieldBytes" {
				all.RequestLine = 1 << 10
			}
			if got := converse(t, *all); got != want {
				t.Errorf("with %d it is %q", most, got)
			}
		})
	}
}

// TestTheParserKeepsTheLimitsOfTheOneScreen: every limit of the parser is the one of
// the same name in Limits.
func TestTheParserKeepsTheLimitsOfTheOneScreen(t *testing.T) {
	l := Limits{EmptyLines: 1, RequestLine: 2, FieldLine: 3, FieldBytes: 4, FieldCount: 5, ChunkExtension: 6, ChunkOverhead: 7}
	kept := reflect.ValueOf(l.parsing())
	for i := range kept.NumField() {
		name := kept.Type().Field(i).Name
		if got, want := kept.Field(i).Int(), reflect.ValueOf(l).FieldByName(name).Int(); got != want || want == 0 {
			t.Errorf("the parser's %s is %d, want %d", name, got, want)
		}
	}
}

// TestAParserIsReadyWithoutBeingMade compares the zero value with what NewParser makes.
func TestAParserIsReadyWithoutBeingMade(t *testing.T) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n",
		"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n",
		"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		made, err := NewParser(Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var zero Parser
		want, wantErr := made.Head([]byte(head))
		got, gotErr := zero.Head([]byte(head))
		if got != want || gotErr != wantErr || zero.Fields() != made.Fields() {
			t.Errorf("%.40q: %d bytes, %v, and not %d, %v", head, got, gotErr, want, wantErr)
		}
	}
}
