package breaks

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Paused asks for /wait, so that the server stops to read from this client, and then
// sends one more request. It counts how often the server is told of that.
func Paused(t *Target, _ time.Duration) (Outcome, error) {
	c, err := net.DialTimeout("tcp", t.Address, Sure)
	if err != nil {
		return Outcome{}, err
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return Outcome{}, err
	}
	before, err := t.counts()
	for tries := 0; err == nil && before.waiting == 0; tries++ {
		if tries == 1000 {
			return Outcome{}, errors.New("the server does not let a client wait")
		}
		before, err = t.counts()
	}
	if err != nil {
		return Outcome{}, err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return Outcome{}, err
	}
	time.Sleep(quiet)
	after, err := t.counts()
	if err != nil {
		return Outcome{}, err
	}
	status, _ := t.get("/go", Sure)
	if status != 200 {
		return Outcome{}, fmt.Errorf("the server answers /go with status %d", status)
	}
	o := Outcome{Count: after.events - before.events}
	o.Seen = []string{
		"A client asks for /wait. The server keeps it, and reads no more from it.",
		fmt.Sprintf("The client sends its next request, and is quiet for %v.", quiet),
	}
	o.Survived = o.Count <= fewCalls
	o.Result = fmt.Sprintf("%s events for one request that has come once.", Number(o.Count))
	if o.Survived {
		o.Result = "A few events: this request is one, the clients that ask for counts are others."
	}
	return o, nil
}
