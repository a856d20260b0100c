package acme

import "time"

// pauses are how long is waited after the first failures, one after the other; the
// last is for all that follow. An attempt makes one order at most, and has one kind
// of challenge tried. So that is what an ACME server allows, whenever one begins to
// count: Let's Encrypt has five failed challenges for a name in an hour, and answers
// nothing more then. A server that names a pause itself is given that one, if it is
// longer. While no server answers at all, it is always the first pause.
var pauses = []time.Duration{
	2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute,
	64 * time.Minute, 128 * time.Minute, 256 * time.Minute,
}

// longestPause is how long a pause can be that is read from the folder, where the
// clock may have been another: what the longest of Let's Encrypt's limits asks for.
const longestPause = 7 * 24 * time.Hour

// What is asked of an ACME server in one request.
const (
	requestTimeout = 30 * time.Second
	answerMax      = 1 << 20 // bytes: the longest is a chain of certificates
	retriesMax     = 4       // when it is overloaded, or has refused a nonce
)

// longestName is how long a name can be in the DNS (RFC 1035 section 2.3.4).
const (
	longestName  = 253
	longestLabel = 63
)
