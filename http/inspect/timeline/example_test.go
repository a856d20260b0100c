package timeline_test

import (
	"os"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/inspect/timeline"
)

// A turn in which one connection was read and written.
func Example() {
	var loop eventloop.Loop
	hello := timeline.Hello{Schema: 1, Version: "0.1.0", Loops: 1, Phases: []string{"wait", "dispatch", "posted", "timers", "flush", "reap"}}
	for kind := range eventloop.ProtocolKinds {
		hello.Kinds = append(hello.Kinds, loop.KindInfo(kind).Name)
	}
	at := func(µs int) time.Duration { return time.Duration(µs) * time.Microsecond }
	b := timeline.New(hello, timeline.Options{})
	b.Add(&timeline.Block{Records: []eventloop.Record{
		{At: at(100), Kind: eventloop.WaitEnded, Arg: int64(at(100))},
		{At: at(100), Kind: eventloop.Turn, Arg: 1},
		{At: at(100), Kind: eventloop.Read, Conn: 7, Arg: 45},
		{At: at(104), Kind: eventloop.Callback, Conn: 7, Arg: int64(at(4))},
		{At: at(104), Kind: eventloop.DispatchEnded, Arg: int64(at(4))},
		{At: at(104), Kind: eventloop.Wrote, Conn: 7, Arg: 130},
		{At: at(110), Kind: eventloop.WriteEnded, Conn: 7, Arg: int64(at(6))},
		{At: at(110), Kind: eventloop.FlushEnded, Arg: int64(at(6))},
	}})
	b.WriteTo(os.Stdout)
	// Output:
	// {"displayTimeUnit":"ns","otherData":{"version":"0.1.0","turns":1,"requests":0,"connections":1,"recordsLost":0,"connectionsOneIn":1,"requestsOneIn":1,"turnsOneIn":1},"traceEvents":[
	// {"ph":"M","pid":1,"tid":0,"name":"process_name","args":{"name":"loop"}},
	// {"ph":"M","pid":1,"tid":0,"name":"process_sort_index","args":{"sort_index":1}},
	// {"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"loop 0"}},
	// {"ph":"M","pid":1,"tid":1,"name":"thread_sort_index","args":{"sort_index":0}},
	// {"ph":"M","pid":2,"tid":0,"name":"process_name","args":{"name":"connections"}},
	// {"ph":"M","pid":2,"tid":0,"name":"process_sort_index","args":{"sort_index":2}},
	// {"ph":"M","pid":2,"tid":1,"name":"thread_name","args":{"name":"lane 1"}},
	// {"ph":"M","pid":2,"tid":1,"name":"thread_sort_index","args":{"sort_index":0}},
	// {"ph":"X","pid":2,"tid":1,"ts":0.000,"name":"conn 7","cat":"connection","dur":10.000,"args":{"requests":0,"read":45,"wrote":130,"loop":0,"end":"open"}},
	// {"ph":"X","pid":1,"tid":1,"ts":0.000,"name":"turn","cat":"turn","dur":10.000,"args":{"turn":1,"events":1}},
	// {"ph":"X","pid":1,"tid":1,"ts":0.000,"name":"dispatch","cat":"phase","dur":3.999,"args":{}},
	// {"ph":"X","pid":1,"tid":1,"ts":0.000,"name":"read","cat":"callback","dur":3.998,"args":{"conn":7,"bytes":45}},
	// {"ph":"C","pid":1,"tid":1,"ts":0.000,"name":"events per wait","cat":"counter","args":{"value":1}},
	// {"ph":"X","pid":1,"tid":1,"ts":4.000,"name":"flush","cat":"phase","dur":5.999,"args":{}},
	// {"ph":"X","pid":1,"tid":1,"ts":4.000,"name":"write","cat":"write","dur":5.998,"args":{"conn":7,"bytes":130}}
	// ]}
}
