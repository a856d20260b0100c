package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// How bobbin top follows the stream of a server.

// silentMost is how long a stream may be silent before it is given up, and asked for anew.
// The loop that sends it may be held that long.
const silentMost = 20 * time.Second

// follow follows the server. The first refusal is the end: the address is wrong, or the
// person may not look. Later ones are shown, because the server may be on its way back.
func (t *top) follow() {
	first := true
	f := feed.Follower{
		Dial: func() (io.ReadCloser, error) {
			body, err := t.dial()
			if err != nil && first {
				return nil, feed.Refused(err.Error())
			}
			first = false
			return body, err
		},
		Wait: func(d time.Duration) bool {
			select {
			case <-time.After(d):
				return true
			case <-t.ctx.Done():
				return false
			}
		},
		Hello: func(h *feed.Hello) { t.hand(func() { t.greet(h); t.draw() }) },
		Frame: func(f *feed.Frame) { t.hand(func() { t.takeFrame(f) }) },
		Lost:  func(err error, _ time.Duration) { t.hand(func() { t.lose(err) }) },
	}
	err := f.Run()
	t.hand(func() { t.end(err) })
}

// takeFrame takes a frame, and shows it at once if it is the first or has another verdict.
func (t *top) takeFrame(f *feed.Frame) {
	before := t.frame()
	t.take(f)
	if now := t.frame(); before == nil || now.Level != before.Level || len(now.Troubles) != len(before.Troubles) {
		t.draw()
	}
}

// lose notes that there is no stream.
func (t *top) lose(err error) {
	words := err.Error()
	switch {
	case errors.Is(err, feed.ErrBye):
		words = "the server stops"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		words = "the stream has ended"
	}
	t.lost = strings.TrimPrefix(words, "feed: ")
	t.draw()
	if t.screen == nil && t.told != t.lost {
		t.told = t.lost
		t.tell(t.cleaned("reconnecting: " + t.lost))
	}
}

// dial asks for the stream.
func (t *top) dial() (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(t.ctx)
	answer, err := t.server.get(ctx, "/-/xray/stream")
	if err != nil {
		cancel()
		return nil, err
	}
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		answer.Body.Close()
		cancel()
		return nil, fmt.Errorf("%s answers, but not with the stream of a bobbin: is this its address?", t.server.text)
	}
	return newLiveBody(answer.Body, cancel, silentMost), nil
}

// A liveBody is the body of an answer that may not be silent for long.
type liveBody struct {
	body   io.ReadCloser
	cancel func() // ends Read
	most   time.Duration
	silent *time.Timer
}

func newLiveBody(body io.ReadCloser, cancel func(), most time.Duration) *liveBody {
	return &liveBody{body, cancel, most, time.AfterFunc(most, cancel)}
}

// Read implements io.Reader.
func (b *liveBody) Read(p []byte) (int, error) {
	b.silent.Reset(b.most)
	n, err := b.body.Read(p)
	if err != nil && !b.silent.Stop() {
		err = fmt.Errorf("the server has been silent for %v", b.most)
	}
	return n, err
}

// Close implements io.Closer.
func (b *liveBody) Close() error {
	b.silent.Stop()
	b.cancel()
	return b.body.Close()
}
