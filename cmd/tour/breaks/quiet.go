package breaks

import (
	"fmt"
	"time"
)

// quiet is how long no client comes.
const quiet = 300 * time.Millisecond

// fewCalls is more than a server makes that sleeps until a client comes.
const fewCalls = 100

// Nothing asks for a page, does nothing for a while, and asks for the page again: it
// shows how many calls the server has made meanwhile.
func Nothing(t *Target, _ time.Duration) (Outcome, error) {
	before, err := t.counts()
	if err != nil {
		return Outcome{}, err
	}
	time.Sleep(quiet)
	after, err := t.counts()
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Count: after.calls - before.calls}
	o.Seen = []string{fmt.Sprintf("No client comes for %v. Then one asks for the counts.", quiet)}
	if empty := after.notNow - before.notNow; empty > 0 {
		o.Seen = append(o.Seen, fmt.Sprintf(`Calls that were answered with "not now": %s.`, Number(empty)))
	}
	o.Survived = o.Count <= fewCalls
	o.Result = fmt.Sprintf("%s calls for nothing.", Number(o.Count))
	if o.Survived {
		o.Result = "A few calls, for the one client."
	}
	return o, nil
}
