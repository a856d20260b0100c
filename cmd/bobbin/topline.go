package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Lines of a terminal, for bobbin top. All text that reaches the terminal passes here: a
// route or a sentence of a server must not move the cursor.

// A paint says how lines are made.
type paint struct {
	colours bool // six of them; words have the terminal's own two, which fit each other on any paper
	unicode bool // the terminal shows more than ASCII
}

// paintOf reads the environment: NO_COLOR (no-color.org), and the locale of POSIX.
func paintOf(env func(string) string) paint {
	locale := env("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = env(name)
		}
	}
	locale = strings.ToLower(locale)
	return paint{env("NO_COLOR") == "", strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")}
}

// A colour is one of ANSI's, which each terminal has made fit its paper. Black and white
// are not among them: one of the two is the paper.
type colour byte

const (
	plain colour = iota
	red
	green
	yellow
	blue
	magenta
	cyan
)

// A line is made from left to right. What does not fit is cut off.
type line struct {
	paint
	b     []byte
	most  int // cells
	width int // cells that are in use
}

// text appends words in the terminal's own colours.
func (l *line) text(s string) *line {
	room := l.most - l.width
	if l.measure(s) > room {
		room--
	}
	for _, r := range s {
		r = l.clean(r)
		n := cells(r)
		if n > room {
			if l.width < l.most {
				l.b = utf8.AppendRune(l.b, l.clean('…'))
				l.width++
			}
			return l
		}
		l.b = utf8.AppendRune(l.b, r)
		l.width, room = l.width+n, room-n
	}
	return l
}

// right appends words that end so many cells after here, or more if they are long.
func (l *line) right(s string, n int) *line {
	return l.text(strings.Repeat(" ", max(n-l.measure(s), 0)) + s)
}

// mark appends so many cells of a colour, or of a letter where there are no colours.
func (l *line) mark(c colour, letter string, n int) *line {
	if !l.colours || c == plain {
		return l.text(strings.Repeat(letter, n))
	}
	n = min(n, l.most-l.width)
	if n <= 0 {
		return l
	}
	l.b = append(l.b, "\x1b[4"+strconv.Itoa(int(c))+"m"...)
	l.b = append(l.b, strings.Repeat(" ", n)...)
	l.b = append(l.b, "\x1b[49m"...)
	l.width += n
	return l
}

// fill appends blanks up to a cell.
func (l *line) fill(to int) *line { return l.text(strings.Repeat(" ", max(to-l.width, 0))) }

// measure returns how many cells a text takes.
func (p paint) measure(s string) (n int) {
	for _, r := range s {
		n += cells(p.clean(r))
	}
	return n
}

// asASCII are the signs that have a likeness in ASCII.
var asASCII = map[rune]rune{
	'…': '~', '–': '-', 'µ': 'u', '▲': '!', '●': '*', '·': '.',
	'▁': '_', '▂': '.', '▃': ':', '▄': '-', '▅': '=', '▆': '+', '▇': '*', '█': '#',
}

// clean returns what is shown for a character. Control characters, those that change the
// direction of writing, and bytes that are no UTF-8 are question marks.
func (p paint) clean(r rune) rune {
	switch {
	case r >= ' ' && r <= '~':
		return r
	case !unicode.IsPrint(r) || r == utf8.RuneError:
		return '?'
	case p.unicode:
		return r
	}
	if like, ok := asASCII[r]; ok {
		return like
	}
	return '?'
}

// cleaned returns a text without characters that do more than to be shown.
func (p paint) cleaned(s string) string { return strings.Map(p.clean, s) }

// cells returns how wide a character is.
func cells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// wrap breaks a sentence at its spaces into lines of at most so many cells. A number stays
// with its unit.
func (p paint) wrap(s string, most int) (lines []string) {
	var words []string
	for _, word := range strings.Fields(s) {
		if n := len(words) - 1; n >= 0 && isDigit(words[n][len(words[n])-1]) && len(word) <= len("days,") {
			words[n] += " " + word
		} else {
			words = append(words, word)
		}
	}
	now, n := "", 0
	for _, word := range words {
		w := p.measure(word)
		if n > 0 && n+1+w > most {
			lines, now, n = append(lines, now), "", 0
		}
		if n > 0 {
			now, n = now+" ", n+1
		}
		now, n = now+word, n+w
	}
	return append(lines, now)
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
