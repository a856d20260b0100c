package http

import (
	"fmt"
	"reflect"
	"time"
)

// shortest is the shortest time that can be meant: a number without a unit is nanoseconds.
const shortest = time.Millisecond

// tooShort returns an error for a time that is no number of seconds, but of nanoseconds:
// Limits{HeadTimeout: 5} is one in which no head can come.
func tooShort(v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Type() != reflect.TypeFor[time.Duration]() {
			continue
		}
		if d := time.Duration(f.Int()); d > 0 && d < shortest {
			name := v.Type().Field(i).Name
			return fmt.Errorf("http: %s is %v, and a time is %v at least: write %s: %d * time.Second", name, d, shortest, name, int64(d))
		}
	}
	return nil
}
