package breaks

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Each of these clients asks for so many pages at once.
const pages = 8

// Sleeper asks for /sleep, whose handler sleeps, and has eight other clients ask for eight
// pages each. It counts those that come before the answer to /sleep.
func Sleeper(t *Target, _ time.Duration) (Outcome, error) {
	const all = newcomers * pages
	address := t.secure()
	o := Outcome{Seen: []string{fmt.Sprintf("A client asks for /sleep. Then %d others ask for %d pages each.", newcomers, pages)}}
	// A very busy machine may take longer for the pages than the handler sleeps, or longer
	// to connect than the server waits.
	var failed error
	counted := false
	for tries := 0; tries < 3 && o.Count < all; tries++ {
		n, err := whileItSleeps(address)
		if err != nil {
			failed = err
			continue
		}
		counted, o.Count = true, max(o.Count, n)
	}
	if !counted {
		return o, failed
	}
	_, body := pageByTLS(address, Sure)
	if culprit := held.FindStringSubmatch(body); culprit != nil {
		o.Seen = append(o.Seen, fmt.Sprintf("The watchdog says that the loop was held by %s.", culprit[1]))
	}
	o.Survived = o.Count == all
	o.Result = fmt.Sprintf("%d of %d pages came while the handler slept.", o.Count, all)
	return o, nil
}

var held = regexp.MustCompile(`held by (/\w+)`)

// whileItSleeps counts the pages that come before the answer to /sleep does.
func whileItSleeps(address string) (n int, err error) {
	var clients []*tls.Conn
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	// In TLS 1.2 a server sends nothing behind its handshake but answers.
	dial := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	for range 1 + newcomers {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: Sure}, "tcp", address, dial)
		if err != nil {
			return 0, err
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		clients = append(clients, c)
	}
	sleeper, others := clients[0], clients[1:]
	if _, err := io.WriteString(sleeper, "GET /sleep HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return 0, err
	}
	for _, c := range others {
		if _, err := io.WriteString(c, strings.Repeat(keepOpen, pages)); err != nil {
			return 0, err
		}
	}
	for _, c := range others {
		answers := bufio.NewReader(c)
		for range pages {
			if status, _ := readAnswer(answers); status != 200 {
				return n, fmt.Errorf("a page has status %d", status)
			}
			if !isReadable(sleeper.NetConn()) {
				n++
			}
		}
	}
	return n, nil
}

// isReadable reports whether something has come.
func isReadable(c net.Conn) (yes bool) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return false
	}
	raw.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		yes = err == nil && n > 0
	})
	return yes
}
