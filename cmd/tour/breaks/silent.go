package breaks

import (
	"fmt"
	"time"
)

// Silent connects one client that says nothing, and then eight that ask for a page.
func Silent(t *Target, patience time.Duration) (Outcome, error) { return silence(t, 1, patience) }

// ManySilent connects 300 clients that say nothing, and then eight that ask for a page.
func ManySilent(t *Target, patience time.Duration) (Outcome, error) { return silence(t, 300, patience) }

func silence(t *Target, n int, patience time.Duration) (Outcome, error) {
	silent := t.crowd(n)
	defer hangUp(silent)
	if len(silent) == 0 {
		return Outcome{}, fmt.Errorf("no client can connect to %s", t.Address)
	}
	o := Outcome{Seen: []string{fmt.Sprintf("Silent clients that connect: %d.", n)}}
	for range len(silent) / 4 { // whose turn comes behind those: a server that dies of them has died by then
		if status, _ := t.get("/", patience); status != 200 {
			break
		}
	}
	o.Count = count(newcomers, func() int {
		status, _ := t.get("/", patience)
		return status
	})
	o.Survived = o.Count == newcomers
	if !o.Survived {
		if words, died := t.Died(patience / 10); died {
			o.Seen = append(o.Seen, "The server's process ends: "+words)
		}
	}
	o.Result = answered(o.Count, newcomers)
	return o, nil
}
