package static

import (
	"bytes"
	"strings"
)

// This file finds the encoding that a page declares, as the HTML standard does before
// parsing: "prescan a byte stream to determine its encoding" (section 13.2.3.2).

// prescan returns "utf-8" if that is what a page declares, another word if it declares
// another encoding that browsers know, and "" if it declares none.
func prescan(page []byte) string {
	for rest := page; len(rest) > 0; {
		at := bytes.IndexByte(rest, '<')
		if at < 0 {
			break
		}
		rest = rest[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			// The dashes of "<!-->" may be those of its beginning.
			end := bytes.Index(rest[2:], []byte("-->"))
			if end < 0 {
				return xmlEncoding(page)
			}
			rest = rest[2+end+3:]
		case isMeta(rest):
			p := attributes{rest[len("<meta"):]}
			if found := p.metaEncoding(); found != "" {
				return found
			}
			rest = p.rest
		case len(rest) > 1 && isLetter(rest[1]), len(rest) > 2 && rest[1] == '/' && isLetter(rest[2]):
			end := bytes.IndexAny(rest, "\t\n\f\r >")
			if end < 0 {
				return xmlEncoding(page)
			}
			p := attributes{rest[end:]}
			for more := true; more; {
				_, _, more = p.next()
			}
			rest = p.rest
		case len(rest) > 1 && (rest[1] == '!' || rest[1] == '/' || rest[1] == '?'):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return xmlEncoding(page)
			}
			rest = rest[end+1:]
		default:
			rest = rest[1:]
		}
	}
	return xmlEncoding(page)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// isSpace reports ASCII whitespace, which has no vertical tab.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r' }

// isMeta reports whether p begins with the name of a meta element.
func isMeta(p []byte) bool {
	const n = len("<meta")
	return len(p) > n && bytes.EqualFold(p[:n], []byte("<meta")) && (isSpace(p[n]) || p[n] == '/')
}

// attributes reads the attributes of an element.
type attributes struct{ rest []byte }

// metaEncoding returns the encoding that the attributes of a meta element declare, and
// "" if the bytes end inside it. Of two attributes of one name the first counts.
func (p *attributes) metaEncoding() string {
	var hasEquiv, hasContent, hasCharset, pragma, needPragma bool
	found := ""
	for {
		name, value, ok := p.next()
		if !ok {
			break
		}
		switch {
		case name == "http-equiv" && !hasEquiv:
			hasEquiv, pragma = true, value == "content-type"
		case name == "content" && !hasContent:
			hasContent = true
			if label := declaredEncoding(contentCharset(value)); label != "" && !hasCharset {
				found, needPragma = label, true
			}
		case name == "charset" && !hasCharset:
			hasCharset, found, needPragma = true, declaredEncoding(value), false
		}
	}
	if len(p.rest) == 0 || needPragma && !pragma {
		return ""
	}
	return found
}

// next returns the next attribute, with its name and value in lower case. At the end
// of the element, or of the bytes, there is none.
func (p *attributes) next() (name, value string, ok bool) {
	for len(p.rest) > 0 && (isSpace(p.rest[0]) || p.rest[0] == '/') {
		p.rest = p.rest[1:]
	}
	if len(p.rest) == 0 || p.rest[0] == '>' {
		return "", "", false
	}
	n := 0
	for n < len(p.rest) && !isSpace(p.rest[n]) && p.rest[n] != '/' && p.rest[n] != '>' && (p.rest[n] != '=' || n == 0) {
		n++
	}
	name = strings.ToLower(string(p.rest[:n]))
	p.rest = p.rest[n:]
	p.skipSpace()
	if len(p.rest) == 0 {
		return "", "", false
	}
	if p.rest[0] != '=' {
		return name, "", true
	}
	p.rest = p.rest[1:]
	value, ok = p.value()
	return name, value, ok
}

// value returns the value behind the "=" of an attribute, and false if the bytes end
// inside it.
func (p *attributes) value() (string, bool) {
	p.skipSpace()
	if len(p.rest) == 0 {
		return "", false
	}
	from, to := 0, bytes.IndexAny(p.rest, "\t\n\f\r >")
	if quote := p.rest[0]; quote == '"' || quote == '\'' {
		from, to = 1, bytes.IndexByte(p.rest[1:], quote)+1
		if to == 0 {
			to = -1
		}
	}
	if to < 0 {
		p.rest = nil
		return "", false
	}
	value := strings.ToLower(string(p.rest[from:to]))
	p.rest = p.rest[to+from:]
	return value, true
}

