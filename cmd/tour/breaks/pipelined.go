package breaks

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"time"
)

// keepOpen is a request behind which the same client sends another one.
const keepOpen = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

// TwoAtOnce sends two requests in one packet, from each of eight clients.
func TwoAtOnce(t *Target, patience time.Duration) (Outcome, error) {
	const requests = 2 * newcomers
	o := Outcome{Seen: []string{fmt.Sprintf("Each of %d clients sends two requests in one packet.", newcomers)}}
	answers := make(chan int, newcomers)
	count(newcomers, func() int {
		answers <- t.pipeline(keepOpen+request, 2, patience)
		return 0
	})
	close(answers)
	for n := range answers {
		o.Count += n
	}
	o.Survived = o.Count == requests
	o.Result = fmt.Sprintf("%d of %d requests were answered.", o.Count, requests)
	return o, nil
}

// pipeline sends requests at once, and returns how many of them got a 200.
func (t *Target) pipeline(requests string, n int, patience time.Duration) (answered int) {
	c, err := net.DialTimeout("tcp", t.Address, patience)
	if err != nil {
		return 0
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, requests); err != nil {
		return 0
	}
	answers := bufio.NewReader(c)
	for range n {
		if status, _ := readAnswer(answers); status != 200 {
			break
		}
		answered++
	}
	return answered
}
