package http

import "time"

// dateFormat is the preferred form of RFC 9110 section 5.6.7. The time must be
// in UTC.
const dateFormat = "Mon, 02 Jan 2006 15:04:05 GMT"

// FormatDate writes a time as fields have it, in whole seconds.
func FormatDate(t time.Time) string { return t.UTC().Format(dateFormat) }

// ParseDate reads a time as fields have it, in any of the three forms that have
// been in use (RFC 9110 section 5.6.7). What is not exactly one of them is no
// date.
func ParseDate(s string) (t time.Time, ok bool) {
	for _, form := range [...]string{dateFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return t, false
}
