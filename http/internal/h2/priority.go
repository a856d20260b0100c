package h2

// Priorities (RFC 9218): the field "priority: u=1, i" of requests and answers, which
// PRIORITY_UPDATE carries, too. It is a dictionary of structured fields (RFC 9651 section 3.2),
// so all of its syntax is read here, though two members count.

// A Priority says when the answer of a stream is sent.
type Priority struct {
	Urgency     uint8 // 0 to 7, 0 being sent first
	Incremental bool  // in turns with others of the same urgency
}

// DefaultPriority is that of a request that says nothing.
var DefaultPriority = Priority{Urgency: 3}

// maxUrgency is the highest number of an urgency, which is sent last.
const maxUrgency = 7

// Update takes what a field value says, and leaves what it does not say. A value that cannot
// be parsed is ignored as a whole, which Update reports by false. Members that are not known,
// and values of another type or range, are ignored alone (RFC 9218 section 4).
func (p *Priority) Update(value []byte) bool {
	next := *p
	s := sfScanner{value, 0}
	s.skipSpaces()
	for !s.atEnd() {
		key, ok := s.key()
		if !ok {
			return false
		}
		v := sfValue{kind: sfBoolean, number: 1}
		if s.take('=') {
			if v, ok = s.member(); !ok {
				return false
			}
		}
		if !s.parameters() {
			return false
		}
		next.take(key, v, *p)
		if !s.nextMember() {
			return false
		}
	}
	*p = next
	return true
}

// take takes one member, if it is known. Of members with the same name the last one counts, so
// a value that cannot be gives the old priority back.
func (p *Priority) take(key []byte, v sfValue, old Priority) {
	if len(key) != 1 {
		return
	}
	switch key[0] {
	case 'u':
		p.Urgency = old.Urgency
		if v.kind == sfInteger && v.number >= 0 && v.number <= maxUrgency {
			p.Urgency = uint8(v.number)
		}
	case 'i':
		p.Incremental = old.Incremental
		if v.kind == sfBoolean {
			p.Incremental = v.number == 1
		}
	}
}
