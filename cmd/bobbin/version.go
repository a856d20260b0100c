package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// newest is the newest version in CHANGELOG.md, which a test holds.
const newest = "0.1.0"

// release is the version of a release. Its build sets it by the linker.
var release string

// version is the version of this program, for all that name it.
var version = versionOf(release, builtWith())

// builtWith returns what the compiler noted in the program.
func builtWith() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return new(debug.BuildInfo)
}

// versionOf returns the version of a release, or else that of the module, as "go install
// …@v0.1.0" notes it. Builds of a work tree are of no version, and get "-dev".
func versionOf(release string, info *debug.BuildInfo) string {
	if release != "" {
		return release
	}
	tagged, ok := strings.CutPrefix(info.Main.Version, "v")
	if !ok || strings.HasPrefix(tagged, "0.0.0-") || strings.HasSuffix(tagged, "+dirty") {
		return newest + "-dev"
	}
	return tagged
}

// versionLine names the version, the system and the compiler, and for a build of a work
// tree its commit.
func versionLine() string {
	return fmt.Sprintf("bobbin %s (%s%s/%s, %s)\n", version, commitOf(version, builtWith()), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// commitOf returns "commit 0123456789ab, " for a build of a work tree, or "".
func commitOf(version string, info *debug.BuildInfo) string {
	if !strings.HasSuffix(version, "-dev") {
		return ""
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " and changes"
		}
	}
	if len(commit) < 12 {
		return ""
	}
	return "commit " + commit[:12] + changed + ", "
}
