package eventloop

import (
	"net/netip"

	"github.com/bobbin-http/bobbin"
)

// A loop that runs may get other limits and other proxies, when a program reads its
// configuration again. Connections that are open stay, and meet the new limits when they
// ask for more.

// SetLimits replaces the limits. Those of which the loop has made use for good are kept:
// its memory for reading, the queues between loops, and the workers for handshakes. Kept has
// their names, if they were to change. It must be called on the loop's goroutine.
func (l *Loop) SetLimits(next Limits) (kept []string) {
	l.owner.check("Loop.SetLimits")
	next = next.WithDefaults()
	if l.divides > 0 {
		next.afford(bobbin.Descriptors(), l.divides)
	}
	keep := func(name string, wanted *int, now int) {
		if *wanted != now {
			*wanted = now
			kept = append(kept, name)
		}
	}
	keep("AcceptBatch", &next.AcceptBatch, l.limits.AcceptBatch)
	keep("Handshakes", &next.Handshakes, l.limits.Handshakes)
	keep("ReadBudget", &next.ReadBudget, l.limits.ReadBudget)
	l.limits = next
	l.mail.setLimit(next.Posts)
	l.output.takeLimits()
	l.eviction.takeLimits()
	return kept
}

// SetProxies replaces Config.Proxies. Connections that are open are accounted by the new
// answer from now on. It must be called on the loop's goroutine.
func (l *Loop) SetProxies(proxies func(netip.Addr) bool) {
	l.owner.check("Loop.SetProxies")
	l.clients.proxies = l.shieldProxies(proxies)
	if l.eviction.census != nil {
		l.eviction.takeCensus()
	}
}
