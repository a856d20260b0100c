package http

import (
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestAClientHearsItsAnswerBeforeItsBodyIsRefused has a large body come behind an answer: a reset in
// the same breath would have some clients lose the answer.
func TestAClientHearsItsAnswerBeforeItsBodyIsRefused(t *testing.T) {
	k := sim.New(1)
	s, err := NewServer(Config{Handler: h2Site().Serve, EagerAccept: true, Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	const contentLength, size = "\x0f\x0d\x075000000", 200 << 10
	head := h2Post(1, "/ok") + contentLength
	head = head[:2] + string([]byte{head[2] + byte(len(contentLength))}) + head[3:]
	var data []byte
	for len(data) < size {
		data = h2.FrameHeader{Length: 16 << 10, Type: h2.FrameData, Stream: 1}.Append(data)
		data = append(data, make([]byte, 16<<10)...)
	}
	k.Go(func(c *sim.Script) {
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		// hears returns the types of the frames of stream 1 that have come meanwhile.
		hears := func() (types []h2.FrameType) {
			c.Sleep(100 * time.Millisecond)
			var said []byte
			for w.Waiting() > 0 {
				said, _ = c.Receive(w, said, 1<<20)
			}
			for len(said) > 0 {
				f, _ := h2.ReadFrameHeader(said)
				if f.Stream == 1 {
					types = append(types, f.Type)
				}
				said = said[h2.HeaderSize+int(f.Length):]
			}
			return types
		}
		c.Send(w, []byte(h2Begin+head))
		if got := hears(); !slices.Equal(got, []h2.FrameType{h2.FrameHeaders, h2.FrameData}) {
			t.Errorf("at first it hears %v", got)
		}
		c.Send(w, data[:60<<10]) // the window of a connection has no more at first
		c.Sleep(time.Second)
		c.Send(w, data[60<<10:])
		if got := hears(); slices.Contains(got, h2.FrameRSTStream) || slices.Contains(got, h2.FrameWindowUpdate) {
			t.Errorf("while the body comes, it hears %v", got)
		}
		c.Sleep(s.limits.DiscardIdle)
		if got := hears(); !slices.Equal(got, []h2.FrameType{h2.FrameRSTStream}) {
			t.Errorf("later it hears %v", got)
		}
		c.Send(w, []byte(h2Fetch(3, "/ok")))
		c.Sleep(100 * time.Millisecond)
		if w.Waiting() == 0 {
			t.Error("the connection does not go on")
		}
		w.Close()
		s.Stop()
	})
	if err := s.Run(); err != nil {
		t.Error(err)
	}
}
