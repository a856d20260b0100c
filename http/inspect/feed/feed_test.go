package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A stream of two loops, as small as it can be.
const (
	greeting = `{"schema":1,"version":"1.2.3","token":"T","started":1000,"now":2000,"loops":2,"you":[1,7],"watchers":1,"stall":100,` +
		`"highWater":131072,"conns":1000,"frameEvery":100,"kernel":"epoll","phases":["wait","dispatch","posted","timers","flush","reap"],` +
		`"activities":[{"id":"idle","letter":"i","text":"a"},{"id":"reading","letter":"r","text":"b"},{"id":"handling","letter":"h","text":"c"},` +
		`{"id":"writing","letter":"w","text":"d"},{"id":"closing","letter":"c","text":"e"}],"kinds":["turn","accepted"],"states":["fresh","open"],` +
		`"troubles":[{"id":"holds","name":"handler holds the loop","text":"t","href":"h"}],"routes":["","GET /"],"try":[{"id":"sleep","name":"n","text":"t"}]}`

	picture = `{"n":3,"t":1234.567,"w":2500,"skip":4,"gap":50,"v":["holds","The loop is held"],"tr":[[0,1100,1,7,"GET / took 1.2 s"]],"held":[[1,1200]],` +
		`"c":[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18],[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]],` +
		`"g":[[1,2,3,4,5,6,7,8,9,1,11,12,13,14,15,16],[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]],` +
		`"rows":[[1,7,2,1,3,4,5,6,1,25,7,27],[0,8,0,0,0,0,-1,0,0,0,0,0]],"strip":[[0,10],[1,2]],"more":5,"rec":[[1500,1,0,8,2,-3]],"lost":6}`
)

func sse(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }

func TestAStreamIsRead(t *testing.T) {
	r := NewReader(strings.NewReader(":\n\n" + sse("hello", greeting) + sse("frame", picture) + ":\n\n" + sse("bye", "The server stops.")))
	hello, err := r.Hello()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(hello); string(text) != greeting {
		t.Errorf("the greeting is\n%s, and not\n%s", text, greeting)
	}
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	want := &Frame{
		Number: 3, At: 1234567 * time.Microsecond, Wall: time.UnixMilli(2500), Skipped: 4, Gap: 50 * time.Millisecond,
		Level: "holds", Words: "The loop is held",
		Troubles: []Raised{{0, 1100 * time.Millisecond, 1, 7, "GET / took 1.2 s"}},
		Held:     []Held{{1, 1200 * time.Millisecond}},
		Loops: []Loop{{
			Turns: 1, Events: 2, Callbacks: 3, Requests: 4, Accepted: 5, Closed: 6, Failed: 7, Refused: 8, BytesRead: 9, BytesWritten: 10, NotNow: 11, Stalls: 12,
			Phases: [6]time.Duration{13, 14, 15, 16, 17, 18},
			Open:   1, Idle: 2, Reading: 3, Handling: 4, Writing: 5, Closing: 6, Owed: 7, Longest: 8, LongestConn: 9, LongestRoute: 1, Late: 11,
			TurnMedian: 12, TurnLongest: 13, EventsMedian: 14, EventsMost: 15, HeldMedian: 16,
		}, {}},
		Rows: []Row{
			{Loop: 1, Conn: 7, Activity: 2, State: 1, Requests: 3, Owed: 4, Deadline: 5 * time.Millisecond, Since: 6 * time.Millisecond, Route: 1, Flags: You | Paused | LeftOut, Age: 7 * time.Millisecond, Streams: Streams{3, 3}},
			{Conn: 8, Deadline: -time.Millisecond},
		},
		Strip: []Run{{0, 10}, {1, 2}}, More: 5,
		Records: []Record{{1500 * time.Microsecond, 1, 0, 8, 2, -3}}, Lost: 6,
	}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("the frame is\n%+v, and not\n%+v", f, want)
	}
	if _, err := r.Next(); err != ErrBye {
		t.Errorf("then: %v", err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("then: %v", err)
	}
}

