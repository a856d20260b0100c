package middleware

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestUsersAreReplacedWhileItServes asks before and after; a check takes half a second.
func TestUsersAreReplacedWhileItServes(t *testing.T) {
	quick(t)
	a := authOf(map[string]int{"ali": 10, "baba": 10})
	httptest.Run(t, httptest.Config{Handler: a.Wrap(hello), SlowWork: true}, func(c *httptest.Client) {
		expect := func(what, name, password string, status int) {
			t.Helper()
			if got, _ := login(c, name, password); got.Status != status {
				t.Errorf("%s gets %d, want %d", what, got.Status, status)
			}
		}
		expect("a user", "ali", "right", 200)
		expect("a user without a right yet", "morgiana", "right", 401)

		a.SetUsers(authOf(map[string]int{"baba": 10, "morgiana": 11}))
		if a.highest != 11 {
			t.Errorf("the highest cost is %d", a.highest)
		}
		expect("a user who was removed, and whose password was remembered,", "ali", "right", 401)
		expect("a user who was added, and whose password was remembered as wrong,", "morgiana", "right", 200)
		expect("a user who stays", "baba", "right", 200)

		c.Go(func(c *httptest.Client) {
			if got, _ := login(c, "baba", "right"); got.Status != 200 {
				t.Errorf("a check that had begun gets %d", got.Status)
			}
		})
		clear(a.right) // so that there is a check
		for a.checking == 0 {
			c.Sleep(time.Millisecond)
		}
		a.SetUsers(authOf(map[string]int{"morgiana": 10}))
		for a.checking > 0 {
			c.Sleep(10 * time.Millisecond)
		}
		expect("the user of that check, afterwards,", "baba", "right", 401)

		for i := range freeFailures {
			login(c, "morgiana", string(rune('a'+i))) // a wrong guess
		}
		a.SetUsers(authOf(map[string]int{"morgiana": 10}))
		expect("a client that must pause", "morgiana", "another", 429)
	})
}
