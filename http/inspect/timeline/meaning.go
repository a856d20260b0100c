package timeline

// A meaning is what a timeline makes of a kind of record. It goes by the names of the
// Hello, so that a server of another version is read as far as it is known.
type meaning uint8

const (
	other meaning = iota // an instant with its name
	unseen
	turnBegan
	accepted
	readBytes
	readPart
	wroteBytes
	deadline
	postedRan
	timersRan
	handshake
	headRead
	streamHeadRead
	streamReset
	handlerBegan
	handlerEnded
	done
	closed
	waitEnded // and the ends of the other phases behind it
	dispatchEnded
	postedEnded
	timersEnded
	flushEnded
	reapEnded
	callbackEnded
	writeEnded
	openGauge
	owedGauge
)

// meanings are those of names. The names of a loop that are not here are instants.
var meanings = map[string]meaning{
	"turn": turnBegan, "accepted": accepted,
	"read": readBytes, "part of a message": readPart, "wrote": wroteBytes,
	"state": unseen, "left out": unseen, "deadline": deadline, "posted": postedRan, "timers": timersRan, "TLS handshake": handshake, "TLS resumed": handshake,
	"head read": headRead, "stream head read": streamHeadRead, "stream reset": streamReset, "handler began": handlerBegan, "handler ended": handlerEnded,
	"done 2xx": done, "done 3xx": done, "done 4xx": done, "done 5xx": done,
	"wait": waitEnded, "dispatch": dispatchEnded, "run posted": postedEnded, "run timers": timersEnded, "flush": flushEnded, "reap": reapEnded,
	"callback": callbackEnded, "write": writeEnded,

	"closed": closed, "closed by the peer": closed, "closed by a deadline": closed, "evicted while lingering": closed,
	"aborted by a deadline": closed, "reset or broken": closed, "aborted": closed, "sent too much": closed, "TLS cut short": closed,
	"TLS failed": closed, "file shrank": closed, "ended by a panic": closed, "evicted": closed, "shed": closed, "stopped": closed,
	"cut off": closed, "left the loop": closed,
}

// meaningsOf returns the meaning of each kind by its number.
func meaningsOf(kinds []string) (list [256]meaning) {
	for kind := range list {
		list[kind] = unseen
	}
	for kind, name := range kinds[:min(len(kinds), int(Open))] {
		if name != "" && name != "answer queued" { // which comes with each answer
			list[kind] = meanings[name]
		}
	}
	list[Open], list[Owed] = openGauge, owedGauge
	return list
}
