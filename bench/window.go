package main

import (
	"errors"

	"github.com/bobbin-http/bobbin/bench/meter"
)

// A window is the time in which a server is measured: all of a load, or the part of it in
// which requests count. It begins and ends once; a load that fails may end it early.
type window struct {
	cell        *cell
	measurement *meter.Measurement // while it is open, or nil
	cost        meter.Cost
	err         error
	over        bool
}

func (w *window) begin() {
	b := w.cell.bench
	w.measurement, w.err = b.meter.Begin(b.ctx, w.cell.running.Child.PID())
}

func (w *window) end() {
	if w.measurement != nil {
		w.cost, w.err = w.measurement.End()
		w.measurement, w.over = nil, true
	}
}

// result returns the cost, when the window is over.
func (w *window) result() (meter.Cost, error) {
	if w.err == nil && !w.over {
		return w.cost, errors.New("the load has not begun")
	}
	return w.cost, w.err
}
