package main

import (
	"fmt"
	"strings"
	"unicode"
)

// An mdoc is a manual page that is being written.
type mdoc struct{ strings.Builder }

// line writes a line of the source, such as a macro.
func (m *mdoc) line(format string, args ...any) {
	fmt.Fprintf(m, format+"\n", args...)
}

// text writes running text, with each sentence on lines of its own.
func (m *mdoc) text(s string) {
	var line []string
	flush := func() {
		if len(line) > 0 {
			m.line("%s", mdocText(strings.Join(line, " ")))
		}
		line = line[:0]
	}
	words := strings.Fields(s)
	for i, word := range words {
		if len(mdocText(strings.Join(append(line, word), " "))) > 78 {
			flush()
		}
		line = append(line, word)
		if i+1 < len(words) && endsSentence(word) {
			flush()
		}
	}
	flush()
}

// endsSentence reports whether a sentence ends with a word. mandoc asks for a new line
// there.
func endsSentence(word string) bool {
	return strings.HasSuffix(strings.TrimRight(word, `)"'`), ".") && word != "..."
}

// literal writes lines as they are.
func (m *mdoc) literal(lines []string) {
	m.line(".Bd -literal -offset indent")
	for _, line := range lines {
		m.line("%s", mdocText(line))
	}
	m.line(".Ed")
}

// rows writes a list of terms. A term may begin with the name of a macro.
func (m *mdoc) rows(rows []manRow) {
	m.line(".Bl -tag -width Ds")
	for _, row := range rows {
		m.line(".It %s", row.term)
		m.text(row.text)
	}
	m.line(".El")
}

// example writes a command line, and its purpose before it.
func (m *mdoc) example(e usageExample) {
	m.text(strings.ToUpper(e.purpose[:1]) + e.purpose[1:] + ":")
	m.literal([]string{e.commandLine})
}

// mdocText escapes a line of text: backslashes, a dot or a quote at its beginning, the
// dash of flags and of words to type, and characters beyond ASCII.
func mdocText(s string) string {
	var b strings.Builder
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		b.WriteString(`\&`)
	}
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r == '~':
			b.WriteString(`\(ti`)
		case r == '^':
			b.WriteString(`\(ha`)
		case r == '`':
			b.WriteString(`\(ga`)
		case r == '\'':
			b.WriteString(`\(aq`)
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// mdocWord is mdocText for one argument of a macro.
func mdocWord(s string) string {
	s = mdocText(s)
	if strings.ContainsAny(s, " \t") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}
