package acme

// How autocert reaches the ACME server. All goes through here, because autocert
// cannot be ended, and does not say why a challenge has failed.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"slices"
	"strings"
	"sync"
)

// A line is an http.RoundTripper of net/http's. It ends with the Manager, and listens
// for reasons.
type line struct {
	site *site

	mu      sync.Mutex
	trying  bool     // somebody waits for the reasons
	kind    string   // of the challenge that this attempt tries
	orders  string   // where an order is made, once that is known
	ordered bool     // this attempt has made its order
	heard   bool     // the server has answered something in it
	reasons []string // of this attempt
	told    []string // orders and authorizations whose failure is known
}

var (
	errShut    = errors.New("acme: the ACME server is not asked yet")
	errOrdered = errors.New("acme: one order is enough for an attempt")
)

// The kinds of challenge that are tried, in turn.
const (
	kindTLS  = "tls-alpn-01"
	kindHTTP = "http-01"
)

// RoundTrip implements http.RoundTripper. The answer is read to its end, so that it
// may take no longer than the request.
func (l *line) RoundTrip(q *nethttp.Request) (*nethttp.Response, error) {
	m := l.site.manager
	if !m.open.Load() {
		return nil, errShut
	}
	if l.mayNotOrder(q) {
		return nil, errOrdered
	}
	ctx, cancel := context.WithCancel(q.Context())
	defer cancel()
	defer context.AfterFunc(m.alive, cancel)()
	a, body, err := roundTrip(m.dial, q.WithContext(ctx))
	if err != nil {
		if m.alive.Err() == nil {
			l.note(err.Error())
		}
		return nil, err
	}
	l.listen(q.URL.String(), a.StatusCode, body)
	body = l.choose(q.URL.String(), a.StatusCode, body)
	a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return a, nil
}

// mayNotOrder reports whether a request would make another order in an attempt.
// autocert makes one for each kind of challenge.
func (l *line) mayNotOrder(q *nethttp.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trying && l.ordered && q.Method == nethttp.MethodPost && q.URL.String() == l.orders
}

// choose notes what an answer means for the attempt, and leaves one kind of challenge
// in an authorization: autocert would try one after the other, and each that fails
// counts.
func (l *line) choose(url string, status int, body []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = true
	l.ordered = l.ordered || status == nethttp.StatusCreated && url == l.orders
	var all map[string]json.RawMessage
	if status != nethttp.StatusOK || json.Unmarshal(body, &all) != nil {
		return body
	}
	if orders, ok := all["newOrder"]; ok {
		_ = json.Unmarshal(orders, &l.orders) // autocert says what is wrong with it
	}
	var challenges []json.RawMessage
	if !l.trying || all["challenges"] == nil || json.Unmarshal(all["challenges"], &challenges) != nil {
		return body
	}
	left := slices.DeleteFunc(challenges, func(c json.RawMessage) bool {
		var of struct{ Type string }
		return json.Unmarshal(c, &of) == nil && of.Type != l.kind
	})
	all["challenges"], _ = json.Marshal(left)
	if chosen, err := json.Marshal(all); err == nil {
		return chosen
	}
	return body
}

func roundTrip(by nethttp.RoundTripper, q *nethttp.Request) (*nethttp.Response, []byte, error) {
	a, err := by.RoundTrip(q)
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be reached: %w", q.URL.Host, err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(io.LimitReader(a.Body, answerMax+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s does not answer to the end: %w", q.URL.Host, err)
	case len(body) > answerMax:
		return nil, nil, fmt.Errorf("%s answers with more than %d bytes", q.URL.Host, answerMax)
	}
	return a, body, nil
}

// answer is where an ACME server says what is wrong: in a problem document (RFC 8555
// section 6.7), in an order (section 7.1.3), or in the challenges of an authorization
// (section 7.1.4).
type answer struct {
	problem
	Error      *problem
	Challenges []struct {
		Type  string
		Error *problem
	}
}

type problem struct{ Type, Detail string }

// listen looks for what is wrong.
func (l *line) listen(url string, status int, body []byte) {
	var a answer
	if json.Unmarshal(body, &a) != nil {
		a = answer{} // a certificate, or what some machine on the way has to say
	}
	if status >= 400 {
		switch {
		case strings.HasSuffix(a.Type, ":badNonce"):
			// It happens to everybody, and is done again.
		case a.Detail != "":
			l.note(a.Detail)
		default:
			l.note(fmt.Sprintf("the ACME server answers with status %d", status))
		}
		return
	}
	if a.Type == "" && a.Error != nil && l.isNew(url) {
		l.note(a.Error.Detail) // an order: a challenge by itself has a type
	}
	for _, c := range a.Challenges {
		if c.Error != nil && l.isNew(url) {
			l.note(c.Type + ": " + c.Error.Detail)
		}
	}
}

// isNew reports whether this order or authorization was not known to have failed.
// autocert asks for them once more when it clears up.
func (l *line) isNew(url string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.told, url) {
		return false
	}
	const enough = 16 // it clears up soon, or not at all
	l.told = append(l.told[max(0, len(l.told)+1-enough):], url)
	return true
}

// note keeps a reason for the end of the attempt. If there is none, autocert renews,
// and tells nobody.
func (l *line) note(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.trying {
		s := l.site
		s.manager.log.Warn("trouble with the ACME server", "domain", s.domain, "error", reason)
		return
	}
	if !slices.Contains(l.reasons, reason) {
		l.reasons = append(l.reasons, reason)
	}
}

// begin is the beginning of an attempt, by a kind of challenge.
func (l *line) begin(kind string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trying, l.kind, l.ordered, l.heard, l.reasons = true, kind, false, false, nil
}

// end is the end of one. It returns an error that says why, as far as that is known,
// and whether the server has answered anything.
func (l *line) end(err error) (why error, heard bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trying = false
	if err == nil || len(l.reasons) == 0 {
		return err, l.heard
	}
	return errors.New(strings.Join(l.reasons, "; ")), l.heard
}
