package middleware

import (
	"bytes"
	"maps"
)

// The names and passwords of a BasicAuth, and how they are replaced while it serves.

// accounts are names with their hashes. They are never changed after ParseUsers, as workers
// and other loops read them.
type accounts struct {
	users   map[string][]byte // hashes by name
	highest int               // the largest bcrypt cost
}

// SetUsers replaces the names and passwords by those of another BasicAuth, which ParseUsers
// has made; loops may share it. If they differ, no password counts as checked any more, so
// that a user who was removed gets 401 with the next request. A check that a worker has begun ends by the
// users of its beginning, and is not remembered. The pauses of clients stay. It must be
// called on the loop's goroutine.
func (a *BasicAuth) SetUsers(from *BasicAuth) {
	if maps.EqualFunc(a.users, from.users, bytes.Equal) {
		return
	}
	a.accounts = from.accounts
	a.changes++
	clear(a.right)
	a.wrong = recent[[32]byte, struct{}]{most: wrongMax}
}
