package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What a release is made of: a commit, its version and its time.

// moduleRoot returns the folder of this module that a folder is in.
func moduleRoot(dir string) (string, error) {
	out, err := command(dir, nil, "go", "env", "GOMOD")
	if err != nil {
		return "", err
	}
	mod := strings.TrimSpace(out)
	text, err := os.ReadFile(mod)
	if err != nil || !strings.HasPrefix(string(text), "module github.com/bobbin-http/bobbin\n") {
		return "", errors.New("this folder is not in the repository of bobbin: run go run ./cmd/release there")
	}
	return filepath.Dir(mod), nil
}

// versionOf returns the version of the tag at the current commit, or the newest version
// of the changelog with -dev.
func versionOf(root string) (string, error) {
	if tag, err := command(root, nil, "git", "describe", "--exact-match", "--tags", "--match", "v*"); err == nil {
		return strings.TrimPrefix(strings.TrimSpace(tag), "v"), nil
	}
	text, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return "", err
	}
	found := newestVersion.FindSubmatch(text)
	if found == nil {
		return "", errors.New("CHANGELOG.md has no heading with a version: give one with --version")
	}
	return string(found[1]) + "-dev", nil
}

// newestVersion matches the first version of the changelog.
var newestVersion = regexp.MustCompile(`(?m)^## \[?(\d+\.\d+\.\d+)`)

// semantic matches a version as Go modules have it, without its v.
var semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// checkVersion refuses what is no version, because it becomes part of file names and of
// a flag of the linker.
func checkVersion(version string) error {
	if !semantic.MatchString(version) {
		return fmt.Errorf("--version %s: write three numbers, such as 0.1.0 or 0.2.0-rc.1", version)
	}
	return nil
}

// timeOf returns the time that all files of the release have: epoch, or else the time
// of the commit.
func timeOf(root, epoch string) (time.Time, error) {
	name := "SOURCE_DATE_EPOCH"
	if epoch == "" {
		out, err := command(root, nil, "git", "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("the commit has no time: set SOURCE_DATE_EPOCH: %w", err)
		}
		name, epoch = "git log --format=%ct", strings.TrimSpace(out)
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<33-1 { // the most that an archive's header holds
		return time.Time{}, fmt.Errorf("%s is %q: it must be a number of seconds since 1970", name, epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// command runs a program in a folder and returns its output. The error has what the
// program said.
func command(dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.Output()
	if err != nil {
		said := ""
		if exit := new(exec.ExitError); errors.As(err, &exit) {
			said = ": " + strings.TrimSpace(string(exit.Stderr))
		}
		return "", fmt.Errorf("%s %s: %w%s", name, strings.Join(args, " "), err, said)
	}
	return string(out), nil
}
