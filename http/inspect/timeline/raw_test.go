package timeline

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

const helloLine = `{"schema":1,"version":"0.1.0","loops":2,"kinds":["a"],"routes":["","/"],"you":null}` + "\n"

// TestRecordsComeOutAsTheyWentIn encodes blocks, some of which are dropped.
func TestRecordsComeOutAsTheyWentIn(t *testing.T) {
	a := []eventloop.Record{
		{At: 5, Kind: eventloop.Read, Conn: 1, Request: 0, Arg: 45},
		{At: 4, Kind: 127, Conn: math.MaxUint32, Request: math.MaxUint32, Arg: math.MinInt64},
		{At: time.Hour, Kind: eventloop.Turn, Arg: math.MaxInt64},
	}
	e := &Encoder{Loop: 1, Offset: time.Second}
	e.Add(a, 3)
	e.Gauge(Open, 7, 12)
	e.Gauge(Owed, 8, -1)
	raw := []byte(helloLine)
	raw = e.Append(raw)
	e.Add(a, 0)
	e.Drop()
	e.Add(a[:2], 0)
	e.Lose(10)
	raw = e.Append(raw)
	e.Add(a[:1], 0)
	e.Add(a[:1], 5) // what is there is lost, too: it would be in front of the gap
	if e.Records() != 1 || e.Len() == 0 {
		t.Errorf("%d records in %d bytes", e.Records(), e.Len())
	}
	raw = e.Append(raw)

	d, err := NewReader(bytes.NewReader(raw))
	if err != nil || d.Hello.Version != "0.1.0" || d.Hello.Loops != 2 || string(d.Line)+"\n" != helloLine {
		t.Fatalf("%+v, %q, %v", d.Hello, d.Line, err)
	}
	later := func(list ...eventloop.Record) []eventloop.Record {
		list = slices.Clone(list)
		for i := range list {
			list[i].At += time.Second
		}
		return list
	}
	for i, want := range []Block{
		{1, 3, later(append(slices.Clone(a), eventloop.Record{At: 7, Kind: Open, Arg: 12}, eventloop.Record{At: 8, Kind: Owed, Arg: -1})...)},
		{1, 13, later(a[:2]...)},
		{1, 6, later(a[:1]...)},
	} {
		got, err := d.Next()
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("block %d is %v, %v, not %v", i, got, err, want)
		}
	}
	if _, err := d.Next(); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
	b := New(words(t, 2), Options{})
	e.Add(turn(100, 160), 0)
	block := e.Append(nil)
	for _, bad := range [][]byte{nil, block[:2], block[:len(block)-1], append(block[:len(block):len(block)], 0), append([]byte{9}, block[1:]...)} {
		if err := b.AddRaw(bad); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
	if err := b.AddRaw(block); err != nil || b.Summary().Turns != 1 {
		t.Errorf("%v, %+v", err, b.Summary())
	}
}

func TestMalformedRecordsAreRefused(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"nothing", "", "no records of bobbin"},
		{"a page", "<!doctype html>\n", "no records of bobbin"},
		{"a line that does not end", strings.Repeat(" ", mostHello+10), "no records of bobbin"},
		{"another schema", `{"schema":2,"loops":1}` + "\n", "have schema 2"},
		{"no loops", `{"schema":1}` + "\n", "of 0 loops"},
		{"a loop that there is not", helloLine + "\x02\x00\x00", "malformed"},
		{"a block that is too large", helloLine + "\x00\x00\xff\xff\xff\x7f", "malformed"},
		{"the end within a block's head", helloLine + "\x00", "unexpected EOF"},
		{"the end within a block", helloLine + "\x00\x00\x05\x01", "unexpected EOF"},
		{"the end within a record", helloLine + "\x00\x00\x02\x01\x01", "malformed"},
		{"a connection that is no number", helloLine + "\x00\x00\x09\x01\x01\xff\xff\xff\xff\xff\x01\x00\x00", "malformed"},
	} {
		d, err := NewReader(strings.NewReader(row.raw))
		if err == nil {
			_, err = d.Next()
		}
		if err == nil || !strings.Contains(fmt.Sprint(err), row.want) {
			t.Errorf("%s: %v, not %q", row.name, err, row.want)
		}
	}
}

// TestEveryMeaningIsOfAKindThatExists compares the table with the names of a server.
func TestEveryMeaningIsOfAKindThatExists(t *testing.T) {
	s, err := http.NewServer(http.Config{Handler: func(*http.Response, *http.Request) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Run()
	defer s.Stop()
	hello := helloOf(s.Loop())
	for name := range meanings {
		if !slices.Contains(hello.Kinds, name) {
			t.Errorf("there is no kind %q", name)
		}
	}
	for kind := eventloop.ClosedDone; kind <= eventloop.LeftLoop; kind++ {
		if meanings[hello.Kinds[kind]] != closed {
			t.Errorf("%q does not end a connection", hello.Kinds[kind])
		}
	}
}

// FuzzReader makes a timeline of whatever comes: it is refused, or a viewer can read it.
func FuzzReader(f *testing.F) {
	var kernel *moving
	rec := record(f, 1, true, site(&kernel), func(k *moving, s *sim.Script) {
		kernel = k
		clients(f, []string{"/fast", "/large", "/streaming"}, 2)(k, s)
	})
	line := `{"schema":1,"loops":2,"phases":["wait","dispatch"],"kinds":["` + strings.Join(rec.hello.Kinds, `","`) + `"],"routes":["","/"]}` + "\n"
	f.Add(append([]byte(line), rec.blocks[:min(len(rec.blocks), 2000)]...))
	f.Add([]byte(line))
	f.Add([]byte(helloLine + "\x01\x05\x05\x01\x01\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if i := bytes.IndexByte(raw, '\n'); i >= 0 && !bytes.Equal(raw[:i+1], []byte(line)) && len(raw)%2 == 0 {
			raw = append([]byte(line), raw[i+1:]...) // most of the interest is behind the line
		}
		d, err := NewReader(bytes.NewReader(raw))
		if err != nil {
			return
		}
		b := New(d.Hello, Options{Events: LeastEvents})
		for err == nil {
			var block *Block
			if block, err = d.Next(); err == nil {
				b.Add(block)
			}
		}
		var out bytes.Buffer
		if _, err := b.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := check.Read(&out); err != nil {
			t.Fatal(err)
		}
	})
}
