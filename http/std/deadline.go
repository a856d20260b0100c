package std

import (
	"context"
	"errors"
	nethttp "net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// SetReadDeadline implements net/http's ResponseController: from t on, reading the body fails
// with os.ErrDeadlineExceeded, and the handler may still answer. The zero time takes the
// deadline away.
func (a *answer) SetReadDeadline(t time.Time) error {
	a.turns.Lock()
	defer a.turns.Unlock()
	return a.setDeadline(t, a.from.SetReadDeadline)
}

// SetWriteDeadline implements net/http's ResponseController: if the client does not have the
// answer at t, its connection is reset, and writing fails with os.ErrDeadlineExceeded. The
// zero time takes the deadline away.
func (a *answer) SetWriteDeadline(t time.Time) error {
	a.turns.Lock()
	defer a.turns.Unlock()
	if a.writeBy.IsZero() || time.Now().Before(a.writeBy) { // one that is over stays
		a.writeBy = t
	}
	return a.setDeadline(t, a.to.SetWriteDeadline)
}

// setDeadline sets a deadline that the handler has given as a moment.
func (a *answer) setDeadline(t time.Time, set func(time.Duration) error) error {
	if err := a.gone(); err != nil {
		return err
	}
	var d time.Duration
	if !t.IsZero() {
		d = max(time.Until(t), 1)
	}
	if err := set(d); err != nil && !errors.Is(err, http.ErrGone) {
		return err
	}
	return nil // the next call says that the answer is over
}

// writeError returns the error of writing the answer as net/http has it.
func (a *answer) writeError(err error) error {
	if errors.Is(err, http.ErrGone) && !a.writeBy.IsZero() && !time.Now().Before(a.writeBy) {
		return errors.Join(err, os.ErrDeadlineExceeded)
	}
	return err
}

// readError returns the error of reading a body as net/http has it.
func readError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(err, os.ErrDeadlineExceeded)
	}
	return err
}

// interim sends an answer with a status below 200, with the fields as they stand. Fields
// that are about the final answer's body are left out.
func (a *answer) interim(status int) {
	if status == nethttp.StatusContinue {
		return // the server sends it when the body is read
	}
	var fields [][2]string
	for name, values := range a.fields {
		if http.IsTrailer(name) && !strings.HasPrefix(name, nethttp.TrailerPrefix) {
			for _, v := range values {
				fields = append(fields, [2]string{name, strings.TrimSpace(oneLine.Replace(v))})
			}
		}
	}
	slices.SortStableFunc(fields, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	if err := a.to.Interim(http.Status(status), fields...); err != nil && !errors.Is(err, http.ErrGone) {
		logf(a.request, "http: response.WriteHeader(%d): %v", status, err)
	}
}
