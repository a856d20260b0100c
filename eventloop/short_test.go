package eventloop

import (
	"errors"
	"testing"

	"github.com/bobbin-http/bobbin"
)

// A tight is a square whose sockets take so much of what is written.
type tight struct {
	*square
	takes int
	err   error
}

func (k *tight) Write(int, []byte, bool) (int, error) {
	k.written++
	return k.takes, k.err
}

func (k *tight) Close(int) error { return nil }

// TestASocketThatDoesNotTakeAll is about an answer of 13 bytes.
func TestASocketThatDoesNotTakeAll(t *testing.T) {
	for _, row := range []struct {
		name  string
		takes int
		err   error
		kind  Kind  // of the record of that
		queue int64 // bytes that wait, in the record, too
		open  int
	}{
		{"what is left behind a part is recorded", 5, bobbin.ErrNotNow, WritePart, 8, 1},
		{"all is left where there is no room", 0, bobbin.ErrNotNow, WriteNotNow, 13, 1},
		{"a socket that has failed is asked once", 0, errors.New("it is gone"), FailedReset, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			l, k := crowd(t, 1, 1)
			l.kernel = &tight{k, row.takes, row.err}
			_, from, _ := l.ReadSince(0, nil)
			before := k.written
			turnGuarded(t, l)
			if n := k.written - before; n != 1 || l.conns.open != row.open {
				t.Errorf("it was asked %d times, and %d connections are open", n, l.conns.open)
			}
			records, _, _ := l.ReadSince(from, nil)
			found := 0
			for _, r := range records {
				if r.Kind == row.kind {
					found++
					if r.Arg != row.queue && row.open > 0 {
						t.Errorf("%d bytes are recorded, not %d", r.Arg, row.queue)
					}
				}
			}
			if found != 1 {
				t.Errorf("it is recorded %d times", found)
			}
		})
	}
}

// TestASocketWithoutRoomIsNotAsked has a socket take all of an answer and say that it is
// full, before there is another answer.
func TestASocketWithoutRoomIsNotAsked(t *testing.T) {
	l, k := crowd(t, 1, 1)
	l.kernel = &tight{k, len(welcome), bobbin.ErrNotNow}
	before := k.written
	turnGuarded(t, l)
	turnGuarded(t, l)
	if n := k.written - before; n != 1 || l.Memory() != int64(len(welcome)) {
		t.Errorf("it was asked %d times, and %d bytes wait", n, l.Memory())
	}
}
