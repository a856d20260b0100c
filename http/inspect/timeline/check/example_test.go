package check_test

import (
	"fmt"
	"strings"

	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

func ExampleRead() {
	f, err := check.Read(strings.NewReader(`{"displayTimeUnit":"ns","traceEvents":[
{"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"loop 0"}},
{"ph":"X","pid":1,"tid":1,"ts":0.000,"name":"turn","cat":"turn","dur":10.000},
{"ph":"X","pid":1,"tid":1,"ts":0.000,"name":"dispatch","cat":"phase","dur":9.950}
]}
`))
	fmt.Println(err, f.Longest().Name)
	// Output: <nil> dispatch
}
