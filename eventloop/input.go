package eventloop

// input is what was read and not yet used.
type input struct {
	p  []byte
	at int // p[:at] has been used
}

func (i *input) rest() []byte { return i.p[i.at:] }

// add puts more behind the rest, in place of what has been used if that makes
// room.
func (i *input) add(p []byte) {
	if i.at > 0 && len(i.p)+len(p) > cap(i.p) {
		i.p = i.p[:copy(i.p, i.p[i.at:])]
		i.at = 0
	}
	i.p = append(i.p, p...)
}