func (p *attributes) skipSpace() {
	for len(p.rest) > 0 && isSpace(p.rest[0]) {
		p.rest = p.rest[1:]
	}
}

// contentCharset returns the label in the content attribute of a meta element, in lower
// case ("algorithm for extracting a character encoding from a meta element").
func contentCharset(s string) string {
	for {
		_, rest, found := strings.Cut(s, "charset")
		if !found {
			return ""
		}
		s = rest
		rest, found = strings.CutPrefix(strings.TrimLeft(rest, "\t\n\f\r "), "=")
		if !found {
			continue
		}
		rest = strings.TrimLeft(rest, "\t\n\f\r ")
		if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
			if label, _, closed := strings.Cut(rest[1:], rest[:1]); closed {
				return label
			}
			return ""
		}
		if end := strings.IndexAny(rest, "\t\n\f\r ;"); end >= 0 {
			rest = rest[:end]
		}
		return rest
	}
}

// xmlEncoding returns the encoding of an XML declaration at the beginning of a page,
// which counts if nothing else declares one ("get an XML encoding").
func xmlEncoding(page []byte) string {
	rest, ok := bytes.CutPrefix(page, []byte("<?xml"))
	if !ok {
		return ""
	}
	declaration, _, ok := bytes.Cut(rest, []byte(">"))
	_, rest, found := bytes.Cut(declaration, []byte("encoding"))
	if !ok || !found {
		return ""
	}
	rest, found = bytes.CutPrefix(trimControls(rest), []byte("="))
	rest = trimControls(rest)
	if !found || len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	label, _, ok := bytes.Cut(rest[1:], rest[:1])
	if !ok || bytes.ContainsFunc(label, func(r rune) bool { return r <= ' ' }) {
		return ""
	}
	return declaredEncoding(string(label))
}

// trimControls removes blanks and controls in front.
func trimControls(p []byte) []byte {
	return bytes.TrimLeftFunc(p, func(r rune) bool { return r <= ' ' })
}

// declaredEncoding returns what a label declares: "utf-8", another word for another
// encoding that browsers know, or "" for an unknown label.
func declaredEncoding(label string) string {
	s := strings.ToLower(strings.Trim(label, "\t\n\f\r "))
	switch {
	case s == "" || strings.ContainsRune(s, ' '):
		return ""
	case strings.Contains(utf8Labels, " "+s+" "):
		return "utf-8"
	case strings.Contains(legacyLabels, " "+s+" "):
		return "other"
	}
	return ""
}

// utf8Labels are the labels that mean UTF-8 inside a page. Those of UTF-16 do, too: the
// declaration was read a byte at a time (HTML standard, section 13.2.3.2).
const utf8Labels = " unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8 " +
	"csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff unicodefffe utf-16 utf-16be utf-16le "

// legacyLabels are all other labels of the Encoding standard (section 4.2).
const legacyLabels = " 866 cp866 csibm866 ibm866 " +
	"csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 " +
	"csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3 " +
	"csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4 " +
	"csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988 " +
	"arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987 " +
	"csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek " +
	"csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual " +
	"csiso88598i iso-8859-8-i logical " +
	"csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6 " +
	"iso-8859-13 iso8859-13 iso885913 iso-8859-14 iso8859-14 iso885914 " +
	"csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 iso-8859-16 " +
	"cskoi8r koi koi8 koi8-r koi8_r koi8-ru koi8-u csmacintosh mac macintosh x-mac-roman " +
	"dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874 " +
	"cp1250 windows-1250 x-cp1250 cp1251 windows-1251 x-cp1251 " +
	"ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252 " +
	"cp1253 windows-1253 x-cp1253 " +
	"cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254 " +
	"cp1255 windows-1255 x-cp1255 cp1256 windows-1256 x-cp1256 cp1257 windows-1257 x-cp1257 cp1258 windows-1258 x-cp1258 " +
	"x-mac-cyrillic x-mac-ukrainian " +
	"chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk gb18030 " +
	"big5 big5-hkscs cn-big5 csbig5 x-x-big5 cseucpkdfmtjapanese euc-jp x-euc-jp csiso2022jp iso-2022-jp " +
	"csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis " +
	"cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 " +
	"csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement x-user-defined "
