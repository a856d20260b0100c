package guide

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// TestBobbinSurvivesAllBreaks gives the last step what has broken each of the others.
func TestBobbinSurvivesAllBreaks(t *testing.T) {
	t.Parallel()
	all := Steps()
	bobbin, breaks := all[len(all)-1], 0
	for _, s := range all {
		if s.Break == nil {
			continue
		}
		breaks++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			p, err := Start(self(t), bobbin, "")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Stop()
			o, err := s.Break(&p.Target, slowAnswer)
			if err != nil || !o.Survived {
				t.Errorf("%+v, %v", o, err)
			}
			t.Log(o.Result)
		})
	}
	if breaks != 11 {
		t.Errorf("there are %d breaks", breaks)
	}
}

// TestTheInspectorShowsTheLastStep asks the last step for the page that shows its loop.
func TestTheInspectorShowsTheLastStep(t *testing.T) {
	t.Parallel()
	all := Steps()
	p, err := Start(self(t), all[len(all)-1], "")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	answer, err := http.Get("http://" + p.Address + "/-/xray")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 || !bytes.Contains(bytes.ToLower(page), []byte("<!doctype html>")) {
		t.Errorf("status %d, %d bytes, %v", answer.StatusCode, len(page), err)
	}
	stream, err := http.Get("http://" + p.Address + "/-/xray/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	events := bufio.NewScanner(stream.Body)
	events.Buffer(nil, 1<<20)
	for events.Scan() {
		if events.Text() == "event: frame" {
			return
		}
	}
	t.Errorf("the stream has no frame: %v", events.Err())
}
