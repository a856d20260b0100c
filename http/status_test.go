package http

import (
	"errors"
	"fmt"
	nethttp "net/http"
	"testing"
)

// TestStatusText compares our phrases with those of net/http, except where RFC
// 9110 has renamed what they stand for.
func TestStatusText(t *testing.T) {
	renamed := map[Status]string{
		413: "Content Too Large",
		414: "URI Too Long",
		416: "Range Not Satisfiable",
		422: "Unprocessable Content",
	}
	for s := Status(100); s < 600; s++ {
		want := nethttp.StatusText(int(s))
		if text, ok := renamed[s]; ok {
			want = text
		}
		if got := s.Text(); got != want {
			t.Errorf("%d is %q, want %q", int(s), got, want)
		}
	}
}

func TestStatusIsAnError(t *testing.T) {
	for status, want := range map[Status]string{
		StatusOK: "200 OK", StatusNotFound: "404 Not Found", StatusTeapot: "418 I'm a teapot", 299: "299", 999: "999", 0: "0", -1: "-1",
	} {
		if got := status.Error(); got != want {
			t.Errorf("the error is %q, want %q", got, want)
		}
	}
	var status Status
	if err := fmt.Errorf("no cat: %w", StatusNotFound); !errors.As(err, &status) || status != StatusNotFound {
		t.Errorf("%v does not say its status", err)
	}
}
