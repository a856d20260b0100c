package http

import (
	"strings"
	"testing"
	"time"
)

// TestAConnectionLingersUnlessItsClientHasKeptItsPromise: closing at once what the
// client still sends to would answer that by a reset, which destroys the last answer.
func TestAConnectionLingersUnlessItsClientHasKeptItsPromise(t *testing.T) {
	const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, row := range []struct{ name, say, want string }{
		{"a client that sends nothing more need not be waited for", last, "200 closed"},
		{"one that has sent a whole body neither", strings.Replace(post("echo", 5), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1) + "hello", "200 closed"},
		{"one that sends more at once is waited for", last + "more", "200 held"},
		{"so is one that has promised nothing", "?\r\n\r\n", "400 held"},
		{"and one that is refused, whatever it said", strings.Replace(last, "GET", "TRACE", 1), "405 held"},
		{"and one that has not sent its body", strings.Replace(post("", 1<<20), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1), "200 held"},
	} {
		b := bite{want: row.want, run: func(b *bitten) string {
			m := b.dial()
			m.say(row.say)
			m.hear(10 * time.Millisecond)
			status, _, _ := strings.Cut(m.seen(), " ")
			if m.w.ServerClosed() {
				return status + " closed"
			}
			defer m.w.Close()
			return status + " held"
		}}
		t.Run(row.name, func(t *testing.T) { b.try(t) })
	}
}
