package negotiate

import "strings"

// HasTag looks for an entity tag in a list of them, or "*" (RFC 9110 sections 13.1.1
// and 13.1.2). The tag is without its W/. A weak one matches in the weak
// comparison only. A list is read up to the first syntax error.
func HasTag(list, tag string, tagWeak, weakly bool) bool {
	if strings.Trim(list, blanks) == "*" {
		return true
	}
	for {
		list = strings.TrimLeft(list, blanks+",")
		opaque, weak := strings.CutPrefix(list, "W/")
		if len(opaque) == 0 || opaque[0] != '"' {
			return false
		}
		end := strings.IndexByte(opaque[1:], '"')
		if end < 0 {
			return false
		}
		if opaque[:end+2] == tag && (weakly || !weak && !tagWeak) {
			return true
		}
		list = opaque[end+2:]
	}
}
