package main

import (
	"fmt"
	"strings"
)

// meant returns "; did you mean X?" for the most similar known word, or "" if none is
// similar.
func meant(word string, of []string) string {
	if near := nearest(word, of); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// nearest returns the known word that another was probably meant to be, or "": it
// begins like that, or differs in one letter of three at most, and in no more than
// three.
func nearest(word string, of []string) string {
	word = strings.ToLower(word)
	best, distance := "", min(3, len(word)/3)+1
	for _, candidate := range of {
		lower := strings.ToLower(candidate)
		d := edits(word, lower)
		if len(word) > 2 && strings.HasPrefix(lower, word) {
			d = min(d, 1)
		}
		if d < distance || d == distance && best != "" && candidate < best {
			best, distance = candidate, d
		}
	}
	return best
}

// edits returns the number of letters to add, drop, change, or swap with the next one
// between two words (Damerau and Levenshtein, each letter at most once).
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			cost := last[j]
			if a[i] != b[j] {
				cost = 1 + min(last[j], last[j+1], row[j])
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = cost
		}
	}
	return row[len(b)]
}
