package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	nethttp "net/http"
	"net/netip"
	neturl "net/url"
	"strings"
	"syscall"
	"time"
)

// A target is a running server that a command asks for what it shows of itself, at an
// address as people type it.
type target struct {
	text    string // as it was typed
	base    neturl.URL
	guessed bool // no scheme was typed
	client  *nethttp.Client
}

// How long a target may take to be reached, and to begin its answer.
const (
	reachWithin  = 5 * time.Second
	answerWithin = 5 * time.Second
)

// targetOf reads an address: a port, :8080, localhost:8080, a URL, or unix:/path.
func targetOf(text string) (*target, error) {
	t := &target{text: text, guessed: true, base: neturl.URL{Scheme: "http"}}
	socket := ""
	switch scheme, rest, _ := strings.Cut(text, ":"); {
	case text == "":
		return nil, errors.New("the address is empty: write :8080, localhost:8080, http://localhost:8080 or unix:/path")
	case scheme == "unix":
		socket, _, _ = strings.Cut(rest, "?")
		if socket == "" {
			return nil, fmt.Errorf("%s names no socket: write unix:/path", text)
		}
		t.base.Host, t.guessed = "localhost", false
	case strings.Contains(text, "://"):
		u, err := neturl.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return nil, fmt.Errorf("%s is no address of a server: write localhost:8080, or http://localhost:8080", text)
		}
		t.base.Scheme, t.base.User, t.base.Host, t.guessed = u.Scheme, u.User, u.Host, false
	default:
		host, err := hostOf(text)
		if err != nil {
			return nil, err
		}
		t.base.Host = host
	}
	transport := &nethttp.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if socket != "" {
				network, address = "unix", socket
			}
			return (&net.Dialer{Timeout: reachWithin}).DialContext(ctx, network, address)
		},
		ResponseHeaderTimeout: answerWithin,
		TLSHandshakeTimeout:   answerWithin,
		DisableCompression:    true,
	}
	if isThisMachine(t.base.Hostname()) {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // what is sent stays on this machine
	}
	t.client = &nethttp.Client{Transport: transport, CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}
	return t, nil
}

// hostOf completes a host and a port. What is listened on at all addresses is asked at
// localhost, and a port that is not there is the program's own.
func hostOf(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	switch {
	case err == nil:
	case strings.Trim(text, "0123456789") == "" && text != "":
		host, port = "", text
	default:
		host, port = strings.Trim(text, "[]"), "8080"
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "localhost"
	}
	number, err := net.LookupPort("tcp", port)
	if err != nil || number == 0 || strings.ContainsAny(host, " /?#@") {
		return "", fmt.Errorf("%q is no address of a server: write :8080, localhost:8080, http://localhost:8080 or unix:/path", text)
	}
	return net.JoinHostPort(host, fmt.Sprint(number)), nil
}

// isThisMachine reports whether a host is certainly this machine.
func isThisMachine(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// get asks for a path, and returns the answer if it is a 200. The error is a sentence that
// says what to do.
func (t *target) get(ctx context.Context, path string) (*nethttp.Response, error) {
	answer, err := t.ask(ctx, path)
	if err == nil && answer.StatusCode == nethttp.StatusBadRequest && t.guessed {
		answer.Body.Close() // plain HTTP on a port of HTTPS, perhaps
		secure := *t
		secure.base.Scheme, secure.guessed = "https", false
		if again, err := secure.ask(ctx, path); err == nil {
			t.base.Scheme, t.guessed = "https", false
			answer = again
		} else {
			answer, _ = t.ask(ctx, path)
			if answer == nil {
				return nil, t.explain(err)
			}
		}
	}
	if err != nil {
		return nil, t.explain(err)
	}
	if answer.StatusCode == nethttp.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, t.refused(answer)
}

func (t *target) ask(ctx context.Context, path string) (*nethttp.Response, error) {
	r, err := nethttp.NewRequestWithContext(ctx, "GET", t.base.String()+path, nil)
	if err != nil {
		return nil, err
	}
	return t.client.Do(r)
}

// explain says what an error of the connection means.
func (t *target) explain(err error) error {
	var wait net.Error
	var name *net.DNSError
	var unknown x509.UnknownAuthorityError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: is the server running, and is this its address?", t.text)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no such socket: is the server running?", t.text)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: this user may not use the socket", t.text)
	case errors.As(err, &name):
		return fmt.Errorf("%s: no machine of that name is known", t.text)
	case errors.As(err, &unknown):
		return fmt.Errorf("%s: its certificate is of an authority that this machine does not trust; on the server's own machine, https://localhost does not ask for one", t.text)
	case errors.As(err, &notTLS), strings.Contains(err.Error(), "HTTP response to HTTPS client"): // net/http has no value for it
		return fmt.Errorf("%s does not speak HTTPS: write http://", t.text)
	case errors.As(err, &wait) && wait.Timeout():
		return fmt.Errorf("%s does not answer: if its loop is held, ask at its --admin address, which has a loop of its own", t.text)
	}
	return fmt.Errorf("%s does not answer as a server of HTTP does: %w", t.text, err)
}

// refused says what an answer means that is not a 200.
func (t *target) refused(answer *nethttp.Response) error {
	line, _ := bufio.NewReader(io.LimitReader(answer.Body, 1000)).ReadString('\n')
	line = strings.TrimSpace(line)
	switch answer.StatusCode {
	case nethttp.StatusNotFound:
		return fmt.Errorf("%s does not show its loops: start it with --xray, or with --admin ADDR and ask there", t.text)
	case nethttp.StatusUnauthorized:
		return fmt.Errorf("%s wants a password: write http://NAME:PASSWORD@HOST", t.text)
	case nethttp.StatusForbidden, nethttp.StatusServiceUnavailable, nethttp.StatusBadRequest:
		if line != "" && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/plain") {
			return fmt.Errorf("%s: %s", t.text, line)
		}
	}
	return fmt.Errorf("%s answers %s, and not with what was asked for: is it bobbin?", t.text, answer.Status)
}