// TestWhatIsWrongIsAnError changes one thing in a greeting or a frame.
func TestWhatIsWrongIsAnError(t *testing.T) {
	for _, row := range []struct {
		name     string
		old, new string // in the greeting or the frame
		want     string // part of the error
	}{
		{"another schema", `"schema":1`, `"schema":2`, "use the program of the server's version"},
		{"a field that is not known", `"schema":1`, `"schema":1,"extra":1`, "unknown field"},
		{"no loops", `"loops":2`, `"loops":0`, "no loops"},
		{"a client that is one number", `"you":[1,7]`, `"you":[1]`, "you is not"},
		{"a phase too few", `,"reap"`, ``, "5 phases"},
		{"no kinds", `"kinds":["turn","accepted"],`, ``, "a list is missing"},
		{"text behind the greeting", `"text":"t"}]}`, `"text":"t"}]} x`, "hello"},

		{"a number that is missing", `"n":3,`, ``, "a number is missing"},
		{"a number that is null", `"lost":6`, `"lost":null`, "a number is missing"},
		{"a list that is null", `"rec":[[1500,1,0,8,2,-3]]`, `"rec":null`, "a list is missing"},
		{"a field of a frame that is not known", `"more":5`, `"more":5,"extra":[]`, "unknown field"},
		{"a time before the beginning", `"t":1234.567`, `"t":-1`, "out of range"},
		{"a time that is no number", `"t":1234.567`, `"t":NaN`, "invalid character"},
		{"a gap longer than all time", `"gap":50`, `"gap":9223372036854775807`, "out of range"},
		{"a verdict of one word", `"v":["holds","The loop is held"]`, `"v":["holds"]`, "verdict"},
		{"a trouble without words", `7,"GET / took 1.2 s"]`, `7,8]`, "does not end with words"},
		{"a trouble of no kind", `"tr":[[0,`, `"tr":[[1,`, "place 1 in a list of 1"},
		{"a trouble with half a number", `"tr":[[0,`, `"tr":[[0.5,`, "less than 0"},
		{"a trouble with nothing", `"tr":[[0,1100,1,7,"GET / took 1.2 s"]]`, `"tr":[[]]`, "tr has 0 numbers"},
		{"counters of one loop", `,[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]`, `]`, "counters of 1"},
		{"a counter too few", `[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]`, `[1]`, "c has 1 numbers"},
		{"a gauge too many", `14,15,16],[`, `14,15,16,17],[`, "g has 17 numbers"},
		{"a gauge below 0", `"g":[[1,`, `"g":[[-1,`, "less than 0"},
		{"a row of ten", `1,25,7,27]`, `1,25]`, "rows has 10 numbers"},
		{"a row with streams beyond the places", `1,25,7,27]`, `1,25,7,4096]`, "place 4096 in a list of 4096"},
		{"a stream of no activity", `1,25,7,27]`, `1,25,7,6]`, "activity 5 in a stream"},
		{"a row of no loop", `"rows":[[1,7,`, `"rows":[[2,7,`, "place 2 in a list of 2"},
		{"a row of no activity", `"rows":[[1,7,2,`, `"rows":[[1,7,5,`, "place 5"},
		{"a row of no state", `"rows":[[1,7,2,1,`, `"rows":[[1,7,2,2,`, "place 2"},
		{"a row of no route", `,6,1,25,7,27]`, `,6,2,25,7,27]`, "place 2"},
		{"a row with a flag of no meaning", `,6,1,25,7,27]`, `,6,1,32,7,27]`, "place 32"},
		{"a connection beyond 32 bits", `"rows":[[1,7,`, `"rows":[[1,4294967296,`, "number 4294967296"},
		{"a deadline before now", `0,0,-1,0`, `0,0,-2,0`, "a deadline of -2"},
		{"a time beyond all", `[[1500,1,`, `[[9223372036854775807,1,`, "a time of"},
		{"a record of no kind", `[[1500,1,`, `[[1500,2,`, "place 2"},
		{"a run of three", `[1,2]],"more"`, `[1,2,3]],"more"`, "strip has 3 numbers"},
		{"text behind the frame", `"lost":6}`, `"lost":6}}`, "frame"},
	} {
		r := NewReader(strings.NewReader(sse("hello", strings.Replace(greeting, row.old, row.new, 1)) + sse("frame", strings.Replace(picture, row.old, row.new, 1))))
		_, err := r.Hello()
		if err == nil {
			_, err = r.Next()
		}
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: the error is %v", row.name, err)
		}
	}
}

// TestListsHaveLimits sends more than a frame may have.
func TestListsHaveLimits(t *testing.T) {
	for _, row := range []struct{ old, one string }{
		{`[[1500,1,0,8,2,-3]]`, `[1500,1,0,8,2,-3]`},
		{`[[0,10],[1,2]]`, `[0,10]`},
		{`[[1,7,2,1,3,4,5,6,1,25,7,27],[0,8,0,0,0,0,-1,0,0,0,0,0]]`, `[0,8,0,0,0,0,-1,0,0,0,0,0]`},
	} {
		many := "[" + strings.Repeat(row.one+",", 2000) + row.one + "]"
		r := NewReader(strings.NewReader(sse("hello", greeting) + sse("frame", strings.Replace(picture, row.old, many, 1))))
		if _, err := r.Hello(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("with 2,001 times %s: %v", row.one, err)
		}
	}
}

