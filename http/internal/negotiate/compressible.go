package negotiate

import "strings"

// Compressible reports whether bodies of a Content-Type get smaller. Those of types
// that are compressed by themselves do not. A stream of events is left alone: it is to
// be read as it comes.
func Compressible(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	for len(t) > 0 && IsBlank(t[len(t)-1]) {
		t = t[:len(t)-1]
	}
	if EqualFold(t, "text/event-stream") {
		return false
	}
	return compressible(t) || compressible(strings.ToLower(t)) // types have no case (RFC 9110 section 8.3.1)
}

// compressible takes a type without parameters, in lower case.
func compressible(t string) bool {
	if strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+xml") || strings.HasSuffix(t, "+json") {
		return true
	}
	switch t {
	case "application/json", "application/javascript", "application/x-javascript", "application/xml", "application/wasm",
		"application/rtf", "application/x-ndjson", "application/yaml", "application/vnd.ms-fontobject",
		"font/ttf", "font/otf", "font/collection", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon":
		return true
	}
	return false
}
