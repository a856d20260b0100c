package http

import (
	"errors"
	"fmt"
	nethttp "net/http"
	"strings"
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

// TestARefusalIsAnErrorThatSaysItsStatus: every refusal of the parser is one, as it
// comes out of Parser and goes to middleware.
func TestARefusalIsAnErrorThatSaysItsStatus(t *testing.T) {
	for request, want := range map[string]Status{
		"\x16": 400, "GET /\r\n\r\n": 400, "GET / HTTP/1.1\r\n\r\n": 400, "GET / HTTP/3.0\r\n": 505,
	} {
		p, err := NewParser(Limits{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Head([]byte(request))
		var refused *refusal
		var status Status
		if !errors.As(err, &refused) || !errors.As(err, &status) || status != want || !strings.HasPrefix(err.Error(), want.Error()+": ") {
			t.Errorf("%q: %v is not an error that says %d", request, err, int(want))
		}
	}
}
