package negotiate

import "strings"

// Weights are those of content codings in a client's Accept-Encoding fields (RFC 9110
// section 12.5.3). They belong to a list of names: "identity", then the codings of the
// server, its favourite first, then "*". An element is one more than the weight, in
// thousandths, of the name at its index, or 0 if no field has that name.
type Weights []int16

// Read adds the weights in a field. It skips unknown names, and of two weights for one
// name the first counts.
func (w Weights) Read(names []string, field string) {
	for element := range strings.SplitSeq(field, ",") {
		name, q := readWeighed(element)
		if EqualFold(name, "x-gzip") {
			name = "gzip" // RFC 9110 section 8.4.1.3
		}
		for i, known := range names {
			if w[i] == 0 && EqualFold(name, known) {
				w[i] = q + 1
			}
		}
	}
}

// Of returns the weight of a coding, 0 if the client does not take it. One that is not
// named has the weight of "*". If that is not named either, the coding is not taken,
// except for identity, which comes after all that are named.
func (w Weights) Of(i int) int16 {
	switch star := w[len(w)-1]; {
	case w[i] > 0:
		return w[i] - 1
	case star > 0:
		return star - 1
	case i == 0:
		return 1
	}
	return 0
}

// Choose returns the coding with the largest weight, and false if the client takes
// none; there says which the server has. Of equal ones the first is chosen, and identity
// last, because it is the largest.
func (w Weights) Choose(there []bool) (best int, ok bool) {
	most := int16(0)
	for i := 1; i < len(there); i++ {
		if q := w.Of(i); there[i] && q > most {
			best, most = i, q
		}
	}
	if q := w.Of(0); there[0] && q > most {
		best, most = 0, q
	}
	return best, most > 0
}

// readWeighed reads an element such as "gzip;q=0.5". The weight is in thousandths.
func readWeighed(element string) (name string, q int16) {
	name, parameter, weighed := strings.Cut(element, ";")
	name = strings.Trim(name, blanks)
	if !weighed {
		return name, 1000
	}
	return name, readWeight(strings.Trim(parameter, blanks))
}

// readWeight reads "q=0.5" (RFC 9110 section 12.4.2). A parameter that is malformed, or
// another, counts as q=0: sending the bytes as they are is safe for every client.
func readWeight(s string) int16 {
	if len(s) < 3 || s[0]|0x20 != 'q' || s[1] != '=' {
		return 0
	}
	whole, fraction, _ := strings.Cut(s[2:], ".")
	if whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0
	}
	n := int16(whole[0] - '0')
	for i := range 3 {
		n *= 10
		if i < len(fraction) {
			if fraction[i] < '0' || fraction[i] > '9' {
				return 0
			}
			n += int16(fraction[i] - '0')
		}
	}
	if n > 1000 {
		return 0
	}
	return n
}

const blanks = " \t"
