package websocket

import (
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// The memory of messages, which many sessions could take at once: of those that are incomplete,
// and of those that a handler of Streaming has while it waits. Sessions of a loop share
// Limits.MessagesTotal. Above it, the client that has most pays: its largest message ends its
// session. A message that comes and goes within a turn is not counted.

// An account is the memory of one message.
type account struct {
	of     *Session
	client eventloop.Client
	bytes  int64
	place  int // in accounts.all, from 1; 0 if nothing is counted
}

// accounts are those of a loop.
type accounts struct {
	held eventloop.Tally
	all  []*account
}

// errCrowded is the end of a session whose message has to make room.
var errCrowded = &ws.Violation{Code: CodeTryAgainLater, Reason: "there are too many messages at once"}

// count counts the memory of a message, 0 when it is given back, and makes room.
func (k *accounts) count(a *account, s *Session, bytes int) {
	n := int64(bytes)
	if n == a.bytes {
		return
	}
	if a.place == 0 {
		a.of, a.client = s, s.tunnel.Client()
		k.all = append(k.all, a)
		a.place = len(k.all)
	}
	k.held.Add(a.client, n-a.bytes)
	if a.bytes = n; n == 0 {
		k.forget(a)
		return
	}
	for k.held.Total() > s.limits.MessagesTotal && len(k.all) > 1 {
		most, _ := k.held.Most()
		k.largest(most).of.fail(errCrowded)
	}
}

// forget takes an account off the list.
func (k *accounts) forget(a *account) {
	last := len(k.all) - 1
	k.all[a.place-1] = k.all[last]
	k.all[a.place-1].place = a.place
	k.all[last] = nil
	k.all = k.all[:last]
	a.place, a.of = 0, nil
}

// largest returns the largest message of a client.
func (k *accounts) largest(who eventloop.Client) (most *account) {
	for _, a := range k.all {
		if a.client == who && (most == nil || a.bytes > most.bytes) {
			most = a
		}
	}
	return most
}
