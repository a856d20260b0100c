package feed

import (
	"errors"
	"io"
	"time"
)

// A Follower reads a stream for as long as its user wants, and dials again when it ends. It
// belongs to one goroutine.
type Follower struct {
	// Dial makes the request for /-/xray/stream, and returns the body of its answer. An
	// answer that is no stream is an error of its own: Refused if the next one will be the
	// same. A server that is silent for long is an error of the body's Read.
	Dial func() (io.ReadCloser, error)

	// Wait waits for d, and returns false if its user has enough.
	Wait func(d time.Duration) bool

	Hello func(*Hello) // is called at the beginning of each stream
	Frame func(*Frame) // is called for each frame

	// Lost is called when a stream has ended or could not be had, with the reason, before
	// Wait: err is ErrBye, or tells what is wrong.
	Lost func(err error, again time.Duration)
}

// Refused is the error of a Dial that would fail the next time, too: the answer in words.
type Refused string

// Error implements error.
func (r Refused) Error() string { return string(r) }

// The pauses between attempts: the first is short, because a server that is started anew is
// there within a second, and each is twice as long as the one before.
const (
	pauseFirst   = 250 * time.Millisecond
	pauseLongest = 5 * time.Second
)

// Run follows the stream until Wait returns false, which is no error, or until Dial returns
// a Refused, or a stream has another schema.
func (f *Follower) Run() error {
	pause := pauseFirst
	for {
		err := f.follow(func() { pause = pauseFirst })
		var refused Refused
		var schema *SchemaError
		if errors.As(err, &refused) || errors.As(err, &schema) {
			return err
		}
		f.Lost(err, pause)
		if !f.Wait(pause) {
			return nil
		}
		pause = min(2*pause, pauseLongest)
	}
}

// follow reads one stream to its end. Begun is called when it has one frame.
func (f *Follower) follow(begun func()) error {
	body, err := f.Dial()
	if err != nil {
		return err
	}
	defer body.Close()
	r := NewReader(body)
	hello, err := r.Hello()
	if err != nil {
		return err
	}
	f.Hello(hello)
	for {
		frame, err := r.Next()
		if err != nil {
			return err
		}
		begun()
		f.Frame(frame)
	}
}
