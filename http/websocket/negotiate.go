package websocket

import (
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The negotiation of permessage-deflate (RFC 7692 section 7). No side keeps a context from
// one message to the next, so a session needs no Writer and no Reader of its own.

const (
	deflateName   = "permessage-deflate"
	largestWindow = 15 // bits, 32 KiB
)

// acceptDeflate returns the bits of the server's window in the first offer that can be
// accepted, 0 if there is none.
func acceptDeflate(offers []string) uint8 {
	for _, list := range offers {
		for offer := range strings.SplitSeq(list, ",") {
			if bits, ok := readOffer(offer); ok {
				return bits
			}
		}
	}
	return 0
}

// readOffer reads one offer. A parameter that is unknown, comes twice or has a value that
// it must not have declines it (RFC 7692 section 7.1).
func readOffer(offer string) (bits uint8, ok bool) {
	name, rest, _ := strings.Cut(offer, ";")
	if !negotiate.EqualFold(strings.Trim(name, " \t"), deflateName) {
		return 0, false
	}
	bits = largestWindow
	seen := make(map[string]bool, 4)
	for rest != "" {
		var parameter string
		parameter, rest, _ = strings.Cut(rest, ";")
		name, value, valued := strings.Cut(strings.Trim(parameter, " \t"), "=")
		if seen[name] {
			return 0, false
		}
		seen[name] = true
		n, good := readParameter(name, strings.Trim(value, `"`), valued)
		if !good {
			return 0, false
		}
		if name == "server_max_window_bits" {
			bits = n
		}
	}
	return bits, true
}

// readParameter returns the value of a parameter, and whether it may have it.
func readParameter(name, value string, valued bool) (bits uint8, ok bool) {
	switch name {
	case "server_no_context_takeover", "client_no_context_takeover":
		return 0, !valued
	case "client_max_window_bits":
		if !valued {
			return 0, true
		}
	case "server_max_window_bits":
	default:
		return 0, false
	}
	n, err := strconv.ParseUint(value, 10, 8)
	return uint8(n), err == nil && n >= 8 && n <= largestWindow && value[0] != '0'
}

// extension returns the answer to an offer, "" if none was accepted.
func extension(bits uint8) string {
	switch bits {
	case 0:
		return ""
	case largestWindow:
		return deflateName + "; server_no_context_takeover; client_no_context_takeover"
	}
	return deflateName + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=" + strconv.Itoa(int(bits))
}
