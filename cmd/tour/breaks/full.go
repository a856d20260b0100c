package breaks

import (
	"fmt"
	"time"
)

// places is how many clients a step serves from the eighth on.
const places = 64

// Full connects as many silent clients as the server has places, and then a client that
// asks for a page. If it is refused it asks again, when the server has closed a silent
// one or patience is over.
func Full(t *Target, patience time.Duration) (Outcome, error) {
	silent := t.crowd(places)
	defer hangUp(silent)
	if len(silent) < places {
		return Outcome{}, fmt.Errorf("only %d of %d clients could connect", len(silent), places)
	}
	o := Outcome{Seen: []string{fmt.Sprintf("Silent clients that connect: %d, as many as the server has places.", places)}}
	status, _ := t.get("/", patience)
	if status != 200 {
		o.Seen = append(o.Seen, "A newcomer asks for a page, and is refused.")
		silent[0].SetReadDeadline(time.Now().Add(patience))
		if _, err := silent[0].Read(make([]byte, 1)); timedOut(err) {
			o.Seen = append(o.Seen, "The silent clients stay. The newcomer asks again.")
		} else {
			o.Seen = append(o.Seen, "The silent clients let their deadline pass, and are closed. The newcomer asks again.")
		}
		status, _ = t.get("/", patience)
	}
	if status == 200 {
		o.Count = 1
	}
	o.Survived = o.Count == 1
	o.Result = fmt.Sprintf("Newcomers that were answered: %d of 1.", o.Count)
	return o, nil
}

// timedOut reports whether a wait has ended without a result.
func timedOut(err error) bool {
	late, ok := err.(interface{ Timeout() bool })
	return ok && late.Timeout()
}
