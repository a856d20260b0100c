package breaks

import (
	"fmt"
	"sync"
	"syscall"
	"time"
)

// Idle connects 1,000 clients that say nothing, and one after the other twenty that ask
// for a page. It counts how many sockets the server looks at for each that is ready.
func Idle(t *Target, _ time.Duration) (Outcome, error) {
	crowds.Lock()
	defer crowds.Unlock()
	n, why := affordable(1000)
	idle := t.crowd(n)
	defer hangUp(idle)
	if len(idle) < n {
		return Outcome{}, fmt.Errorf("only %d of %d clients could connect", len(idle), n)
	}
	before, err := t.counts()
	if err != nil {
		return Outcome{}, err
	}
	const active = 20
	for range active - 1 {
		if _, err := t.counts(); err != nil {
			return Outcome{}, err
		}
	}
	after, err := t.counts()
	if err != nil {
		return Outcome{}, err
	}
	events, entries := after.events-before.events, after.entries-before.entries
	if events == 0 {
		return Outcome{}, fmt.Errorf("the server counts no events")
	}
	o := Outcome{Count: entries / events}
	o.Seen = []string{
		fmt.Sprintf("Idle clients: %s%s. One at a time, %d others ask for a page.", Number(n), why, active),
		fmt.Sprintf("Sockets that were ready: %d. Sockets looked at: %s.", events, Number(entries)),
	}
	o.Survived = o.Count <= 2
	o.Result = fmt.Sprintf("%s sockets looked at for each one that is ready.", Number(o.Count))
	if o.Survived {
		o.Result = "1 socket looked at for each one that is ready."
	}
	return o, nil
}

// crowds are one at a time, because they share the limit on open files.
var crowds sync.Mutex

// affordable is n, or what the limit on open files allows, and then why. The step has the
// same limit. A quarter of it is for others.
func affordable(n int) (int, string) {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && uint64(limit.Cur)/4*3 < uint64(n) {
		return max(int(limit.Cur)/4*3, 1), fmt.Sprintf(" (not %s: the limit on open files is %d here)", Number(n), limit.Cur)
	}
	return n, ""
}
