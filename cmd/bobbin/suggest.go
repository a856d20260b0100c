package main

import (
	"fmt"
	"strings"
)

// meant returns "; did you mean X?" for the most similar known word, or "" if none is
// similar.
func meant(word string, of []string) string {
	word = strings.ToLower(word)
	best, distance := "", 4
	for _, candidate := range of {
		lower := strings.ToLower(candidate)
		d := edits(word, lower)
		if len(word) > 2 && strings.HasPrefix(lower, word) {
			d = min(d, 1)
		}
		// Three edits in a word of four letters make another word.
		if d < distance && d*2 <= len(word) || d == distance && candidate < best {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// edits returns the number of letters to add, drop or change between two words
// (Levenshtein distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
