package main

import (
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A lane is one connection, from its client's hand to the answer: how many bytes are
// where. It is made of records and of calls of the kernel, one after the other, so it can
// be shown as it was at any moment of a turn.
type lane struct {
	client int // its number, from 1
	habit  habit
	wire   *sim.Wire

	conn  uint32 // 0 until it is accepted
	fd    int
	state eventloop.State
	end   string // why the connection has ended, in words
	runs  bool   // its handler has the request, or is about to
	full  bool   // back-pressure

	// Bytes since the connection began. Each count is at most the one before it.
	sent, read, used       int // of requests: by the client, from the socket, by the protocol
	queued, written, taken int // of answers: by the protocol, to the socket, by the client

	// The latest request, and the answer to it.
	request     string
	requestFrom int // where it begins, as a count of sent
	answerFrom  int // where its answer begins, as a count of queued
	answer      []byte
	received    []byte // by the client
}

// begin notes that the client begins a request.
func (l *lane) begin(text string) {
	l.request, l.requestFrom, l.answerFrom = text, l.sent, l.queued
	l.answer, l.received = nil, nil
}

// A laneView is a lane as the page shows it. Counts are of the latest request and of its
// answer.
type laneView struct {
	Client   int    `json:"client"`
	Name     string `json:"name"`
	Conn     uint32 `json:"conn"`
	FD       int    `json:"fd"`
	State    string `json:"state"`
	Activity string `json:"activity"`
	Full     bool   `json:"full"`
	End      string `json:"end"`

	Request string `json:"request"`
	Sent    int    `json:"sent"`
	Read    int    `json:"read"`
	Used    int    `json:"used"`

	Answer  string `json:"answer"` // the beginning of it, as far as it was written
	Queued  int    `json:"queued"`
	Written int    `json:"written"`
	Taken   int    `json:"taken"`
}

// shownAnswer is how much of an answer's text the page gets.
const shownAnswer = 160

func (l *lane) view() laneView {
	v := laneView{
		Client: l.client, Name: l.habit.Lane, Conn: l.conn, FD: l.fd, Activity: l.activity(), Full: l.full, End: l.end,
		Request: l.request, Sent: l.sent - l.requestFrom, Read: l.read - l.requestFrom, Used: l.used - l.requestFrom,
		Answer: string(l.answer[:min(len(l.answer), shownAnswer)]),
		Queued: l.queued - l.answerFrom, Written: l.written - l.answerFrom, Taken: l.taken - l.answerFrom,
	}
	if l.conn > 0 {
		v.State = l.state.String()
	}
	return v
}

// activity is the word for what the connection is doing. The loop tells the same by
// Loop.Connections, at the end of a turn; here it is known at each moment of one.
func (l *lane) activity() string {
	switch {
	case l.conn == 0:
		return ""
	case l.state >= eventloop.Closing:
		return eventloop.Ending.String()
	case l.queued > l.written:
		return eventloop.Writing.String()
	case l.runs:
		return eventloop.Handling.String()
	case l.read > l.used:
		return eventloop.Reading.String()
	}
	return eventloop.Idle.String()
}
