package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A target is a system and a processor that there is a program for.
type target struct{ system, machine string }

// targets are all of them.
var targets = []target{
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"freebsd", "amd64"}, {"freebsd", "arm64"},
	{"linux", "amd64"}, {"linux", "arm64"},
	{"netbsd", "amd64"}, {"netbsd", "arm64"},
	{"openbsd", "amd64"}, {"openbsd", "arm64"},
}

// String is the target as --target has it.
func (t target) String() string { return t.system + "/" + t.machine }

// host is the machine that the release is made on.
var host = target{runtime.GOOS, runtime.GOARCH}

// chosen returns the targets with these names, or all of them.
func chosen(names []string) (list []target, err error) {
	if len(names) == 0 {
		return targets, nil
	}
	for _, t := range targets {
		if slices.Contains(names, t.String()) {
			list = append(list, t)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(targets, func(t target) bool { return t.String() == name }) {
			return nil, fmt.Errorf("--target %s: the targets are %s", name, strings.Trim(fmt.Sprint(targets), "[]"))
		}
	}
	return list, nil
}

// changesBuild are the variables that would change the program. A release has the same
// bytes whatever they are.
var changesBuild = []string{
	"GOFLAGS", "GOEXPERIMENT", "GOAMD64", "GOARM64", "GOOS", "GOARCH", "GODEBUG", "GOFIPS140", "GOWORK",
	"CGO_ENABLED", "CC", "CXX", "GOCOVERDIR",
}

// staysSet are settings that say where modules and caches are. They may come from the
// file of "go env -w", which is not read for the rest.
var staysSet = []string{"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOPATH", "GOMODCACHE", "GOCACHE"}

// environment is that of a build.
func (r *release) environment(t target) (env []string, err error) {
	for _, line := range os.Environ() {
		name, _, _ := strings.Cut(line, "=")
		if !slices.Contains(changesBuild, name) {
			env = append(env, line)
		}
	}
	values, err := command(r.root, nil, "go", append([]string{"env"}, staysSet...)...)
	if err != nil {
		return nil, err
	}
	for i, value := range strings.SplitN(values, "\n", len(staysSet)) {
		env = append(env, staysSet[i]+"="+strings.TrimSuffix(value, "\n"))
	}
	return append(env, "GOENV=off", "GOOS="+t.system, "GOARCH="+t.machine, "GOAMD64=v1", "GOARM64=v8.0",
		"CGO_ENABLED=0", "GOFIPS140=off", "GOWORK=off"), nil
}

// build makes the program for a target and returns its file. Paths of this machine and
// the state of the work tree stay out of it.
func (r *release) build(t target, folder string) (string, error) {
	program := filepath.Join(folder, "bobbin_"+t.system+"_"+t.machine)
	pgo := "auto"
	if r.quick {
		pgo = "off"
	}
	env, err := r.environment(t)
	if err != nil {
		return "", err
	}
	_, err = command(r.root, env, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-pgo="+pgo,
		"-ldflags=-s -w -buildid= -X main.release="+r.version, "-o", program, "./cmd/bobbin")
	return program, err
}