func TestWhatIsNoStreamIsAnError(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", "EOF"},
		{"a page", "<!DOCTYPE html>\n", "no stream has the line"},
		{"a greeting that is cut off", "event: hello\ndata: {", "unexpected EOF"},
		{"half a greeting", "event: hello\n", "unexpected EOF"},
		{"a frame first", sse("frame", picture), "the first event"},
		{"two lines of data", "event: hello\ndata: {}\ndata: {}\n\n", "no stream has the line"},
		{"a line without an end", "data: " + strings.Repeat("x", LineMost), "longer than"},
	} {
		if _, err := NewReader(strings.NewReader(row.text)).Hello(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	r := NewReader(strings.NewReader(sse("hello", greeting) + sse("other", "{}")))
	if _, err := r.Hello(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "no event") {
		t.Errorf("another event: %v", err)
	}
}

// TestAFollowerDialsAgain has four streams: the first breaks off, the second cannot be had
// at all, the third says goodbye, and the fourth is refused.
func TestAFollowerDialsAgain(t *testing.T) {
	full := errors.New("four watch already")
	dials := []func() (io.ReadCloser, error){
		func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(sse("hello", greeting) + sse("frame", picture) + "event: fr")), nil
		},
		func() (io.ReadCloser, error) { return nil, full },
		func() (io.ReadCloser, error) { return nil, full },
		func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(sse("hello", greeting) + sse("frame", picture) + sse("frame", picture) + sse("bye", "x"))), nil
		},
		func() (io.ReadCloser, error) { return nil, fmt.Errorf("dial: %w", Refused("not from here")) },
	}
	var heard []string
	f := &Follower{
		Dial: func() (io.ReadCloser, error) {
			next := dials[0]
			dials = dials[1:]
			return next()
		},
		Wait:  func(d time.Duration) bool { heard = append(heard, d.String()); return true },
		Hello: func(*Hello) { heard = append(heard, "hello") },
		Frame: func(*Frame) { heard = append(heard, "frame") },
		Lost:  func(err error, again time.Duration) { heard = append(heard, err.Error()) },
	}
	err := f.Run()
	if !errors.As(err, new(Refused)) {
		t.Errorf("it ends with %v", err)
	}
	const want = "hello frame unexpected EOF 250ms four watch already 500ms four watch already 1s hello frame frame feed: the server stops 250ms"
	if got := strings.Join(heard, " "); got != want {
		t.Errorf("heard %s\nand not %s", got, want)
	}
}

func TestAFollowerEnds(t *testing.T) {
	other := io.NopCloser(strings.NewReader(sse("hello", `{"schema":9}`)))
	f := &Follower{Dial: func() (io.ReadCloser, error) { return other, nil }}
	if err := f.Run(); !errors.As(err, new(*SchemaError)) {
		t.Errorf("with another schema: %v", err)
	}
	waits := 0
	f = &Follower{
		Dial: func() (io.ReadCloser, error) { return nil, io.EOF },
		Lost: func(_ error, again time.Duration) {
			if again > pauseLongest {
				t.Errorf("it waits for %v", again)
			}
		},
		Wait: func(time.Duration) bool { waits++; return waits < 20 },
	}
	if err := f.Run(); err != nil || waits != 20 {
		t.Errorf("its user had enough: %v after %d", err, waits)
	}
}

// FuzzFrame reads any text as a frame. What is accepted keeps the limits, and its places are
// in the lists of the greeting.
func FuzzFrame(f *testing.F) {
	f.Add([]byte(picture))
	f.Add([]byte(`{"n":0,"t":0,"w":0,"skip":0,"gap":0,"v":["",""],"tr":[],"held":[],"c":[],"g":[],"rows":[],"strip":[],"more":0,"rec":[],"lost":0}`))
	hello, err := decodeHello([]byte(greeting))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := decodeFrame(hello, text)
		if err != nil {
			return
		}
		if len(frame.Loops) != 2 || len(frame.Rows) > rowsMost || len(frame.Records) > recordsMost || len(frame.Strip) > runsMost || frame.At < 0 || frame.Gap < 0 {
			t.Errorf("%+v", frame)
		}
		for _, row := range frame.Rows {
			_, _, _, _ = hello.Activities[row.Activity], hello.States[row.State], hello.Routes[row.Route], frame.Loops[row.Loop]
			if row.Since < 0 || row.Age < 0 || row.Owed < 0 || row.Deadline < -time.Millisecond {
				t.Errorf("%+v", row)
			}
		}
		for _, r := range frame.Records {
			_, _ = hello.Kinds[r.Kind], frame.Loops[r.Loop]
			if r.Before < 0 {
				t.Errorf("%+v", r)
			}
		}
		for _, r := range frame.Troubles {
			_, _ = hello.Troubles[r.Trouble], frame.Loops[r.Loop]
		}
	})
}

// FuzzStream reads any text as a stream: it ends with an error, and without a panic.
func FuzzStream(f *testing.F) {
	f.Add([]byte(sse("hello", greeting) + sse("frame", picture) + sse("bye", "x")))
	f.Add([]byte(":\n\nevent: hello\n\ndata: {}\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(strings.NewReader(string(text)))
		_, err := r.Hello()
		for n := 0; err == nil; n++ {
			if n > len(text) {
				t.Fatal("there are more frames than bytes")
			}
			_, err = r.Next()
		}
	})
}
