package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestAnEmptyValueIsAnError has every flag that takes one, typed, in a file and in the
// environment: a password file that is not named leaves a site without a password.
func TestAnEmptyValueIsAnError(t *testing.T) {
	var o options
	o.define()
	o.flags.VisitAll(func(flag *pflag.Flag) {
		kind := flag.Value.Type()
		if kind == "bool" || kind == "int" || flag.Name == "limit" {
			return
		}
		refused := func(where, want string, args ...string) {
			t.Helper()
			code, out, complaint := try(append([]string{"config", "test"}, args...), "", nil)
			if code != exitUsage || out != "" || !strings.Contains(complaint, want) || strings.Count(complaint, "\n") != 1 {
				t.Errorf("%s %s: %d, %q, want %q", flag.Name, where, code, complaint, want)
			}
		}
		says := "--" + flag.Name + " has an empty value: "
		refused("typed", says, "--"+flag.Name+"=")
		if flag.Name != "config" {
			refused("of blanks", says, "--"+flag.Name+"= ")
			value := `""`
			if kind != "string" {
				value = `[""]`
			}
			file := filepath.Join(t.TempDir(), "bobbin.toml")
			if err := os.WriteFile(file, []byte(flag.Name+" = "+value), 0o644); err != nil {
				t.Fatal(err)
			}
			refused("in a file", "(--"+flag.Name+" comes from "+file+":1:1)", "-c", file)
		}
		name := envName(flag.Name)
		t.Setenv(name, "")
		refused("in the environment", "the environment variable "+name+" is empty: give it a value, or unset it")
		os.Unsetenv(name)
	})
	for _, row := range []struct {
		name, says string
		args       []string
	}{
		{"an item of a list", "--index has an empty value", []string{"--index", "a.html,"}},
		{"one of several", "--trust has an empty value", []string{"--trust", "10.0.0.0/8", "--trust", ""}},
		{"a file for all pages", "write --spa alone, or leave it out", []string{"--spa="}},
		{"a variable of blanks", "--auth has an empty value: give it one, or leave it out (--auth comes from the environment variable BOBBIN_AUTH)", nil},
	} {
		code, _, complaint := try(append([]string{"config", "test"}, row.args...), "", map[string]string{"BOBBIN_AUTH": map[bool]string{true: " "}[row.args == nil]})
		if code != exitUsage || !strings.Contains(complaint, row.says) {
			t.Errorf("%s: %d, %q", row.name, code, complaint)
		}
	}
}

func TestAnEmptyVariableThatIsNotUsedIsNoError(t *testing.T) {
	dir := folder(t, map[string][]byte{"users": []byte("ali:$2a$04$7EqJtq98hPqEX7fNZaFWoOhi5BWX4Z1Z3MxE8lmyy6h6Zy/YPj4Oa")})
	t.Setenv("BOBBIN_AUTH", "")
	if code, _, complaint := try([]string{"config", "test", "--auth", filepath.Join(dir, "users"), dir}, "", nil); code != exitOK || complaint != "" {
		t.Errorf("%d, %q", code, complaint)
	}
}

func TestAPathInAFileIsNotEmpty(t *testing.T) {
	file := filepath.Join(folder(t, map[string][]byte{"bobbin.toml": []byte("path = ''")}), "bobbin.toml")
	code, _, complaint := try([]string{"config", "test", "-c", file}, "", nil)
	if want := file + ":1:8: PATH is empty"; code != exitUsage || !strings.Contains(complaint, want) {
		t.Errorf("%d, %q, want %q", code, complaint, want)
	}
}
