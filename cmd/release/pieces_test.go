package main

import (
	"debug/buildinfo"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheSBOMNamesEachModuleOfTheProgram(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(dist(t), "bobbin_0.9.0-rc.1_"+host.system+"_"+host.machine+".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(unpacked(t))
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]component)
	for _, c := range b.Components {
		named[c.Name] = c
	}
	for _, dep := range info.Deps {
		c := named[dep.Path]
		if c.Version != dep.Version || c.URL != "pkg:golang/"+dep.Path+"@"+dep.Version || len(c.Properties) != 1 || c.Properties[0].Value != dep.Sum {
			t.Errorf("of %s %s it says %+v", dep.Path, dep.Version, c)
		}
	}
	if len(named) != len(info.Deps)+1 || len(info.Deps) < 5 || "go"+named["std"].Version != info.GoVersion {
		t.Errorf("it has %d modules, and the program has %d of %s", len(named), len(info.Deps), info.GoVersion)
	}
	if b.Format != "CycloneDX" || b.Spec != "1.6" || !strings.HasPrefix(b.Serial, "urn:uuid:") || len(b.Serial) != 45 || b.Metadata.Time != "2026-11-28T12:00:00Z" {
		t.Errorf("its head is %+v", b)
	}
	if main := b.Metadata.Component; main.Version != "0.9.0-rc.1" || len(main.Hashes) != 1 || len(b.Dependencies) != 1 || len(b.Dependencies[0].On) != len(b.Components) {
		t.Errorf("of the program it says %+v, which needs %+v", main, b.Dependencies)
	}
}

func TestTheFormulaHasTheSums(t *testing.T) {
	r := &release{out: t.TempDir(), version: "0.9.0", say: io.Discard, sums: make(map[string]string)}
	want := make(map[string]string)
	for i, target := range targets {
		name := r.archiveName(target) + ".tar.gz"
		r.sums[name] = strings.Repeat(string(rune('a'+i)), 64)
		if target.system == "darwin" || target.system == "linux" {
			want[name] = r.sums[name]
		}
	}
	if err := r.makeFormula(targets); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.out, "bobbin.rb"))
	if err != nil {
		t.Fatal(err)
	}
	for name, sum := range want {
		if !strings.Contains(string(text), "releases/download/v0.9.0/"+name+"\"\n      sha256 \""+sum+"\"\n") {
			t.Errorf("%s has no checksum in\n%s", name, text)
		}
	}
	if strings.Contains(string(text), "%!") || strings.Count(string(text), "sha256") != 4 {
		t.Errorf("the formula is\n%s", text)
	}
	if err := os.Remove(filepath.Join(r.out, "bobbin.rb")); err != nil {
		t.Fatal(err)
	}
	if err := r.makeFormula(targets[:4]); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.out, "bobbin.rb")); err == nil {
		t.Error("there is a formula without Linux's archives")
	}
	if _, err := exec.LookPath("ruby"); err != nil {
		t.Skip("skipped: ruby, which reads a formula, is not here")
	}
	cmd := exec.Command("ruby", "-wc")
	cmd.Stdin = strings.NewReader(string(text))
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "Syntax OK\n" {
		t.Errorf("ruby says %s, %v", out, err)
	}
}

func TestWhatIsMistypedIsSaid(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1795867200") // the source may be without its history
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "bobbin_0.0.9.deb"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		args string
		says string
	}{
		{"a target that is none", "--target linux/mips", "--target linux/mips: the targets are darwin/amd64"},
		{"a version with its v", "--version v0.1.0", "--version v0.1.0: write three numbers, such as 0.1.0"},
		{"a folder that has files", "--version 0.1.0 --target " + host.String() + " -o " + full, "the folder has files: remove them, or name another"},
		{"a flag that there is not", "--targets all", "unknown flag: --targets; see go run ./cmd/release --help"},
		{"an argument", "all", `"all": there are no arguments but flags`},
	} {
		err := run(strings.Fields(row.args))
		if err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v, want %q", row.name, err, row.says)
		}
	}
	for _, version := range []string{"", "1", "1.2", "1.2.3 -X a=b", "1.2.3\n", "1.2.3-", "1.2.3_4", "../1.2.3"} {
		if checkVersion(version) == nil {
			t.Errorf("%q passes for a version", version)
		}
	}
	for _, epoch := range []string{"x", "-1", "1.5", "99999999999", " 1"} {
		if _, err := timeOf(repository, epoch); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
			t.Errorf("SOURCE_DATE_EPOCH=%s: %v", epoch, err)
		}
	}
	if when, err := timeOf(repository, "1795867200"); err != nil || when.Unix() != 1795867200 {
		t.Errorf("SOURCE_DATE_EPOCH: %s, %v", when, err)
	}
	if _, err := moduleRoot(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not in the repository of bobbin") {
		t.Errorf("another folder: %v", err)
	}
}

func TestAPreReleaseIsOlderForDebian(t *testing.T) {
	for version, want := range map[string]string{"0.1.0": "0.1.0", "0.1.0-rc.1": "0.1.0~rc.1", "0.1.0-dev": "0.1.0~dev"} {
		if got := debVersion(version); got != want {
			t.Errorf("%s is %s, want %s", version, got, want)
		}
	}
}
