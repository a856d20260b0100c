package websocket

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The header fields of a handshake (RFC 6455 section 4).
const (
	fieldKey        = "Sec-WebSocket-Key"
	fieldAccept     = "Sec-WebSocket-Accept"
	fieldVersion    = "Sec-WebSocket-Version"
	fieldProtocol   = "Sec-WebSocket-Protocol"
	fieldExtensions = "Sec-WebSocket-Extensions"
)

// version is the only one that there is.
const version = "13"

// Why a handshake is refused.
var (
	errMethod  = http.StatusMethodNotAllowed.Because("a handshake is a GET")
	errVersion = http.StatusUpgradeRequired.Because("the version of WebSocket here is 13")
	errKey     = http.StatusBadRequest.Because("a handshake has one Sec-WebSocket-Key, of 16 bytes in base64")
	errOrigin  = http.StatusForbidden.Because("pages of this origin may not connect")
)

// Accept makes a session of a request that asks for one, and answers 101. The handler
// returns nil after that. For any other request it returns an error, which the handler
// should return: the answer is 426 for a request that asks for no WebSocket, 403 for a page
// of another origin, 405 or 400 for a handshake that is malformed.
//
// Cookies and the user are those of the request, as for any other.
func Accept(w *http.Response, r *http.Request, o Options) (*Session, error) {
	key, err := check(w, r, o.Origins)
	if err != nil {
		return nil, err
	}
	listed := r.HeaderValues(fieldProtocol)
	protocol := choose(o.Protocols, listed)
	if protocol == nil && len(listed) > 0 {
		if err := o.checkProtocols(); err != nil {
			return nil, err
		}
	}
	var window uint8
	if o.Deflate {
		window = acceptDeflate(r.HeaderValues(fieldExtensions))
	}
	add := func(name, value string) {
		if value != "" {
			w.Set(name, value)
		}
	}
	if key != "" {
		add(fieldAccept, acceptKey(key))
	}
	if protocol != nil {
		add(fieldProtocol, *protocol)
	}
	add(fieldExtensions, extension(window))
	tunnel, err := w.Tunnel("websocket")
	if err != nil {
		w.Del(fieldAccept)
		w.Del(fieldProtocol)
		w.Del(fieldExtensions)
		return nil, err
	}
	return newSession(tunnel, r.Loop(), o.Limits.withDefaults(), protocol, window), nil
}

// check returns the key of a handshake, or why it is refused. A request that asks for no
// WebSocket at all is left to Tunnel.
func check(w *http.Response, r *http.Request, origins []string) (key string, err error) {
	if !r.Offers("websocket") {
		return "", nil
	}
	if r.Method() != "GET" {
		w.Set("Allow", "GET")
		return "", errMethod
	}
	if v := r.HeaderValues(fieldVersion); len(v) != 1 || v[0] != version {
		w.Set("Upgrade", "websocket").Set(fieldVersion, version)
		return "", errVersion
	}
	if r.ProtoMajor() == 1 {
		keys := r.HeaderValues(fieldKey)
		if len(keys) != 1 {
			return "", errKey
		}
		if p, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(p) != 16 {
			return "", errKey
		}
		key = keys[0]
	} // an extended CONNECT of HTTP/2 proves what the key is for (RFC 8441 section 5)
	if !mayConnect(r.HeaderValues("Origin"), r.Host(), origins) {
		if err := checkOrigins(origins); err != nil {
			return "", err
		}
		return "", errOrigin
	}
	return key, nil
}

// acceptKey is the proof that the server has understood the handshake (RFC 6455 section
// 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// mayConnect reports whether pages of an origin may connect.
func mayConnect(origin []string, host string, allowed []string) bool {
	switch {
	case len(origin) == 0:
		return true
	case len(origin) > 1:
		return false
	case len(allowed) > 0:
		return slices.ContainsFunc(allowed, func(a string) bool { return a == "*" || negotiate.EqualFold(a, origin[0]) })
	}
	_, of, ok := strings.Cut(origin[0], "://")
	return ok && host != "" && negotiate.EqualFold(of, host)
}

// choose returns the first of our subprotocols that the client lists, or nil.
func choose(ours, listed []string) *string {
	for i, p := range ours {
		for _, list := range listed {
			for theirs := range strings.SplitSeq(list, ",") {
				if strings.Trim(theirs, " \t") == p {
					return &ours[i]
				}
			}
		}
	}
	return nil
}
