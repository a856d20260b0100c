package main

// A scenario is one attack with its conditions.
type scenario struct {
	name  string
	about string
	run   func(*trial) error
	cheap bool // costs little processor time, so that it may run concurrently
}

// scenarios are all attacks: one for each purpose of the limits. Each file has the
// attacks that ask one question about the server.
var scenarios = []scenario{
	// readers.go: slow readers
	{"readers-loopback", "even readers of 5 to 120 kB/s and curl --limit-rate of the same", readersOnLoopback, true},
	{"readers-mtu1500", "the same through a network namespace, at MTU 1500", readersAtMTU1500, true},
	{"readers-haproxy", "the same through HAProxy", readersThroughHAProxy, true},
	{"takes-nothing", "peers that take nothing of a large file must be reset", takesNothing, true},
	{"vanished", "a peer that earned time vanishes", vanished, true},

	// output.go: unread answers
	{"unread-json", "80 peers request 8 MB of JSON, compressed on the fly, and read nothing", unreadJSON, false},
	{"unread-cached", "the same when it is in the cache", unreadCached, false},
	{"unread-200k", "400 peers request 200 KiB and read nothing", unread200K, false},
	{"unread-own", "500 peers request 250 kB made for each, and read nothing", unreadOwn, false},
	{"slow-pipelines", "500 peers pipeline requests for 250 kB and read 0.2 MB/s together", slowPipelines, false},
	{"unread-listings", "300 peers request a listing of 10,000 names and read nothing", unreadListings, false},
	{"unread-ranges", "400 peers request two ranges and read nothing", unreadRanges, false},

	// disk.go: a disk that hangs
	{"hanging-files", "64 requests for files that never open", hangingFiles, true},

	// logs.go: logs that are not taken
	{"log-stderr", "--verbose into a pipe without a reader", logToStderr, true},
	{"log-stdout", "--log into a pipe without a reader", logToStdout, true},
	{"log-fifo", "--log into a FIFO without a reader", logToFIFO, true},
	{"log-full", "--log onto a full disk", logToFullDisk, true},
	{"panics", "50 panics while stderr is a pipe without a reader", panics, true},

	// bodies.go: bodies and passwords
	{"hoarded-bodies", "64 peers keep bodies that are complete except for ten bytes", hoardedBodies, false},
	{"guessed-passwords", "24 peers guess passwords", guessedPasswords, false},

	// addresses.go: attacks from one address
	{"half-requests", "ulimit -n 256, and one address renews 400 half requests", halfRequests, false},
	{"crowd", "2,000 slowloris, 500 slow bodies and 500 that read nothing, together", crowdOfAll, false},
	{"hellos", "3,000 TLS handshakes of one address that stop halfway", hellos, false},

	// stops.go: stopping under load
	{"stop-1", "SIGTERM under the load of 12 clients, --loops 1", stopOneLoop, false},
	{"stop-4", "SIGTERM under the load of 12 clients, --loops 4", stopFourLoops, false},
	{"hangup-1", "SIGHUP under the load of 12 clients, --loops 1", hangupOneLoop, false},
	{"hangup-4", "SIGHUP under the load of 12 clients, --loops 4", hangupFourLoops, false},
	{"held-loop", "four loops on a Unix socket, and a handler holds one of them", heldLoop, true},
}
