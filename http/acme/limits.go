package acme

import "time"

// pauses are the waiting times after the first failures; the last one repeats. An
// attempt makes one order at most and tries one kind of challenge. So the pauses keep
// within Let's Encrypt's limit of five failed challenges for a name in an hour,
// beyond which it answers nothing. A longer pause that the server asks for is kept.
// While no server answers, every pause is the first one.
var pauses = []time.Duration{
	2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute,
	64 * time.Minute, 128 * time.Minute, 256 * time.Minute,
}

// longestPause bounds a pause that is read from the folder, in case the clock has
// changed. It is the longest that Let's Encrypt's limits ask for.
const longestPause = 7 * 24 * time.Hour

// Limits of one request to an ACME server.
const (
	requestTimeout = 30 * time.Second
	answerMax      = 1 << 20 // bytes; the longest answer is a chain of certificates
	retriesMax     = 4       // when the server is overloaded or has refused a nonce
)

// longestName is the maximum length of a name in the DNS (RFC 1035 section 2.3.4).
const (
	longestName  = 253
	longestLabel = 63
)
