package acme

// The connection from autocert to the ACME server. All requests pass through here,
// because autocert can neither be stopped nor report why a challenge has failed.

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

// A transport is a RoundTripper of net/http. It ends with the Manager, and collects the
// reasons for failures.
type transport struct {
	site *site

	mu       sync.Mutex
	trying   bool     // an attempt is running and wants the reasons
	kind     string   // of the challenge in this attempt
	orders   string   // the URL for new orders, once known
	ordered  bool     // this attempt has made its order
	answered bool     // the server has answered in this attempt
	reasons  []string // of this attempt
	reported []string // orders and authorizations known to have failed
}

var (
	errShut    = errors.New("acme: requests to the ACME server are not allowed yet")
	errOrdered = errors.New("acme: an attempt makes one order only")
)

// The kinds of challenge, tried in turn.
const (
	kindTLS  = "tls-alpn-01"
	kindHTTP = "http-01"
)

// RoundTrip implements net/http's RoundTripper. It reads the whole body, so that the
// body, too, is under the deadline of the request.
func (t *transport) RoundTrip(q *nethttp.Request) (*nethttp.Response, error) {
	m := t.site.manager
	if !m.open.Load() {
		return nil, errShut
	}
	if t.mayNotOrder(q) {
		return nil, errOrdered
	}
	ctx, cancel := context.WithCancel(q.Context())
	defer cancel()
	defer context.AfterFunc(m.alive, cancel)()
	a, body, err := roundTrip(m.dial, q.WithContext(ctx))
	if err != nil {
		if m.alive.Err() == nil {
			t.note(err.Error())
		}
		return nil, err
	}
	t.collect(q.URL.String(), a.StatusCode, body)
	body = t.choose(q.URL.String(), a.StatusCode, body)
	a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return a, nil
}

// mayNotOrder reports whether a request would be the second order of an attempt.
// autocert makes one for each kind of challenge.
func (t *transport) mayNotOrder(q *nethttp.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trying && t.ordered && q.Method == nethttp.MethodPost && q.URL.String() == t.orders
}

// choose notes the progress of the attempt, and leaves one kind of challenge in an
// authorization. autocert would try all kinds in turn, and each failure counts.
func (t *transport) choose(url string, status int, body []byte) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered = true
	t.ordered = t.ordered || status == nethttp.StatusCreated && url == t.orders
	var all map[string]json.RawMessage
	if status != nethttp.StatusOK || json.Unmarshal(body, &all) != nil {
		return body
	}
	if orders, ok := all["newOrder"]; ok {
		_ = json.Unmarshal(orders, &t.orders) // autocert reports the error
	}
	var challenges []json.RawMessage
	if !t.trying || all["challenges"] == nil || json.Unmarshal(all["challenges"], &challenges) != nil {
		return body
	}
	left := slices.DeleteFunc(challenges, func(c json.RawMessage) bool {
		var of struct{ Type string }
		return json.Unmarshal(c, &of) == nil && of.Type != t.kind
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
		return nil, nil, fmt.Errorf("cannot reach %s: %w", q.URL.Host, err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(io.LimitReader(a.Body, answerMax+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("incomplete answer from %s: %w", q.URL.Host, err)
	case len(body) > answerMax:
		return nil, nil, fmt.Errorf("answer from %s is longer than %d bytes", q.URL.Host, answerMax)
	}
	return a, body, nil
}

// answer has the errors in a problem document (RFC 8555 section 6.7), an order
// (section 7.1.3), or the challenges of an authorization (section 7.1.4).
type answer struct {
	problem
	Error      *problem
	Challenges []struct {
		Type  string
		Error *problem
	}
}

type problem struct{ Type, Detail string }

// collect notes the errors in an answer.
func (t *transport) collect(url string, status int, body []byte) {
	var a answer
	if json.Unmarshal(body, &a) != nil {
		a = answer{} // a certificate, or the answer of some proxy
	}
	if status >= 400 {
		switch {
		case strings.HasSuffix(a.Type, ":badNonce"):
			// Nonces often expire, and autocert repeats the request.
		case a.Detail != "":
			t.note(a.Detail)
		default:
			t.note(fmt.Sprintf("the ACME server answers with status %d", status))
		}
		return
	}
	if a.Type == "" && a.Error != nil && t.isNew(url) {
		t.note(a.Error.Detail) // an order, because a challenge by itself has a type
	}
	for _, c := range a.Challenges {
		if c.Error != nil && t.isNew(url) {
			t.note(c.Type + ": " + c.Error.Detail)
		}
	}
}

// isNew reports whether the failure of this order or authorization is new. autocert
// requests them once more when it cleans up.
func (t *transport) isNew(url string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.reported, url) {
		return false
	}
	const enough = 16 // autocert cleans up soon, or never
	t.reported = append(t.reported[max(0, len(t.reported)+1-enough):], url)
	return true
}

// note keeps a reason for the end of the attempt. Outside of an attempt autocert
// renews without reporting, so the reason is logged.
func (t *transport) note(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.trying {
		s := t.site
		s.manager.log.Warn("ACME server error", "domain", s.domain, "error", reason)
		return
	}
	if !slices.Contains(t.reasons, reason) {
		t.reasons = append(t.reasons, reason)
	}
}

// begin begins an attempt with a kind of challenge.
func (t *transport) begin(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trying, t.kind, t.ordered, t.answered, t.reasons = true, kind, false, false, nil
}

// end ends an attempt. It returns an error with the known reasons, and whether the
// server has answered.
func (t *transport) end(err error) (why error, answered bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trying = false
	if err == nil || len(t.reasons) == 0 {
		return err, t.answered
	}
	return errors.New(strings.Join(t.reasons, "; ")), t.answered
}
