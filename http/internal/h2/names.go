package h2

// The static table (RFC 7541 appendix A), and the names that a server knows.

// A Name is the number of a field name that is known, so that names need not be compared. It is
// the lowest number in the static table of HPACK, or a higher one for the names that a
// server looks at besides.
type Name uint8

const (
	NameOther            Name = 0 // a name that is not known
	NameAuthority        Name = 1
	NameMethod           Name = 2
	NamePath             Name = 4
	NameScheme           Name = 6
	NameStatus           Name = 8
	NameContentLength    Name = 28
	NameContentType      Name = 31
	NameCookie           Name = 32
	NameDate             Name = 33
	NameExpect           Name = 35
	NameHost             Name = 38
	NameServer           Name = 54
	NameSetCookie        Name = 55
	NameTransferEncoding Name = 57

	NameProtocol        Name = staticCount + 1 // ":protocol", RFC 8441
	NameConnection      Name = staticCount + 2
	NameKeepAlive       Name = staticCount + 3
	NameProxyConnection Name = staticCount + 4
	NameTE              Name = staticCount + 5
	NameUpgrade         Name = staticCount + 6
	NamePriority        Name = staticCount + 7 // RFC 9218
)

// staticCount is how many entries the static table has.
const staticCount = 61

// staticFields are the static table from its first entry on. The lines behind it are the
// other names that are known.
var staticFields = [...][2]string{
	{":authority"}, {":method", "GET"}, {":method", "POST"}, {":path", "/"}, {":path", "/index.html"},
	{":scheme", "http"}, {":scheme", "https"},
	{":status", "200"}, {":status", "204"}, {":status", "206"}, {":status", "304"}, {":status", "400"},
	{":status", "404"}, {":status", "500"},
	{"accept-charset"}, {"accept-encoding", "gzip, deflate"}, {"accept-language"}, {"accept-ranges"}, {"accept"},
	{"access-control-allow-origin"}, {"age"}, {"allow"}, {"authorization"}, {"cache-control"},
	{"content-disposition"}, {"content-encoding"}, {"content-language"}, {"content-length"},
	{"content-location"}, {"content-range"}, {"content-type"}, {"cookie"}, {"date"}, {"etag"}, {"expect"},
	{"expires"}, {"from"}, {"host"}, {"if-match"}, {"if-modified-since"}, {"if-none-match"}, {"if-range"},
	{"if-unmodified-since"}, {"last-modified"}, {"link"}, {"location"}, {"max-forwards"},
	{"proxy-authenticate"}, {"proxy-authorization"}, {"range"}, {"referer"}, {"refresh"}, {"retry-after"},
	{"server"}, {"set-cookie"}, {"strict-transport-security"}, {"transfer-encoding"}, {"user-agent"},
	{"vary"}, {"via"}, {"www-authenticate"},

	{":protocol"}, {"connection"}, {"keep-alive"}, {"proxy-connection"}, {"te"}, {"upgrade"}, {"priority"},
}

// The static table has the shape of a dynamic one: fields by their numbers, number 0 being
// none, and a ring with their lines. It is made when the program starts, with the hash table that
// finds a name's number.
var staticTable, staticRing, knownNames = makeStatic()

// staticRingSize is a power of two that has room for all lines.
const staticRingSize = 2048

func makeStatic() (table [len(staticFields) + 1]Field, ring []byte, names [256]Name) {
	ring = make([]byte, 0, staticRingSize)
	for i, text := range staticFields {
		name, value := text[0], text[1]
		known := Name(i + 1)
		if i > 0 && staticFields[i-1][0] == name {
			known = table[i].Known
		} else {
			names[hashName(name)] = known
		}
		f := Field{At: uint32(len(ring)), Name: uint16(len(name)), Value: uint32(len(value)), Known: known}
		if name[0] == ':' {
			f.marks = markPseudo
		}
		table[i+1] = f
		ring = append(ring, name+": "+value+"\r\n"...)
	}
	return table, ring[:staticRingSize], names
}

// String returns the name in lower case, or nothing for NameOther.
func (n Name) String() string {
	if n == NameOther {
		return ""
	}
	return staticFields[n-1][0]
}

// hashName returns a number that is different for each known name, and the same for each
// spelling of it: the factors were searched for. The name is not empty.
func hashName[T string | []byte](name T) uint8 {
	n := len(name)
	return uint8(n)*31 + (name[0]|0x20)*56 + (name[n/2]|0x20)*24 + (name[n-1]|0x20)*37
}

// nameOf returns the number of a name in lower case.
func nameOf(name []byte) Name {
	if len(name) == 0 {
		return NameOther
	}
	n := knownNames[hashName(name)] // NameOther has another length
	if n.String() != string(name) {
		return NameOther
	}
	return n
}

// NameOf returns the number of a name in any spelling.
func NameOf[T string | []byte](name T) Name {
	if len(name) == 0 {
		return NameOther
	}
	n := knownNames[hashName(name)]
	lower := n.String()
	if lower == string(name) { // is compared at once, and the usual spelling
		return n
	}
	if len(lower) != len(name) {
		return NameOther
	}
	for i := range len(name) {
		if toLower(name[i]) != lower[i] {
			return NameOther
		}
	}
	return n
}

// ConnectionSpecific reports whether a field is about one connection of HTTP/1.1. A request that
// has one is malformed, and none may be sent (RFC 9113 section 8.2.2). TE may be in a request if
// ValidTE says so.
func (n Name) ConnectionSpecific() bool {
	switch n {
	case NameConnection, NameProxyConnection, NameKeepAlive, NameTransferEncoding, NameUpgrade:
		return true
	}
	return false
}

// ConnectionSpecific is the method of a Name for a name in any spelling.
func ConnectionSpecific[T string | []byte](name T) bool { return NameOf(name).ConnectionSpecific() }

// ValidTE reports whether a request may have TE with this value.
func ValidTE(value []byte) bool {
	const trailers = "trailers"
	if len(value) != len(trailers) {
		return false
	}
	for i, c := range value {
		if toLower(c) != trailers[i] {
			return false
		}
	}
	return true
}
