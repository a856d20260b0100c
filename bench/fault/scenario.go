package main

// A scenario is one attack and what must hold meanwhile.
type scenario struct {
	name  string
	about string
	run   func(*trial) error
	cheap bool // costs little processor time, so that it may run beside others
}

// scenarios are all attacks: one for each kind that the limits are there for. The files
// go by the question that an attack asks of the server.
var scenarios = []scenario{
	// readers.go: does an honest slow reader live, and one that takes nothing not?
	{"readers-loopback", "even readers of 5 to 120 kB/s and curl --limit-rate of the same", readersOnLoopback, true},
	{"readers-mtu1500", "the same through a network namespace, at MTU 1500", readersAtMTU1500, true},
	{"readers-haproxy", "the same through HAProxy", readersThroughHAProxy, true},
	{"takes-nothing", "peers that take nothing of a large file are reset", takesNothing, true},
	{"vanished", "a peer that earned time vanishes without a word", vanished, true},

	// output.go: what do answers cost that are not read?
	{"unread-json", "80 peers ask for 8 MB of JSON, packed on the way, and read nothing", unreadJSON, false},
	{"unread-cached", "the same when it is in the cache", unreadCached, false},
	{"unread-200k", "400 peers ask for 200 KiB and read nothing", unread200K, false},
	{"unread-own", "500 peers ask for 250 kB that are made for each, and read nothing", unreadOwn, false},
	{"slow-pipelines", "500 peers pipeline requests for 250 kB and read 0.2 MB/s together", slowPipelines, false},
	{"unread-listings", "300 peers ask for a listing of 10,000 names and read nothing", unreadListings, false},
	{"unread-ranges", "400 peers ask for two ranges and read nothing", unreadRanges, false},

	// disk.go: who waits for a disk that hangs?
	{"hanging-files", "64 requests for files that never open", hangingFiles, true},

	// logs.go: who waits for a log?
	{"log-stderr", "--verbose into a pipe without a reader", logToStderr, true},
	{"log-stdout", "--log into a pipe without a reader", logToStdout, true},
	{"log-fifo", "--log into a FIFO that has no reader", logToFIFO, true},
	{"log-full", "--log onto a full disk", logToFullDisk, true},
	{"panics", "50 panics while stderr is a pipe without a reader", panics, true},

	// bodies.go: does an honest body or password get its turn?
	{"hoarded-bodies", "64 peers keep bodies that are complete but for ten bytes", hoardedBodies, false},
	{"guessed-passwords", "24 peers guess passwords", guessedPasswords, false},

	// addresses.go: does one address leave others their share?
	{"half-requests", "ulimit -n 256, and one address renews 400 half requests", halfRequests, false},
	{"crowd", "2,000 slowloris, 500 slow bodies and 500 that read nothing, together", crowdOfAll, false},
	{"hellos", "3,000 TLS handshakes of one address that do not go on", hellos, false},

	// stops.go: is anything lost at a stop?
	{"stop-1", "SIGTERM under the load of 12 clients, --loops 1", stopOneLoop, false},
	{"stop-4", "SIGTERM under the load of 12 clients, --loops 4", stopFourLoops, false},
	{"hangup-1", "SIGHUP under the load of 12 clients, --loops 1", hangupOneLoop, false},
	{"hangup-4", "SIGHUP under the load of 12 clients, --loops 4", hangupFourLoops, false},
	{"held-loop", "four loops on a Unix socket, and a handler holds one of them", heldLoop, true},
}
