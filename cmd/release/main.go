// Release writes all files of a release into one folder: archives with static programs
// for ten systems, Debian packages, a Homebrew formula, an SBOM for each program, and
// checksums. Two runs over the same commit with the same Go write the same bytes.
//
//	go run ./cmd/release                        all of it, into ./dist
//	go run ./cmd/release --target linux/amd64   what is for one system
package main

import (
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}

// run reads the arguments and makes the release.
func run(args []string) error {
	f := pflag.NewFlagSet("release", pflag.ContinueOnError)
	f.SortFlags = false
	out := f.StringP("out", "o", "dist", "`folder` for the files; it must be empty or new")
	version := f.String("version", "", "`version` without its v; the tag of the commit, or that of the changelog with -dev")
	only := f.StringArray("target", nil, "`GOOS/GOARCH` to build for; all of them by default; repeatable")
	f.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: go run ./cmd/release [flags]\n\n%s\nSOURCE_DATE_EPOCH is the time of all files; without it, it is the commit's.\n", f.FlagUsagesWrapped(80))
	}
	if err := f.Parse(args); err != nil {
		if err == pflag.ErrHelp {
			return nil
		}
		return fmt.Errorf("%w; see go run ./cmd/release --help", err)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q: there are no arguments but flags; see go run ./cmd/release --help", f.Arg(0))
	}
	list, err := chosen(*only)
	if err != nil {
		return err
	}
	root, err := moduleRoot(".")
	if err != nil {
		return err
	}
	if *version == "" {
		if *version, err = versionOf(root); err != nil {
			return err
		}
	}
	if err := checkVersion(*version); err != nil {
		return err
	}
	when, err := timeOf(root, os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	r := &release{root: root, out: *out, version: *version, when: when, say: os.Stderr}
	return r.make(list)
}
