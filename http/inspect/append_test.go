package inspect

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestTextIsJSON(t *testing.T) {
	for _, s := range []string{"", "plain", `a "quoted" word`, `back\slash`, "line\nline\r\ttab\x00\x1f\x7f", "é → 日本 \u2028"} {
		var got string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil || got != s {
			t.Errorf("%q becomes %s: %q, %v", s, appendText(nil, s), got, err)
		}
	}
}

func TestTimesHaveThreeDecimals(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "0.000",
		999 * time.Nanosecond:      "0.000",
		time.Microsecond:           "0.001",
		1234567 * time.Microsecond: "1234.567",
		20*time.Millisecond + 50*time.Microsecond: "20.050",
		-time.Second:  "0.000",
		math.MaxInt64: "9223372036854.775",
	} {
		if got := string(appendMicros(nil, d)); got != want {
			t.Errorf("%v becomes %s, not %s", d, got, want)
		}
	}
}

func TestListsAreJSON(t *testing.T) {
	for want, list := range map[string][]int64{"[]": {}, "[1]": {1}, "[1,-2,3]": {1, -2, 3}} {
		if got := string(appendList(nil, list...)); got != want {
			t.Errorf("%v becomes %s", list, got)
		}
	}
}
