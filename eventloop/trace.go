package eventloop

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A follower gets all records of a loop when a turn is over, and in a turn of thousands
// of records now and then.
type follower struct {
	f    func(records []Record, lost uint64) // nil when it has stopped
	next uint64                              // the first record that it has not got
}

// Follow has f called with each record from now on, in their order, until stop is called:
// at the end of a turn, and in a turn of thousands of records now and then. Lost is how many
// records before them were overwritten. f runs on the loop: it must not wait, or keep the
// records.
//
// A follower is a reader, see StartReading, and while there is one times are finer: records
// have the times at which a handler begins and at which each callback ends, and the end of
// writing to each connection is recorded. It must be called on the loop's goroutine, or
// before Run, and so must stop, after which f is called once more if there is something
// left.
func (l *Loop) Follow(f func(records []Record, lost uint64)) (stop func()) {
	l.owner.check("Loop.Follow")
	l.addReader()
	r := &l.recorder
	one := &follower{f: f, next: r.next}
	r.followers = append(slices.Clip(r.followers), one)
	return func() {
		l.owner.check("the function that Loop.Follow returned")
		if one.f == nil {
			return
		}
		l.give(one)
		one.f = nil
		r.followers = slices.DeleteFunc(slices.Clone(r.followers), func(other *follower) bool { return other == one })
		l.removeReader()
	}
}

// following reports whether there is a follower.
func (r *reader) following() bool { return len(r.followers) > 0 }

// giveRecords gives all followers what they have not got yet.
func (l *Loop) giveRecords() {
	for _, one := range l.recorder.followers {
		l.give(one)
	}
}

// giveEarly gives them when half of the ring is full of what one has not got.
func (l *Loop) giveEarly() {
	if r := &l.recorder; r.following() && r.next-r.followers[0].next > ringSize/2 {
		l.giveRecords()
	}
}

// give gives a follower its records. A panic in it is logged, as one in a function that was
// posted.
func (l *Loop) give(one *follower) {
	defer l.recovered()
	r := &l.recorder
	var lost uint64
	r.given, one.next, lost = l.ReadSince(one.next, r.given[:0])
	if one.f != nil && (len(r.given) > 0 || lost > 0) {
		one.f(r.given, lost)
	}
}

// trace begins to print every record, for Config.Trace.
func (l *Loop) trace(w io.Writer) {
	l.Follow(func(records []Record, lost uint64) {
		if lost > 0 {
			fmt.Fprintf(w, "%d records lost\n", lost)
		}
		turn := l.Count(Turn)
		for i := range records {
			if records[i].Kind == Turn {
				turn--
			}
		}
		for i := range records {
			r := &records[i]
			if r.Kind == Turn {
				turn++
			}
			fmt.Fprintf(w, "+%.6fs %s: %s\n", r.At.Seconds(), r.who(turn), l.Describe(r))
		}
	})
}

// who says whose record it is; doc.go shows some lines.
func (r *Record) who(turn uint64) string {
	switch {
	case r.Conn == 0:
		return fmt.Sprintf("turn %d", turn)
	case r.Request == 0:
		return fmt.Sprintf("conn %d", r.Conn)
	}
	return fmt.Sprintf("conn %d request %d", r.Conn, r.Request)
}

// KindInfo returns how a kind of record is shown. A kind that is not in use has no
// name.
func (l *Loop) KindInfo(kind Kind) KindInfo {
	switch {
	case kind < ProtocolKinds:
		return kinds[kind]
	case int(kind-ProtocolKinds) < len(l.kinds):
		return l.kinds[kind-ProtocolKinds]
	}
	return KindInfo{}
}

// Describe returns a record in a few plain words.
func (l *Loop) Describe(r *Record) string {
	info := l.KindInfo(r.Kind)
	if info.Text != nil {
		return info.Text(r.Arg)
	}
	return fmt.Sprintf("%s %d", info.Name, r.Arg)
}

// describeAll is for one line of a log.
func (l *Loop) describeAll(records []Record) string {
	var s strings.Builder
	for i := range records {
		if i > 0 {
			s.WriteString("; ")
		}
		if conn := records[i].Conn; conn != 0 {
			fmt.Fprintf(&s, "conn %d ", conn)
		}
		s.WriteString(l.Describe(&records[i]))
	}
	return s.String()
}
