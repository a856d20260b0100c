package traceparent

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

const (
	trace = "0af7651916cd43dd8448eb211c80319c"
	span  = "b7ad6b7169203331"
)

var rows = []struct {
	name, value string
	want        string // trace, span and flags; "" if it is malformed
}{
	{"a trace that is recorded", "00-" + trace + "-" + span + "-01", trace + " " + span + " 1"},
	{"one that is not", "00-" + trace + "-" + span + "-00", trace + " " + span + " 0"},
	{"flags that have no meaning yet", "00-" + trace + "-" + span + "-ff", trace + " " + span + " 255"},
	{"a later version", "cc-" + trace + "-" + span + "-01", trace + " " + span + " 1"},
	{"a later version may have more", "cc-" + trace + "-" + span + "-01-what-else", trace + " " + span + " 1"},
	{"behind a dash", "cc-" + trace + "-" + span + "-01.what-else", ""},
	{"this version has no more", "00-" + trace + "-" + span + "-01-", ""},
	{"there is no version ff", "ff-" + trace + "-" + span + "-01", ""},
	{"letters are small", "00-" + strings.ToUpper(trace) + "-" + span + "-01", ""},
	{"those of a span, too", "00-" + trace + "-" + strings.ToUpper(span) + "-01", ""},
	{"those of a version, too", "CC-" + trace + "-" + span + "-01", ""},
	{"a trace of zeros is none", "00-" + strings.Repeat("0", 32) + "-" + span + "-01", ""},
	{"a span of zeros is none", "00-" + trace + "-" + strings.Repeat("0", 16) + "-01", ""},
	{"a digit is one of 16", "00-" + trace[:31] + "g-" + span + "-01", ""},
	{"a digit fewer is one too few", "00-" + trace[1:] + "-" + span + "-01", ""},
	{"flags have two digits", "00-" + trace + "-" + span + "-1", ""},
	{"dashes divide", "00_" + trace + "-" + span + "-01", ""},
	{"a blank is no part", " 00-" + trace + "-" + span + "-01", ""},
	{"nothing is none", "", ""},
}

func TestParents(t *testing.T) {
	for _, row := range rows {
		got := ""
		if p, ok := Parse([]byte(row.value)); ok {
			got = fmt.Sprintf("%x %x %d", p.TraceID, p.SpanID, p.Flags)
		}
		if got != row.want {
			t.Errorf("%s: %q, and not %q", row.name, got, row.want)
		}
	}
}

// FuzzParent holds that what is read is what is there.
func FuzzParent(f *testing.F) {
	for _, row := range rows {
		f.Add([]byte(row.value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		p, ok := Parse(value)
		if !ok {
			if p != (Parent{}) {
				t.Errorf("%q is malformed, and yet %v", value, p)
			}
			return
		}
		again := hex.EncodeToString(p.TraceID[:]) + "-" + hex.EncodeToString(p.SpanID[:]) + "-" + hex.EncodeToString([]byte{p.Flags})
		if got := string(value[3:size]); got != again {
			t.Errorf("%q is read as %q", got, again)
		}
	})
}
