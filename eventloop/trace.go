package eventloop

import (
	"fmt"
	"io"
	"strings"
)

// A tracer prints every record of a loop, for Config.Trace. It is a reader like
// others: it prints when a turn is over, and in a turn of thousands of records now and
// then.
type tracer struct {
	w       io.Writer
	next    uint64 // the first record that is not printed
	records []Record
}

// trace begins to print.
func (l *Loop) trace(w io.Writer) {
	l.recorder.tracer = &tracer{w: w}
	l.addReader()
}

// printTrace prints the records that are not printed yet, if there is a tracer.
func (l *Loop) printTrace() {
	t := l.recorder.tracer
	if t == nil {
		return
	}
	var lost uint64
	t.records, t.next, lost = l.ReadSince(t.next, t.records[:0])
	if lost > 0 {
		fmt.Fprintf(t.w, "%d records lost\n", lost)
	}
	turn := l.Count(Turn)
	for i := range t.records {
		if t.records[i].Kind == Turn {
			turn--
		}
	}
	for i := range t.records {
		r := &t.records[i]
		if r.Kind == Turn {
			turn++
		}
		fmt.Fprintf(t.w, "+%.6fs %s: %s\n", r.At.Seconds(), r.who(turn), l.Describe(r))
	}
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
