package static

import "github.com/bobbin-http/bobbin/http/internal/negotiate"

// Most requests of browsers select an answer by nothing but Accept-Encoding, and its value
// is one of very few. The latest values are remembered with what they mean, so that they
// are compared in place of being read anew.

// offers are the codings in which an entry exists or could be made, as bits, and one
// more bit. They are 0 until they are known.
type offers uint8

const offersKnown offers = 1 << codings

// An accepted is a value of Accept-Encoding with its meaning.
type accepted struct {
	value   []byte
	weights [codings + 1]int16          // see negotiate.Weights
	choice  [offersKnown]acceptedChoice // by the offers
}

// An acceptedChoice is one more than the coding that is chosen. It is 0 as long as it
// is not known, and acceptedNone if the client takes none that is offered.
type acceptedChoice uint8

const acceptedNone acceptedChoice = 255

// acceptedMax is the longest value that is remembered. A browser's has 23 bytes.
const acceptedMax = 64

// An acceptCache has the latest values. It belongs to the loop.
type acceptCache struct {
	latest [4]accepted
	next   int // the one that is forgotten next
}

// choose returns the coding of those that are offered for a value of Accept-Encoding,
// and false if the client takes none of them.
func (c *acceptCache) choose(value []byte, there offers) (coding, bool) {
	a := c.find(value)
	chosen := &a.choice[there&^offersKnown]
	if *chosen == 0 {
		*chosen = a.choose(there)
	}
	return coding(*chosen - 1), *chosen != acceptedNone
}

// find returns what a value means.
func (c *acceptCache) find(value []byte) *accepted {
	for i := range c.latest {
		if string(value) == string(c.latest[i].value) {
			return &c.latest[i]
		}
	}
	a := &accepted{}
	if len(value) <= acceptedMax {
		a = &c.latest[c.next]
		c.next = (c.next + 1) % len(c.latest)
		*a = accepted{value: append(a.value[:0], value...)}
	}
	negotiate.Weights(a.weights[:]).Read(codingNames[:], string(value))
	return a
}

func (a *accepted) choose(o offers) acceptedChoice {
	var there [codings]bool
	for i := range there {
		there[i] = o&(1<<i) != 0
	}
	best, ok := negotiate.Weights(a.weights[:]).Choose(there[:])
	if !ok {
		return acceptedNone
	}
	return acceptedChoice(best + 1)
}

// offered returns the offers of an entry.
func (f *Files) offered(e *entry) offers {
	if e.offers == 0 {
		e.offers = offersKnown
		for c, there := range f.has(e) {
			if there {
				e.offers |= 1 << c
			}
		}
	}
	return e.offers
}
