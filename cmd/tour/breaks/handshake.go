package breaks

import (
	"crypto/tls"
	"fmt"
	"net"
	"regexp"
	"time"
)

// HalfHandshake has a client send half of the first message of TLS. Then eight others ask
// for a page by TLS.
func HalfHandshake(t *Target, patience time.Duration) (Outcome, error) {
	address := t.secure()
	half, err := halfHello(address)
	if err != nil {
		return Outcome{}, err
	}
	defer half.Close()
	o := Outcome{Seen: []string{"A client begins to speak TLS, and stops in the middle of its first message."}}
	until := time.Now().Add(patience)
	o.Count = count(newcomers, func() (status int) {
		// Again, because on a very busy machine the server's deadline may be over first.
		for left := patience; left > 0 && status != 200; left = time.Until(until) {
			status = getByTLS(address, left)
		}
		return status
	})
	o.Survived = o.Count == newcomers
	o.Result = answered(o.Count, newcomers)
	return o, nil
}

// NaiveTLS is HalfHandshake, with clients that speak TLS only if the server does.
func NaiveTLS(t *Target, patience time.Duration) (Outcome, error) {
	ask := func() int { return getByTLS(t.Address, patience) }
	o := Outcome{Seen: []string{"A client asks by TLS, alone, and is answered."}}
	if ask() != 200 {
		o.Seen[0] = "A client asks by TLS, and is not answered. The others do without TLS."
		ask = func() int { status, _ := t.get("/", patience); return status }
	}
	half, err := halfHello(t.Address)
	if err != nil {
		return Outcome{}, err
	}
	defer half.Close()
	o.Seen = append(o.Seen, "A client begins to speak TLS, and stops in the middle of its first message.")
	o.Count = count(newcomers, ask)
	o.Survived = o.Count == newcomers
	o.Result = answered(o.Count, newcomers)
	return o, nil
}

var secureAddress = regexp.MustCompile(`https://([\d.:]+)/`)

// secure is where the server speaks TLS: at an address that its page names, or at the
// only one it has.
func (t *Target) secure() string {
	_, body := t.get("/", Sure)
	if address := secureAddress.FindStringSubmatch(body); address != nil {
		return address[1]
	}
	return t.Address
}

// trusting is for certificates that the steps have made for themselves.
var trusting = &tls.Config{InsecureSkipVerify: true}

// getByTLS returns the status of a page, 0 if no answer came.
func getByTLS(address string, patience time.Duration) (status int) {
	status, _ = pageByTLS(address, patience)
	return status
}

func pageByTLS(address string, patience time.Duration) (status int, body string) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", address, trusting)
	if err != nil {
		return 0, ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprint(c, request); err != nil {
		return 0, ""
	}
	return readAnswer(c)
}

// halfHello connects and sends the first half of what a client of TLS says first.
func halfHello(address string) (net.Conn, error) {
	near, far := net.Pipe()
	go tls.Client(near, trusting).Handshake() // it fails when far is closed
	hello := make([]byte, 16<<10)
	n, err := far.Read(hello)
	far.Close()
	if err != nil {
		return nil, err
	}
	c, err := net.DialTimeout("tcp", address, Sure)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(hello[:n/2]); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
