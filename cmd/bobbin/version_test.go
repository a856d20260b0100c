package main

import (
	"os"
	"regexp"
	"runtime/debug"
	"testing"
)

func TestTheNewestVersionIsThatOfTheChangelog(t *testing.T) {
	text, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^## \[?(\d+\.\d+\.\d+)`).FindSubmatch(text)
	if found == nil || string(found[1]) != newest {
		t.Errorf("the changelog begins with version %q, and version.go has %s", found, newest)
	}
}

func TestTheVersionComesFromTheBuild(t *testing.T) {
	work := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}}
	for _, row := range []struct {
		name, release, module string
		settings              []debug.BuildSetting
		want, commit          string
	}{
		{"the linker's is first", "0.2.0", "v0.1.0", nil, "0.2.0", ""},
		{"go install notes the module's", "", "v0.1.0", nil, "0.1.0", ""},
		{"and that of a commit behind a version", "", "v0.1.1-0.20261128000000-0123456789ab", nil, "0.1.1-0.20261128000000-0123456789ab", ""},
		{"a work tree is of no version", "", "(devel)", work, newest + "-dev", "commit 0123456789ab and changes, "},
		{"nor is one that Go has given a number before the first", "", "v0.0.0-20261128000000-0123456789ab", work[:1], newest + "-dev", "commit 0123456789ab, "},
		{"nor one of a version with changes", "", "v0.1.0+dirty", work, newest + "-dev", "commit 0123456789ab and changes, "},
		{"a build without notes", "", "", nil, newest + "-dev", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			info := &debug.BuildInfo{Main: debug.Module{Version: row.module}, Settings: row.settings}
			got := versionOf(row.release, info)
			if commit := commitOf(got, info); got != row.want || commit != row.commit {
				t.Errorf("%q and %q, want %q and %q", got, commit, row.want, row.commit)
			}
		})
	}
}
