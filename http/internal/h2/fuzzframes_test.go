package h2

// Fuzzing of frames and priorities.

import (
	"slices"
	"testing"
)

// FuzzFrames reads frames from any bytes. A frame means the same when only its beginning has come.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(Preface))
	f.Fuzz(func(t *testing.T, p []byte) {
		s := DefaultSettings
		for {
			h, ok := ReadFrameHeader(p)
			for n := range min(len(p), HeaderSize+1) {
				if part, enough := ReadFrameHeader(p[:n]); enough != (n >= HeaderSize) || enough && part != h {
					t.Fatalf("%d bytes are %v, %v", n, part, enough)
				}
			}
			if !ok {
				return
			}
			if again := h.Append(nil); !slices.Equal(again[:5], p[:5]) || h.Stream > MaxStream {
				t.Fatalf("%v is % x, and was % x", h, again, p[:HeaderSize])
			}
			p = p[HeaderSize:]
			if err := h.Check(MinFrameSize); err != nil && !err.Stream || int(h.Length) > len(p) {
				return
			} else if err == nil {
				checkPayload(t, h, p[:h.Length], &s)
			}
			p = p[h.Length:]
		}
	})
}

// checkPayload reads the payload of a frame whose header is right.
func checkPayload(t *testing.T, h FrameHeader, p []byte, s *Settings) {
	t.Helper()
	err := receive(h, p, s)
	if err != nil && err.Code == FrameSizeError {
		t.Fatalf("%v: %v, although the header is right", h, err)
	}
	c, whole := h.Content(p)
	if part, early := h.Content(p[:h.Prefix()]); part != c || early != whole {
		t.Fatalf("%v has %v, %v; from its beginning %v, %v", h, c, whole, part, early)
	}
	if c.From > c.To || int(c.To) > len(p) {
		t.Fatalf("%v has %v of %d bytes", h, c, len(p))
	}
	if s.MaxFrameSize < MinFrameSize || s.MaxFrameSize > MaxFrameSize || s.InitialWindowSize > MaxWindow || s.LeastTableSize > s.HeaderTableSize {
		t.Fatalf("settings that cannot be: %v", s)
	}
}

// FuzzPriority looks for values that cannot be, and for a different meaning behind blanks.
func FuzzPriority(f *testing.F) {
	f.Add([]byte("u=1, i"))
	f.Fuzz(func(t *testing.T, p []byte) {
		start := Priority{Urgency: 3}
		got := start
		ok := got.Update(p)
		if got.Urgency > maxUrgency || !ok && got != start {
			t.Fatalf("%q is %v, %v", p, got, ok)
		}
		other := start
		if again := other.Update(append([]byte("  "), p...)); again != ok || other != got {
			t.Fatalf("%q behind spaces is %v, %v, and was %v, %v", p, other, again, got, ok)
		}
		if last := start; ok && got != start && (!last.Update(append([]byte("x=(1 2);y, "), p...)) || last != got) {
			t.Fatalf("%q behind another member is %v, and was %v", p, last, got)
		}
	})
}
