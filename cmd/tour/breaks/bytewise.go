package breaks

import (
	"fmt"
	"net"
	"time"
)

// firstByte is how long a client waits behind the first byte of its request, for the
// answer of a server that takes it for the whole.
const firstByte = 300 * time.Millisecond

// ByteByByte sends eight requests, each in as many packets as it has bytes.
func ByteByByte(t *Target, patience time.Duration) (Outcome, error) {
	refused := 0
	o := Outcome{Seen: []string{fmt.Sprintf("Each of %d clients sends its request byte by byte.", newcomers)}}
	statuses := make(chan int, newcomers)
	o.Count = count(newcomers, func() int {
		status := t.bytewise(patience)
		statuses <- status
		return status
	})
	close(statuses)
	for status := range statuses {
		if status == 400 {
			refused++
		}
	}
	if refused > 0 {
		o.Seen = append(o.Seen, fmt.Sprintf("Clients told 400, that their request is not whole: %d.", refused))
	}
	o.Survived = o.Count == newcomers
	o.Result = answered(o.Count, newcomers)
	return o, nil
}

// bytewise returns the status of a request that is sent byte by byte.
func (t *Target) bytewise(patience time.Duration) int {
	c, err := net.DialTimeout("tcp", t.Address, patience)
	if err != nil {
		return 0
	}
	defer c.Close()
	for i := range len(request) {
		if _, err := c.Write([]byte{request[i]}); err != nil { // net sends it at once: TCP_NODELAY
			return 0
		}
		if i > 0 {
			time.Sleep(time.Millisecond)
			continue
		}
		c.SetReadDeadline(time.Now().Add(firstByte))
		switch status, _ := readAnswer(c); status {
		case 0:
		case 200:
			return 0 // the answer to something that was not asked yet
		default:
			return status
		}
	}
	c.SetReadDeadline(time.Now().Add(patience))
	status, _ := readAnswer(c)
	return status
}
