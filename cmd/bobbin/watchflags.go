package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// The flags for those who watch the server: operators, their monitoring, and people who
// want to see the loop.

// watchOptions are these flags.
type watchOptions struct {
	health string
}

func (w *watchOptions) define(f *pflag.FlagSet) {
	f.StringVar(&w.health, "health", "", "answer health checks at this `path` of the site, such as /healthz: 200, and 503 from the beginning of a stop")
}

// checkHealthPath refuses a path that no request has, and that of the first page.
func checkHealthPath(path string) error {
	switch {
	case path == "":
		return nil
	case strings.Contains(path, "://"):
		return fmt.Errorf("--health %s: write the path only, such as /healthz", path)
	case path[0] != '/':
		return fmt.Errorf("--health %s: a path begins with a slash: write /%[1]s", path)
	case path == "/":
		return errors.New("--health /: it would take the place of the first page: choose a path such as /healthz")
	case strings.ContainsAny(path, "?#%* \t"):
		return fmt.Errorf("--health %s: write one path as it is requested, such as /healthz, with none of ?, #, %%, * and blanks", path)
	}
	return nil
}
