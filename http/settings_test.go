package http_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// TestATimeOfNanosecondsIsRefused, because it was to be one of seconds.
func TestATimeOfNanosecondsIsRefused(t *testing.T) {
	for _, row := range []struct {
		limits http.Limits
		want   string // "" if it is taken
	}{
		{http.Limits{HeadTimeout: 5}, "http: HeadTimeout is 5ns, and a time is 1ms at least: write HeadTimeout: 5 * time.Second"},
		{http.Limits{Drain: 30}, "http: Drain is 30ns, and a time is 1ms at least: write Drain: 30 * time.Second"},
		{http.Limits{TunnelIdle: 999 * time.Microsecond}, "http: TunnelIdle is 999µs"},
		{http.Limits{HeadTimeout: time.Millisecond}, ""},
		{http.Limits{MinRate: 5, Requests: 5}, ""},
		{http.Limits{}, ""},
	} {
		err := row.limits.Check()
		if (err != nil) != (row.want != "") || err != nil && !strings.HasPrefix(err.Error(), row.want) {
			t.Errorf("%+v: %v", row.limits, err)
		}
		if _, made := http.NewServer(http.Config{Handler: failing, Limits: row.limits}); made != nil && err == nil || made == nil && err != nil {
			t.Errorf("NewServer says %v, and Check %v", made, err)
		}
	}
	func() {
		defer func() {
			if text, _ := recover().(string); text != "http: Timeout is 5ns, and a time is 1ms at least: write Timeout: 5 * time.Second" {
				t.Errorf("BodyLimits: %q", text)
			}
		}()
		http.BodyLimits{Timeout: 5}.Wrap(nil)
	}()
}

// TestBlockingThatCouldServeNothingIsRefused, when it is made.
func TestBlockingThatCouldServeNothingIsRefused(t *testing.T) {
	h := func(*http.Response, *http.Request) error { return nil }
	for _, row := range []struct {
		make func()
		want string // of the panic, "" for none
	}{
		{func() { http.Blocking(0, h) }, "http: Blocking(0, h) serves no request: give it a number from 1 on"},
		{func() { http.Blocking(-1, h) }, "http: Blocking(-1, h) serves no request: give it a number from 1 on"},
		{func() { http.Blocking(1, nil) }, "http: the handler for Blocking is nil"},
		{func() { http.Blocking(1, h) }, ""},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); text != row.want {
					t.Errorf("%q, and not %q", text, row.want)
				}
			}()
			row.make()
		}()
	}
}
