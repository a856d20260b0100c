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
	if n > 1 {
		crowds.Lock()
		defer crowds.Unlock()
	}
	silent := t.crowd(n)
	defer hangUp(silent)
	if len(silent) == 0 {
		return Outcome{}, fmt.Errorf("no client can connect to %s", t.Address)
	}
	o := Outcome{Seen: []string{fmt.Sprintf("Silent clients that connect: %d.", n)}}
	t.settle(n)
	o.Count = count(newcomers, func() int {
		status, _ := t.get("/", patience)
		return status
	})
	o.Survived = o.Count == newcomers
	if !o.Survived {
		if words, died := t.Died(0); died {
			o.Seen = append(o.Seen, "The server's process ends: "+words)
		}
	}
	o.Result = answered(o.Count, newcomers)
	return o, nil
}

// settle waits until a server that counts its threads has one for each of n silent
// clients, or has died of them. Until then it may still answer others.
func (t *Target) settle(n int) {
	for until := time.Now().Add(Sure); n > 1 && time.Now().Before(until); time.Sleep(time.Millisecond) {
		c, err := t.counts()
		if err != nil {
			t.Died(time.Until(until))
			return
		}
		if c.threads == 0 || c.threads > n {
			return
		}
	}
}
