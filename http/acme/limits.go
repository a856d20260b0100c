package acme

import "time"

// pauses are how long is waited after the first failures, one after the other; the
// last is for all that follow. The first is short, because a machine that has just
// started may not be reachable yet. What comes after must not use up what an ACME
// server allows: Let's Encrypt has five failed challenges for a name in an hour.
// A server that names a pause itself is given that one, if it is longer.
var pauses = []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 20 * time.Minute, time.Hour}

// What is asked of an ACME server in one request.
const (
	requestTimeout = 30 * time.Second
	answerMost     = 1 << 20 // bytes: the longest is a chain of certificates
	retriesMost    = 4       // when it is overloaded, or has refused a nonce
)

// longestName is how long a name can be in the DNS (RFC 1035 section 2.3.4).
const (
	longestName  = 253
	longestLabel = 63
)
