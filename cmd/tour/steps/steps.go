// Package steps has the source of every step of the tour, so that a program
// without the repository can show it.
package steps

import "embed"

// Sources are the steps' files, and those of package ready, by their path from here.
//
//go:embed */*.go
var Sources embed.FS
