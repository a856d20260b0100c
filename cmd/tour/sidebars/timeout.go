package sidebars

import (
	"time"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// timers is how many are waited for, one after the other.
const timers = 50

// Timeout waits for timers that are due in 1.9 ms, and counts the waits.
func Timeout() (careless, careful int, err error) {
	poller, err := ready.Open()
	if err != nil {
		return 0, 0, err
	}
	// #region timeout
	waits := func(milliseconds func(time.Duration) int) (n int, err error) {
		var none [1]ready.Event
		for range timers {
			due := time.Now().Add(1900 * time.Microsecond)
			for left := time.Until(due); left > 0; left = time.Until(due) {
				if _, err := poller.Wait(none[:], milliseconds(left)); err != nil {
					return n, err
				}
				n++
			}
		}
		return n, nil
	}
	roundedDown := func(d time.Duration) int { return int(d / time.Millisecond) }
	roundedUp := func(d time.Duration) int { return int((d + time.Millisecond - 1) / time.Millisecond) }
	// #endregion
	if careless, err = waits(roundedDown); err != nil {
		return 0, 0, err
	}
	careful, err = waits(roundedUp)
	return careless, careful, err
}
