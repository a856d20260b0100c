package http

import (
	"sync"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A Parser is the server's parser of request heads by itself, for tools and for
// comparison with other parsers. The zero value is ready, with the default limits. It
// allocates nothing.
type Parser struct {
	head   h1.Head
	reader h1.HeadReader
	limits h1.Limits
}

// NewParser makes a parser with the limits given.
func NewParser(l Limits) (*Parser, error) {
	l = l.withDefaults()
	return &Parser{limits: l.parsing()}, l.check()
}

// defaultParsing returns the default limits, which are computed once.
var defaultParsing = sync.OnceValue(func() h1.Limits {
	l := Limits{}.withDefaults()
	return l.parsing()
})

// Head returns how many bytes the request head takes that b begins with, 0
// while it is incomplete; b is then expected to begin with the same bytes the
// next time, and to be longer. The error is why the head is refused; with
// errors.As it is a Status.
func (p *Parser) Head(b []byte) (int, error) {
	if p.limits.RequestLine == 0 { // it was not made by NewParser, whose limits are never 0
		p.limits = defaultParsing()
	}
	n, why := p.reader.Read(&p.head, b, &p.limits, nil, 0)
	if why != nil {
		p.reader = h1.HeadReader{}
		return 0, (*refusal)(why)
	}
	if n > 0 {
		p.reader = h1.HeadReader{}
	}
	return n, nil
}

// Fields returns how many fields the head has that was complete last.
func (p *Parser) Fields() int { return p.head.NFields }
