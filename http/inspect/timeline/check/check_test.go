package check

import (
	"strings"
	"testing"
)

// TestAFileThatIsWrongIsFound shows the checker files, so that its silence about others
// means something.
func TestAFileThatIsWrongIsFound(t *testing.T) {
	const named = `{"ph":"M","pid":1,"tid":1,"name":"thread_name","args":{"name":"loop 0"}},` + "\n"
	x := func(cat, ts, dur string) string {
		return `{"ph":"X","pid":1,"tid":1,"name":"a","cat":"` + cat + `","ts":` + ts + `,"dur":` + dur + `},` + "\n"
	}
	arrow := func(ph, ts, more string) string {
		return `{"ph":"` + ph + `","pid":1,"tid":1,"name":"request","cat":"arrow","id":7,"ts":` + ts + more + `},` + "\n"
	}
	const last = `{"ph":"i","pid":1,"tid":1,"ts":90.000,"name":"a","s":"t"}` + "\n]}\n"
	whole := named + x("callback", "1.000", "1.000") + arrow("s", "1.000", "") + x("handler", "2.000", "1.000") + arrow("t", "2.000", "") +
		x("write", "5.000", "1.000") + arrow("f", "5.500", `,"bp":"e"`)
	for _, row := range []struct{ name, lines, want string }{
		{"one that is right", whole + last, ""},
		{"one that does not end", whole, "does not end"},
		{"something behind the end", whole + last + "\n", "behind the end"},
		{"a track without a name", x("turn", "1.000", "1.000") + last, "has no name"},
		{"a time that is rounded", named + x("turn", "1.0", "1.000") + last, "three decimals"},
		{"a time that is negative", named + x("turn", "1.000", "-1.000") + last, "negative"},
		{"events out of order", named + x("turn", "2.000", "1.000") + x("turn", "1.000", "1.000") + last, "before the one"},
		{"slices that overlap", named + x("callback", "1.000", "2.000") + x("callback", "2.000", "1.001") + last, "does not end before"},
		{"a parent behind its child", named + x("callback", "1.000", "2.000") + x("callback", "1.000", "2.001") + last, "does not end before"},
		{"an arrow without an end", strings.Replace(whole, `"f"`, `"t"`, 1) + last, "goes on as another"},
		{"an arrow without a beginning", strings.Replace(whole, `"s"`, `"t"`, 1) + last, "its beginning"},
		{"an arrow that never ends", strings.ReplaceAll(whole, arrow("f", "5.500", `,"bp":"e"`), "") + last, "has no end"},
		{"an arrow beside its slice", strings.Replace(whole, "5.500", "7.500", 1) + last, "not in a slice"},
		{"an end that binds to the next slice", strings.Replace(whole, `,"bp":"e"`, "", 1) + last, "binds to the slice around"},
		{"a counter with two values", named + `{"ph":"C","pid":1,"tid":1,"ts":1.000,"name":"a","args":{"a":1,"b":2}},` + "\n" + last, "one value"},
		{"an end that coincides with that of its parent", named + x("callback", "1.000", "2.000") + x("callback", "2.000", "1.000") + last, "does not end before"},
		{"phases that are less than their turn", named + x("turn", "1.000", "10.000") + x("phase", "1.000", "9.899") + last, "add up"},
		{"a callback in no phase", named + x("turn", "1.000", "10.000") + x("callback", "1.000", "9.000") + last, "in no phase"},
		{"an event of another kind", named + `{"ph":"b","pid":1,"tid":1,"ts":1.000,"name":"a"},` + "\n" + last, "no known kind"},
	} {
		_, err := Read(strings.NewReader(`{"displayTimeUnit":"ns","traceEvents":[` + "\n" + row.lines))
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, not %q", row.name, err, row.want)
		}
	}
}
