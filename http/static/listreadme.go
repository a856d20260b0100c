package static

import (
	"io"
	"slices"
	"strings"
)

// The README of a folder may be shown below its listing, for people. What is made of it is for
// Options.Readme to say.

// readmeMax is the most bytes of one that is shown. Converting one that was made to take long takes
// a second for 64 KiB, and a quarter of that for half as many.
const readmeMax = 32 << 10

// readmeNames are its names, the best last.
var readmeNames = []string{"readme", "readme.txt", "readme.md"}

// readmeRank returns how good a name for a README is, -1 for a name that is none.
func readmeRank(name string) int { return slices.Index(readmeNames, strings.ToLower(name)) }

// IsReadme reports whether a file of this name may be shown by Options.Readme.
func IsReadme(name string) bool { return readmeRank(name) >= 0 }

// readReadme reads the README of a first page for people.
func (l *list) readReadme(s *search) {
	if l.readme == "" || l.query.json || l.query.after || l.query.before {
		return
	}
	file, info, err := s.open(inFolder(s.listed, l.readme))
	if err != nil {
		return // it is not served, or not any more
	}
	defer file.Close()
	if !info.Mode().IsRegular() || info.Size() > readmeMax {
		return
	}
	if text, err := io.ReadAll(io.LimitReader(file, readmeMax)); err == nil {
		l.below = s.options.Readme(l.readme, text)
	}
}

// policy returns the page's Content-Security-Policy.
func (l *list) policy() string {
	if len(l.below) == 0 {
		return listingPolicy
	}
	return strings.Replace(listingPolicy, "img-src data:", "img-src 'self' data:", 1)
}

// article returns the README as a part of the page.
func (l *list) article() string {
	if len(l.below) == 0 {
		return ""
	}
	return "<article aria-label=\"README\">\n" + string(l.below) + "</article>\n"
}
